package sim

import (
	"net/http"
	"slices"
	"strings"
)

// GET /groups lists every group, or those that onBehalfOf may find: private ones only when joined.
func (s *CometChat) listGroups(c *call) (answer, error) {
	q := c.r.URL.Query()
	l, err := parseListing(q, listing{size: defaultPerPage})
	if err != nil {
		return answer{}, err
	}
	joinedOnly := q.Get("hasJoined") == "true" && c.uid != ""
	found := []wireGroup{}
	for _, guid := range s.rooms {
		g := s.groups[guid]
		hidden := c.uid != "" && !g.has(c.uid) && (g.kind == "private" || joinedOnly)
		if hidden || !named(q.Get("searchKey"), g.guid, g.name) {
			continue
		}
		found = append(found, s.renderGroup(g, view{viewer: c.uid}))
	}
	rows := pageOf(found, l)
	meta := pageMeta{Pagination: newPagination(len(rows), l, len(found))}
	if len(rows) > 0 {
		last := rows[len(rows)-1]
		meta.Cursor = map[string]any{"updatedAt": max(last.UpdatedAt, last.CreatedAt), "affix": affixPrepend}
	}
	return answer{Data: rows, Meta: meta}, nil
}

// GET /groups/{guid}; with onBehalfOf it tells hasJoined and, to members, their scope.
func (s *CometChat) getGroup(c *call) (answer, error) {
	g, err := s.group(c.path("guid"))
	if err != nil {
		return answer{}, err
	}
	return answer{Data: s.renderGroup(g, view{viewer: c.uid})}, nil
}

// POST /groups; with onBehalfOf that user becomes owner and admin.
func (s *CometChat) createGroup(c *call) (answer, error) {
	var b struct {
		GUID        string         `json:"guid"`
		Name        string         `json:"name"`
		Type        string         `json:"type"`
		Description string         `json:"description"`
		Icon        string         `json:"icon"`
		Owner       string         `json:"owner"`
		Metadata    map[string]any `json:"metadata"`
		Tags        []string       `json:"tags"`
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	if missing := blank("guid", b.GUID, "name", b.Name, "type", b.Type); len(missing) > 0 {
		return answer{}, required(missing...)
	}
	if !slices.Contains([]string{"public", "private", "password"}, b.Type) {
		return answer{}, badField("type", "The selected type is invalid.")
	}
	owner := c.uid
	if b.Owner != "" && owner == "" {
		p, err := s.user(b.Owner)
		if err != nil {
			return answer{}, err
		}
		owner = p.UID
	}
	g := &group{
		guid: b.GUID, name: b.Name, kind: b.Type, description: b.Description, icon: b.Icon, owner: owner, metadata: b.Metadata,
		tags: b.Tags,
	}
	if err := s.addGroup(g); err != nil {
		return answer{}, err
	}
	if owner != "" {
		g.join(owner, "admin", g.createdAt)
	}
	return answer{Data: s.renderGroup(g, view{viewer: owner})}, nil
}

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
	if c.uid != "" && g.kind != "public" && !g.has(c.uid) {
		return answer{}, notJoined(c.uid, g.guid)
	}
	scopes := csv(q, "scopes")
	found := []wireUser{}
	for _, uid := range g.order {
		m, p := g.members[uid], s.people[uid]
		if len(scopes) > 0 && !slices.Contains(scopes, m.scope) {
			continue
		}
		w := s.renderUser(p, s.withViewer(c, uid), view{viewer: c.uid})
		w.Scope, w.JoinedAt = m.scope, seconds(m.joinedAt)
		found = append(found, w)
	}
	rows := pageOf(found, l)
	ans := answer{Data: rows, Meta: pageMeta{Pagination: newPagination(len(rows), l, len(found))}}
	if len(rows) > 0 {
		ans.Cursor = map[string]any{"updatedAt": rows[len(rows)-1].CreatedAt, "affix": affixPrepend}
	}
	return ans, nil
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
	results := map[string]map[string]memberResult{}
	var added []string
	for _, list := range []string{"usersToBan", "admins", "moderators", "participants"} {
		for _, uid := range b[list] {
			if results[list] == nil {
				results[list] = map[string]memberResult{}
			}
			result := s.addMember(c, g, list, uid)
			results[list][uid] = result
			if result.Data != nil {
				added = append(added, strings.ToLower(uid))
			}
		}
	}
	if len(results) == 0 {
		return answer{}, required("participants")
	}
	if len(added) > 0 {
		s.fireAdded(g, c.actor(), added)
	}
	return answer{Data: results}, nil
}

// addMember does what one entry of a list asks for; only a joining has data.
func (s *CometChat) addMember(c *call, g *group, list, uid string) memberResult {
	p, err := s.user(uid)
	switch {
	case err != nil:
	case p.UID == systemUID:
		err = noUser(uid)
	default:
		err = joinable(g, p.UID)
	}
	if err != nil {
		w := asError(err).wire()["error"]
		return memberResult{Error: &w}
	}
	if list == "usersToBan" {
		g.banned[p.UID] = true
		return memberResult{Success: true}
	}
	return memberResult{Success: true, Data: s.admit(c, g, p, strings.TrimSuffix(list, "s"))}
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

// admit joins a person to a group and commits the action message.
func (s *CometChat) admit(c *call, g *group, p *person, scope string) wireMessage {
	now := s.cfg.Now()
	g.join(p.UID, scope, now)
	g.updatedAt = now
	m := &message{
		conversation: groupConversation(g.guid), sender: c.actor(), receiver: g.guid, receiverType: "group",
		category: "action", kind: "groupMember", rest: true,
		act: &act{name: "added", by: c.actor(), whom: p.UID},
	}
	s.commit(m)
	return s.renderMessage(m, view{viewer: c.uid})
}
