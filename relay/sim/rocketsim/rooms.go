package rocketsim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// RoomType is the kind of a room.
type RoomType string

// The kinds of rooms that people talk in.
const (
	Channel RoomType = "c" // public
	Group   RoomType = "p" // private
	Direct  RoomType = "d" // between its members
)

// Room is a conversation.
type Room struct {
	ID       string   // default a random id; for Direct the ids of its members in order
	Type     RoomType // default Channel
	Name     string   // required, except for Direct, which has none
	Topic    string
	ReadOnly bool
	Members  []string // ids or usernames; the first is the owner
}

// room is a room with who is in it; s.mu guards it. Its Room has no Members.
type room struct {
	Room
	createdAt time.Time
	updatedAt time.Time
	owner     string
	members   map[string]time.Time // by user id: since when
	order     []string             // user ids in the order of joining
	last      *message             // the newest message
	count     int                  // messages that count for the room
	unread    map[string][]string  // by user id: roots of threads that have something new
}

func (r *room) has(uid string) bool { _, in := r.members[uid]; return in }

// AddRoom makes a room with its members, who join silently, and returns its id. It fails when a member does not exist, or the name or
// id is taken.
func (s *Server) AddRoom(made Room) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", ErrClosed
	}
	var members []string
	for _, who := range made.Members {
		u, err := s.person(who)
		if err != nil {
			return "", err
		}
		if !slices.Contains(members, u.ID) {
			members = append(members, u.ID)
		}
	}
	made.Members = nil
	if err := s.nameRoom(&made, members); err != nil {
		return "", err
	}
	r := s.newRoom(made, members)
	s.rooms[made.ID] = r
	s.roomOrder = append(s.roomOrder, made.ID)
	s.fireBare("roomCreated")
	s.touch()
	return made.ID, nil
}

// newRoom is a room with its members, who joined silently.
func (s *Server) newRoom(made Room, members []string) *room {
	r := &room{Room: made, createdAt: s.now(), members: map[string]time.Time{}, unread: map[string][]string{}}
	r.updatedAt = r.createdAt
	for _, uid := range members {
		r.members[uid] = r.createdAt
		r.order = append(r.order, uid)
	}
	if len(members) > 0 && made.Type != Direct {
		r.owner = members[0]
	}
	return r
}

// nameRoom fills in and checks what identifies a room.
func (s *Server) nameRoom(made *Room, members []string) error {
	if made.Type == "" {
		made.Type = Channel
	}
	if made.Type == Direct && made.ID == "" {
		if len(members) > 2 {
			made.ID = randomID()
		} else {
			made.ID = strings.Join(slices.Sorted(slices.Values(members)), "")
		}
	}
	if made.ID == "" {
		made.ID = randomID()
	}
	switch {
	case !slices.Contains([]RoomType{Channel, Group, Direct}, made.Type):
		return fmt.Errorf("rocketsim: room %s has the unknown type %q", made.ID, made.Type)
	case made.Type == Direct && (made.Name != "" || len(members) == 0):
		return fmt.Errorf("rocketsim: direct room %s wants members and no name", made.ID)
	case made.Type != Direct && made.Name == "":
		return fmt.Errorf("rocketsim: room %s has no name", made.ID)
	case s.rooms[made.ID] != nil:
		return fmt.Errorf("rocketsim: the room id %s is taken", made.ID)
	}
	for _, r := range s.rooms {
		if made.Name != "" && r.Name == made.Name {
			return fmt.Errorf("rocketsim: the room name %s is taken", made.Name)
		}
	}
	return nil
}

// place finds a room by id, "#name", or "@username", which is the direct room of from and that user; nil when there is none. The
// caller holds s.mu.
func (s *Server) place(from *user, at string) *room {
	if r := s.rooms[at]; r != nil {
		return r
	}
	if name, ok := strings.CutPrefix(at, "@"); ok {
		other, err := s.person(name)
		if err != nil || from == nil {
			return nil
		}
		return s.rooms[directID(from.ID, other.ID)]
	}
	name := strings.TrimPrefix(at, "#")
	for _, id := range s.roomOrder {
		if r := s.rooms[id]; r.Name != "" && r.Name == name {
			return r
		}
	}
	return nil
}

// directID is the id of the direct room of two users.
func directID(a, b string) string {
	if b < a {
		a, b = b, a
	}
	return a + b
}
