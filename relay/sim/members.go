package sim

import (
	"net/http"
	"strings"
)

// Join makes a person a participant of a public group, as the person's own app would, commits the action message and fires
// group_member_joined. It fails when either does not exist, when the group is not public, and for members and banned users.
func (s *CometChat) Join(uid, guid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, p, err := s.pairUp(uid, guid)
	if err != nil {
		return err
	}
	if err := joinable(g, p.UID); err != nil {
		return err
	}
	if g.kind != "public" {
		return refuse(http.StatusForbidden, "ERR_GROUP_JOIN_NOT_ALLOWED", "The group with GUID %s cannot be joined.", g.guid)
	}
	s.enroll(g, p.UID, "participant")
	s.fireMembers("group_member_joined", g, "", s.recordMember(g, act{name: "joined", by: p.UID, whom: p.UID}))
	return nil
}

// Leave ends a person's membership, commits the action message and fires group_member_left. It fails when the person is not a
// member.
func (s *CometChat) Leave(uid, guid string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, p, err := s.pairUp(uid, guid)
	if err != nil {
		return err
	}
	if !g.has(p.UID) {
		return notJoined(p.UID, g.guid)
	}
	s.expel(g, p.UID)
	s.fireMembers("group_member_left", g, "", s.recordMember(g, act{name: "left", by: p.UID, whom: p.UID}))
	return nil
}

func (s *CometChat) pairUp(uid, guid string) (*group, *person, error) {
	if s.closed {
		return nil, nil, ErrClosed
	}
	g, err := s.group(guid)
	if err != nil {
		return nil, nil, err
	}
	p := s.people[strings.ToLower(uid)]
	if p == nil {
		return nil, nil, noUser(uid)
	}
	return g, p, nil
}

func joinable(g *group, uid string) error {
	switch {
	case g.has(uid):
		return refuse(http.StatusBadRequest, "ERR_ALREADY_JOINED", "The user with UID %s has already joined the group with GUID %s.", uid, g.guid)
	case g.banned[uid]:
		return refuse(http.StatusForbidden, "ERR_BANNED_GROUPMEMBER", "The user with UID %s is banned from the group with GUID %s.", uid, g.guid)
	}
	return nil
}

// recordMember commits the action message of a change of membership; the caller holds s.mu.
func (s *CometChat) recordMember(g *group, a act) *message {
	g.updatedAt = s.cfg.Now()
	m := &message{
		conversation: groupConversation(g.guid), sender: a.by, receiver: g.guid, receiverType: "group",
		category: "action", kind: "groupMember", rest: true, act: &a,
	}
	s.commit(m)
	return m
}

// SetOnline tells that a person's app has connected or disconnected, and fires user_connection_status_changed, the one event
// whose times are milliseconds. It fails when there is no such person.
func (s *CometChat) SetOnline(uid string, online bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	p := s.people[strings.ToLower(uid)]
	if p == nil {
		return noUser(uid)
	}
	now := s.cfg.Now()
	p.status, p.lastActive = "offline", now
	action := "disconnected"
	if online {
		p.status, action = "online", "connected"
	}
	body := map[string]any{
		"timestamp": now.UnixMilli(), "user": s.renderUser(p, "", view{hook: true}), "status": p.status, "userPresenceChanged": true,
		"currentConnection": map[string]any{
			"action": action, "platform": "javascript", "userAgent": "sim", "connectedAt": now.UnixMilli(),
			"appInfo": map[string]any{"version": "4.2.0", "apiVersion": "v3.0", "origin": "http://localhost", "uts": now.UnixMilli(), "clientIp": "127.0.0.1"},
		},
	}
	s.fire(event{trigger: "user_connection_status_changed", room: "user_" + p.UID, data: always(body)})
	s.touch()
	return nil
}
