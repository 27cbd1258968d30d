package sim

import (
	"slices"
	"strings"
	"time"
)

// systemUID is the sender of whatever is done without the header onBehalfOf.
const systemUID = "app_system"

// User is a person or a bot.
type User struct {
	UID    string // at most 100 of a-z 0-9 - _; upper case is lowered, as the server does
	Name   string // default the uid
	Avatar string // address of a picture; may be empty
}

// Group is a conversation of several users. Members that AddGroup is given join silently: the first as admin and owner, the
// others as participants.
type Group struct {
	GUID, Name string
	Members    []string
}

type person struct {
	User
	role, link string
	metadata   map[string]any
	tags       []string
	createdAt  time.Time
	lastActive time.Time // last time that the person typed in the app
	number     int       // how many people were made before
	status     string    // online or offline once it was told; else it follows lastActive

	updatedAt, deactivatedAt time.Time
	blocked                  map[string]time.Time // uids that this one blocks
	tokens                   []token
}

type member struct {
	scope    string // admin, moderator, participant
	joinedAt time.Time
}

type group struct {
	guid, name, kind     string // kind: public, private, password
	description, icon    string
	password             string
	owner                string
	metadata             map[string]any
	tags                 []string
	createdAt, updatedAt time.Time
	members              map[string]*member
	order                []string // uids in the order of joining
	banned               map[string]bool
}

func (g *group) has(uid string) bool { return g.members[uid] != nil }

// enroll makes someone a member; the caller holds s.mu.
func (s *CometChat) enroll(g *group, uid, scope string) {
	g.members[uid] = &member{scope: scope, joinedAt: s.cfg.Now()}
	g.order = append(g.order, uid)
	if s.joined[uid] == nil {
		s.joined[uid] = map[string]struct{}{}
	}
	s.joined[uid][g.guid] = struct{}{}
}

// expel ends a membership; the caller holds s.mu.
func (s *CometChat) expel(g *group, uid string) {
	delete(g.members, uid)
	g.order = slices.DeleteFunc(g.order, func(other string) bool { return other == uid })
	delete(s.joined[uid], g.guid)
}

// blocks tells whether one user has blocked another; the caller holds s.mu.
func (s *CometChat) blocks(uid, other string) bool {
	p := s.people[uid]
	if p == nil {
		return false
	}
	_, blocked := p.blocked[other]
	return blocked
}

// AddUser makes a user. It fails when the uid is empty, has characters that uids may not have, or is taken.
func (s *CometChat) AddUser(u User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.addPerson(&person{User: u, role: "default"})
	return err
}

// AddGroup makes a public group with its members, who must exist. It fails when the guid is not valid or is taken.
func (s *CometChat) AddGroup(g Group) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &group{guid: g.GUID, name: g.Name, kind: "public"}
	var uids []string
	for _, uid := range g.Members {
		uid = strings.ToLower(uid)
		if s.people[uid] == nil {
			return noUser(uid)
		}
		if !slices.Contains(uids, uid) {
			uids = append(uids, uid)
		}
	}
	if err := s.addGroup(made); err != nil {
		return err
	}
	for i, uid := range uids {
		scope := "participant"
		if i == 0 {
			scope, made.owner = "admin", uid
		}
		s.enroll(made, uid, scope)
	}
	return nil
}

// addPerson checks and keeps a person; the caller holds s.mu.
func (s *CometChat) addPerson(p *person) (*person, error) {
	p.UID = strings.ToLower(p.UID)
	if err := checkID("uid", p.UID); err != nil {
		return nil, err
	}
	if s.people[p.UID] != nil || p.UID == systemUID {
		return nil, badField("uid", "The uid %s has already been taken.", p.UID)
	}
	if p.Name == "" {
		p.Name = p.UID
	}
	p.createdAt, p.number = s.cfg.Now(), len(s.order)
	s.people[p.UID] = p
	s.order = append(s.order, p.UID)
	s.touch()
	return p, nil
}

// addGroup checks and keeps a group without members; the caller holds s.mu.
func (s *CometChat) addGroup(g *group) error {
	g.guid = strings.ToLower(g.guid)
	if err := checkID("guid", g.guid); err != nil {
		return err
	}
	if s.groups[g.guid] != nil {
		return badField("guid", "The guid %s has already been taken.", g.guid)
	}
	if g.name == "" {
		g.name = g.guid
	}
	g.createdAt = s.cfg.Now()
	g.members, g.banned = map[string]*member{}, map[string]bool{}
	s.groups[g.guid] = g
	s.rooms = append(s.rooms, g.guid)
	s.touch()
	return nil
}

// user finds a person who is not deactivated, or the system user; the caller holds s.mu.
func (s *CometChat) user(uid string) (*person, error) {
	uid = strings.ToLower(uid)
	if uid == systemUID {
		return &person{User: User{UID: systemUID, Name: "System"}, role: "default", createdAt: s.born}, nil
	}
	if p := s.people[uid]; p != nil && p.deactivatedAt.IsZero() {
		return p, nil
	}
	return nil, noUser(uid)
}

// group finds a group; the caller holds s.mu.
func (s *CometChat) group(guid string) (*group, error) {
	guid = strings.ToLower(guid)
	if g := s.groups[guid]; g != nil {
		return g, nil
	}
	return nil, noGroup(guid)
}

// checkID applies the documented constraints of uids and guids (CometChat: articles/properties-and-constraints).
func checkID(field, id string) error {
	if id == "" {
		return required(field)
	}
	const maxLength = 100
	if len(id) > maxLength {
		return badField(field, "The %s may not be greater than %d characters.", field, maxLength)
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return badField(field, "The %s may only contain letters, numbers, dashes and underscores.", field)
		}
	}
	return nil
}

func userConversation(a, b string) string {
	if b < a {
		a, b = b, a
	}
	return a + "_user_" + b
}

func groupConversation(guid string) string { return "group_" + guid }
