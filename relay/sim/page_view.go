package sim

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	shownThreads = 200 // newest threads of a conversation on the page
	shownReplies = 100 // newest replies of a thread
	shownRooms   = 200
	hues         = 8 // colours that page.css knows
)

// chatView is everything that the page shows.
type chatView struct {
	Me      faceView
	People  []faceView
	Rooms   []roomView
	Room    roomView // the chosen one; its Key is empty when there is nobody to talk to
	Threads []threadView
	Earlier bool // older threads are left out
	Error   string
	Draft   string
	Faults  faultsView
}

// faceView is how a person or group is pictured: coloured initials.
type faceView struct {
	ID, Name, Initials string
	Hue                int
}

type roomView struct {
	faceView
	Key     string // user/<uid> or group/<guid>
	Me      string // uid of the person at the page, for links
	Group   bool
	Chosen  bool
	Members int
	Preview string
	Time    stampView
	last    int64 // id of the newest message
}

type threadView struct {
	Root    messageView
	Replies []messageView
	Earlier int // replies left out
	Total   int // replies altogether
	Me, Key string
}

type messageView struct {
	faceView
	Key       string // message id
	Text      string
	Note      string // instead of a text: something that happened, or content that the page does not show
	Time      stampView
	Mine, Bot bool
	Edited    bool
	Deleted   bool
	Action    bool
	Status    string // of moderation, when it is not that the message may be seen
	Reactions []wireReactionCount
}

type stampView struct{ Short, Full, ISO string }

// look builds the page as one person sees one conversation; unknown choices fall back to the first person and to the newest
// conversation.
func (s *CometChat) look(as, with string) chatView {
	s.mu.Lock()
	defer s.mu.Unlock()
	var v chatView
	if len(s.order) == 0 {
		return v
	}
	for i, uid := range s.order {
		v.People = append(v.People, faceOf(uid, s.people[uid].Name, i))
	}
	me := s.people[strings.ToLower(as)]
	if me == nil {
		me = s.people[s.order[0]]
	}
	v.Me = faceOf(me.UID, me.Name, me.number)
	v.Rooms = s.lookRooms(me.UID)
	chosen := slices.IndexFunc(v.Rooms, func(r roomView) bool { return r.Key == strings.ToLower(with) })
	if chosen < 0 && len(v.Rooms) > 0 {
		chosen = 0
	}
	if chosen >= 0 {
		v.Rooms[chosen].Chosen = true
		v.Room = v.Rooms[chosen]
		v.Threads, v.Earlier = s.lookThreads(v.Room)
	}
	v.Rooms = v.Rooms[:min(len(v.Rooms), shownRooms)]
	v.Faults = s.lookFaults(v.Me.ID, v.Room.Key)
	return v
}

// lookRooms lists a person's conversations, the one with the newest message first.
func (s *CometChat) lookRooms(me string) []roomView {
	var rooms []roomView
	for i, guid := range s.rooms {
		if g := s.groups[guid]; g.has(me) {
			r := roomView{faceView: faceOf(guid, g.name, hues-1-i%hues), Key: "group/" + guid, Me: me, Group: true, Members: len(g.members)}
			rooms = append(rooms, s.preview(r, groupConversation(guid)))
		}
	}
	for i, uid := range s.order {
		if uid != me {
			r := roomView{faceView: faceOf(uid, s.people[uid].Name, i), Key: "user/" + uid, Me: me}
			rooms = append(rooms, s.preview(r, userConversation(me, uid)))
		}
	}
	slices.SortStableFunc(rooms, func(a, b roomView) int { return cmp.Compare(b.last, a.last) })
	return rooms
}

func (s *CometChat) preview(r roomView, conversation string) roomView {
	const previewRunes = 80
	for _, id := range slices.Backward(s.store.rooms[conversation]) {
		m := s.store.at(id)
		if m == nil || m.act != nil {
			continue
		}
		mv := s.lookMessage(m, r.Me)
		r.Preview, r.Time, r.last = cmp.Or(mv.Text, mv.Note), mv.Time, m.id
		if utf8.RuneCountInString(r.Preview) > previewRunes {
			r.Preview = string([]rune(r.Preview)[:previewRunes]) + "…"
		}
		break
	}
	return r
}

func (s *CometChat) lookThreads(r roomView) ([]threadView, bool) {
	conversation := userConversation(r.Me, r.ID)
	if r.Group {
		conversation = groupConversation(r.ID)
	}
	var threads []threadView
	for _, id := range slices.Backward(s.store.rooms[conversation]) {
		m := s.store.at(id)
		if m == nil || m.kind == "message" && m.act != nil || m.parent != 0 && s.store.at(m.parent) != nil {
			continue
		}
		if len(threads) == shownThreads {
			slices.Reverse(threads)
			return threads, true
		}
		t := threadView{Root: s.lookMessage(m, r.Me), Me: r.Me, Key: r.Key}
		replies := s.store.replies[m.id]
		t.Total = len(replies)
		t.Earlier = max(0, t.Total-shownReplies)
		for _, reply := range replies[t.Earlier:] {
			if m := s.store.at(reply); m != nil {
				t.Replies = append(t.Replies, s.lookMessage(m, r.Me))
			}
		}
		threads = append(threads, t)
	}
	slices.Reverse(threads)
	return threads, false
}

func (s *CometChat) lookMessage(m *message, me string) messageView {
	name, number := m.sender, 0
	if p, err := s.user(m.sender); err == nil {
		name, number = p.Name, p.number
	}
	v := messageView{
		faceView: faceOf(m.sender, name, number), Key: m.key(), Text: m.text(), Time: s.stamp(m.sentAt), Mine: m.sender == me,
		Bot: m.rest, Edited: !m.editedAt.IsZero(), Deleted: !m.deletedAt.IsZero(), Reactions: reactionCounts(m, me),
	}
	if m.moderation == statusPending || m.moderation == statusDisapproved {
		v.Status = m.moderation
	}
	switch {
	case v.Deleted:
		v.Note = "This message was deleted."
	case m.act != nil:
		whom := m.act.whom
		if p, err := s.user(whom); err == nil {
			whom = p.Name
		}
		v.Action, v.Note = true, name+" "+m.act.name+" "+whom
		if m.act.whom == m.sender {
			v.Note = name + " " + m.act.name
		}
	case v.Text == "":
		v.Note = "A message of the type " + m.category + "/" + m.kind
	}
	return v
}

func (s *CometChat) stamp(at time.Time) stampView {
	short := "15:04"
	if at.Format(time.DateOnly) != s.cfg.Now().Format(time.DateOnly) {
		short = "2 Jan 15:04"
	}
	return stampView{Short: at.Format(short), Full: at.Format("2 January 2006, 15:04:05"), ISO: at.Format(time.RFC3339)}
}

// faceOf pictures a person or group; its number spreads the colours over those who were made one after the other.
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
