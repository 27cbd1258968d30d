package sim

import (
	"net/http"
	"slices"
	"strings"
)

// GET /groups/{guid}/members. The cursor stands beside meta, as in the documented example.
func (s *CometChat) listMembers(c *call) (answer, error) {
	q := c.r.URL.Query()
	l, err := parseListing(q, listing{size: defaultPerPage})
	if err != nil {
		return answer{}, err
	}
	g, err := s.group(c.path("guid"))
	if err != nil {
		return answer{}, err
	}
	if c.uid != "" && c.uid != systemUID && g.kind != "public" && !g.has(c.uid) {
		return answer{}, notJoined(c.uid, g.guid)
	}
	scopes := csv(q, "scopes")
	var found []string
	for _, uid := range g.order {
		if len(scopes) == 0 || slices.Contains(scopes, g.members[uid].scope) {
			found = append(found, uid)
		}
	}
	rows := []wireUser{}
	for _, uid := range pageOf(found, l) {
		m := g.members[uid]
		w := s.renderUser(s.people[uid], s.withViewer(c, uid), view{viewer: c.uid})
		w.Scope, w.JoinedAt = m.scope, seconds(m.joinedAt)
		rows = append(rows, w)
	}
	return userList(rows, l, len(found)), nil
}

type memberResult struct {
	Success bool       `json:"success"`
	Data    any        `json:"data,omitempty"`
	Error   *wireError `json:"error,omitempty"`
}

// POST /groups/{guid}/members answers per list and uid; each joining commits an action message, and all of one request fire one
// group_member_added.
func (s *CometChat) addMembers(c *call) (answer, error) {
	var b map[string][]string
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	g, err := s.group(c.path("guid"))
	if err != nil {
		return answer{}, err
	}
	if c.uid != "" && c.uid != systemUID && !g.has(c.uid) {
		return answer{}, notJoined(c.uid, g.guid)
	}
	results := s.addAll(c, g, b)
	if len(results) == 0 {
		return answer{}, required("participants")
	}
	return answer{Data: results}, nil
}

// addAll adds and bans as lists ask for, and answers per list and uid.
func (s *CometChat) addAll(c *call, g *group, lists map[string][]string) map[string]map[string]memberResult {
	results := map[string]map[string]memberResult{}
	var added, banned []*message
	for _, list := range []string{"usersToBan", "admins", "moderators", "participants"} {
		for _, uid := range lists[list] {
			if results[list] == nil {
				results[list] = map[string]memberResult{}
			}
			action, err := s.addMember(c, g, list, uid)
			switch {
			case err != nil:
				w := asError(err).wire()["error"]
				results[list][uid] = memberResult{Error: &w}
			case list == "usersToBan":
				banned = append(banned, action)
				results[list][uid] = memberResult{Success: true}
			default:
				added = append(added, action)
				results[list][uid] = memberResult{Success: true, Data: s.renderMessage(action, view{viewer: c.uid})}
			}
		}
	}
	if len(banned) > 0 {
		s.fireMembers("group_member_banned", g, c.actor(), banned...)
	}
	if len(added) > 0 {
		s.fireMembers("group_member_added", g, c.actor(), added...)
	}
	return results
}

// addMember does what one entry of a list asks for.
func (s *CometChat) addMember(c *call, g *group, list, uid string) (*message, error) {
	p, err := s.user(uid)
	switch {
	case err != nil:
	case p.UID == systemUID:
		err = noUser(uid)
	default:
		err = joinable(g, p.UID)
	}
	if err != nil {
		return nil, err
	}
	if list == "usersToBan" {
		g.banned[p.UID] = true
		return s.recordMember(g, act{name: "banned", by: c.actor(), whom: p.UID}), nil
	}
	s.enroll(g, p.UID, strings.TrimSuffix(list, "s"))
	return s.recordMember(g, act{name: "added", by: c.actor(), whom: p.UID}), nil
}

// PUT /groups/{guid}/members/{uid} changes a member's scope.
func (s *CometChat) changeScope(c *call) (answer, error) {
	var b struct {
		Scope string `json:"scope"`
	}
	g, uid, err := s.other(c, "admin")
	if err != nil {
		return answer{}, err
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	m := g.members[uid]
	switch {
	case m == nil:
		return answer{}, notMember(uid, g.guid)
	case !slices.Contains([]string{"admin", "moderator", "participant"}, b.Scope):
		return answer{}, badField("scope", "The selected scope is invalid.")
	case m.scope == b.Scope:
		return answer{}, refuse(http.StatusBadRequest, "ERR_SAME_SCOPE", "The user with UID %s has the scope %s already.", uid, b.Scope)
	}
	change := act{name: "scopeChanged", by: c.actor(), whom: uid, oldScope: m.scope, newScope: b.Scope}
	m.scope = b.Scope
	s.fireMembers("group_member_scope_changed", g, c.actor(), s.recordMember(g, change))
	return answer{Data: map[string]any{"guid": g.guid, "uid": uid, "scope": m.scope, "joinedAt": seconds(m.joinedAt)}}, nil
}

// DELETE /groups/{guid}/members/{uid} kicks a member.
func (s *CometChat) kickMember(c *call) (answer, error) {
	g, uid, err := s.other(c, "moderator")
	if err != nil {
		return answer{}, err
	}
	if !g.has(uid) {
		return answer{}, notMember(uid, g.guid)
	}
	s.expel(g, uid)
	s.fireMembers("group_member_kicked", g, c.actor(), s.recordMember(g, act{name: "kicked", by: c.actor(), whom: uid}))
	return done("The member with %s has been kicked from the Group with %s.", uid, g.guid), nil
}

// POST /groups/{guid}/bannedusers/{uid} bans a user, who stops being a member.
func (s *CometChat) banMember(c *call) (answer, error) {
	g, uid, err := s.other(c, "moderator")
	if err != nil {
		return answer{}, err
	}
	if _, err := s.user(uid); err != nil {
		return answer{}, err
	}
	if g.has(uid) {
		s.expel(g, uid)
	}
	g.banned[uid] = true
	s.fireMembers("group_member_banned", g, c.actor(), s.recordMember(g, act{name: "banned", by: c.actor(), whom: uid}))
	return done("The user with uid %s has been banned from the Group with %s.", uid, g.guid), nil
}

// DELETE /groups/{guid}/bannedusers/{uid}.
func (s *CometChat) unbanMember(c *call) (answer, error) {
	g, uid, err := s.other(c, "moderator")
	if err != nil {
		return answer{}, err
	}
	if !g.banned[uid] {
		return answer{}, notMember(uid, g.guid)
	}
	delete(g.banned, uid)
	s.fireMembers("group_member_unbanned", g, c.actor(), s.recordMember(g, act{name: "unbanned", by: c.actor(), whom: uid}))
	return done("The user with uid %s has been unbanned from the Group with %s.", uid, g.guid), nil
}

// GET /groups/{guid}/bannedusers.
func (s *CometChat) listBanned(c *call) (answer, error) {
	g, err := s.ruled(c, "moderator")
	if err != nil {
		return answer{}, err
	}
	l, err := parseListing(c.r.URL.Query(), listing{size: defaultPerPage})
	if err != nil {
		return answer{}, err
	}
	found := []wireUser{}
	for _, uid := range s.order {
		if g.banned[uid] {
			found = append(found, s.renderUser(s.people[uid], s.withViewer(c, uid), view{viewer: c.uid}))
		}
	}
	return userList(pageOf(found, l), l, len(found)), nil
}

// other finds the group and the uid of a path for someone who must have a scope and may not mean himself.
func (s *CometChat) other(c *call, scope string) (*group, string, error) {
	g, err := s.ruled(c, scope)
	if err != nil {
		return nil, "", err
	}
	uid := strings.ToLower(c.path("uid"))
	if uid == c.uid {
		return nil, "", refuse(http.StatusForbidden, "ERR_GROUP_NO_SELF_ACTION", "The user with UID %s cannot do this to himself.", uid)
	}
	return g, uid, nil
}
