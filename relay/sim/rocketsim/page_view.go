package rocketsim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	shownMessages = 200 // newest messages of a room on the page
	shownReplies  = 200 // newest replies of a thread
	shownRooms    = 200
	hues          = 8 // colours that page.css knows
)

// chatView is everything that the page shows.
type chatView struct {
	Choice   choice
	Me       faceView
	People   []faceView
	Rooms    []roomView
	Room     roomView // the chosen one; its Key is empty when there is none
	Messages []messageView
	Earlier  bool        // older messages are left out
	Thread   *threadView // beside the room; nil for none
	Error    string
	Draft    string
	Faults   faultsView
}

// faceView is how a person or room is pictured: coloured initials.
type faceView struct {
	ID, Name, Initials string
	Hue                int
}

type roomView struct {
	faceView
	Key     string // a room's id, or "@" and a username for people who have not talked yet
	Me      string // username of who looks, for links
	Kind    string // for people: what kind of room it is
	Direct  bool
	Chosen  bool
	Preview string
	Time    stampView
	last    time.Time
}

type threadView struct {
	Root    messageView
	Replies []messageView
	Earlier int // replies left out
	Total   int
	Choice  choice
}

type messageView struct {
	faceView
	Key, Anchor string // id of the message, and of its element
	Choice      choice // to come back to
	Username    string // besides the alias that the message shows
	Text        string
	Note        string // instead of a text: something that happened
	Files       []string
	Time        stampView
	Mine, Bot   bool
	Edited      bool
	Event       bool // a system message
	Gone        bool // deleted
	InThread    bool // shown beside the room
	Reply       bool // a reply that is shown in the room, too
	Replies     int
	Thread      string // root of the message's thread
	Reactions   []reactionView
	Quick       []reactionView // what can be given with one click
}

type reactionView struct {
	Name, Glyph, Who string
	Count            int
	Mine             bool
}

type stampView struct{ Short, Full, ISO string }

// look builds the page for a choice; unknown choices fall back to the first person and to the room with the newest message.
func (s *Server) look(at choice) chatView {
	s.mu.Lock()
	defer s.mu.Unlock()
	people := s.everybody()
	if len(people) == 0 {
		return chatView{}
	}
	me, err := s.person(at.As)
	if err != nil {
		me = people[0]
	}
	var v chatView
	for i, u := range people {
		v.People = append(v.People, faceOf(u.Username, u.Name, i))
		if u == me {
			v.Me = v.People[i]
		}
	}
	v.Rooms = s.lookRooms(me, people)
	chosen := slices.IndexFunc(v.Rooms, func(r roomView) bool { return at.Room != "" && r.Key == s.roomKey(me, at.Room) })
	if chosen < 0 && len(v.Rooms) > 0 {
		chosen = 0
	}
	v.Choice = choice{As: me.Username}
	if chosen >= 0 {
		v.Rooms[chosen].Chosen = true
		v.Room = v.Rooms[chosen]
		v.Choice.Room = v.Room.Key
		v.lookInto(s, me, at.Thread)
	}
	v.Rooms = v.Rooms[:min(len(v.Rooms), shownRooms)]
	v.Faults = s.lookFaults(v.Choice)
	return v
}

// everybody is all users, people before bots, in the order of their making.
func (s *Server) everybody() []*user {
	var all []*user
	for _, u := range s.users {
		all = append(all, u)
	}
	isBot := func(u *user) int {
		if slices.Contains(u.Roles, "bot") {
			return 1
		}
		return 0
	}
	slices.SortFunc(all, func(a, b *user) int {
		return cmp.Or(cmp.Compare(isBot(a), isBot(b)), a.createdAt.Compare(b.createdAt), cmp.Compare(a.Username, b.Username))
	})
	return all
}

// roomKey is how the page calls a room that was asked for by id, name or "@username".
func (s *Server) roomKey(me *user, at string) string {
	if r := s.place(me, at); r != nil {
		return r.ID
	}
	return at
}

// lookRooms lists the rooms that a person may read, the one with the newest message first, and then people to begin with.
func (s *Server) lookRooms(me *user, people []*user) []roomView {
	var rooms []roomView
	for i, id := range s.roomOrder {
		if r := s.rooms[id]; s.mayRead(me, r) {
			rooms = append(rooms, s.lookRoom(me, r, hues-1-i%hues))
		}
	}
	slices.SortStableFunc(rooms, func(a, b roomView) int { return b.last.Compare(a.last) })
	for i, u := range people {
		if u != me && s.rooms[directID(me.ID, u.ID)] == nil {
			key := "@" + u.Username
			rooms = append(rooms, roomView{
				faceView: faceOf(u.Username, u.Name, i), Key: key, Direct: true, Kind: "Direct messages",
				Me: me.Username,
			})
		}
	}
	return rooms
}

func (s *Server) lookRoom(me *user, r *room, hue int) roomView {
	v := roomView{
		faceView: faceOf(r.ID, r.Name, hue), Key: r.ID, Direct: r.Type == Direct, Me: me.Username,
	}
	switch r.Type {
	case Direct:
		v.Kind = "Direct messages"
		v.faceView = faceOf(r.ID, s.others(me, r), hue)
	case Group:
		v.Kind = "Private group of " + count(len(r.order), "member")
	default:
		v.Kind = "Channel of " + count(len(r.order), "member")
		if !r.has(me.ID) {
			v.Kind += ", not joined"
		}
	}
	if r.last != nil {
		mv := s.lookMessage(r.last, me, choice{})
		v.Preview, v.Time, v.last = shortened(cmp.Or(mv.Text, mv.Note)), mv.Time, told(r.last)
	}
	return v
}

// others names the people of a direct room as one of them sees it.
func (s *Server) others(me *user, r *room) string {
	var names []string
	for _, uid := range r.order {
		if u := s.users[uid]; u != nil && (u != me || len(r.order) == 1) {
			names = append(names, u.Name)
		}
	}
	return strings.Join(names, ", ")
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return strconv.Itoa(n) + " " + of + "s"
}

func shortened(text string) string {
	const most = 80
	if utf8.RuneCountInString(text) > most {
		return string([]rune(text)[:most]) + "…"
	}
	return text
}

// told is when a message was sent, by the server's clock where its sender wrote another time.
func told(m *message) time.Time {
	if m.TS.IsZero() {
		return m.UpdatedAt
	}
	return m.TS
}

func (s *Server) stamp(at time.Time) stampView {
	short := "15:04"
	if at.Format(time.DateOnly) != s.cfg.Now().UTC().Format(time.DateOnly) {
		short = "2 Jan 15:04"
	}
	return stampView{Short: at.Format(short), Full: at.Format("2 January 2006, 15:04:05"), ISO: at.Format(time.RFC3339)}
}

// faceOf pictures a person or room; its number spreads the colours over those who were made one after the other.
func faceOf(id, name string, number int) faceView {
	return faceView{ID: id, Name: name, Initials: initials(name), Hue: number % hues}
}

// initials are the first letters of a name's first and last word.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return "?"
	}
	first, _ := utf8.DecodeRuneInString(words[0])
	out := string(unicode.ToUpper(first))
	if len(words) > 1 {
		last, _ := utf8.DecodeRuneInString(words[len(words)-1])
		out += string(unicode.ToUpper(last))
	}
	return out
}
