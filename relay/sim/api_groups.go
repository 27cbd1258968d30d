package sim

import (
	"net/url"
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
	var found []*group
	for _, guid := range s.rooms {
		if g := s.groups[guid]; wantsGroup(q, g, c.uid) {
			found = append(found, g)
		}
	}
	rows := []wireGroup{}
	for _, g := range pageOf(found, l) {
		w := s.renderGroup(g, view{viewer: c.uid})
		if !truth(q, "withTags") {
			w.Tags = nil
		}
		rows = append(rows, w)
	}
	meta := pageMeta{Pagination: newPagination(len(rows), l, len(found))}
	if len(rows) > 0 {
		last := rows[len(rows)-1]
		meta.Cursor = map[string]any{"updatedAt": max(last.UpdatedAt, last.CreatedAt), "affix": affixPrepend}
	}
	return answer{Data: rows, Meta: meta}, nil
}

// wantsGroup applies the filters of GET /groups.
func wantsGroup(q url.Values, g *group, viewer string) bool {
	types, tags := csv(q, "type", "types"), csv(q, "tags")
	outside := viewer != "" && viewer != systemUID && !g.has(viewer)
	switch {
	case outside && (g.kind == "private" || truth(q, "hasJoined")), len(types) > 0 && !slices.Contains(types, g.kind):
		return false
	case len(tags) > 0 && !slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(g.tags, t) }):
		return false
	}
	return named(q.Get("searchKey"), g.guid, g.name)
}

// GET /groups/{guid}; with onBehalfOf it tells hasJoined and, to members, their scope.
func (s *CometChat) getGroup(c *call) (answer, error) {
	g, err := s.group(c.path("guid"))
	if err != nil {
		return answer{}, err
	}
	return answer{Data: s.renderGroup(g, view{viewer: c.uid})}, nil
}

// groupBody is what POST and PUT take; what is nil stays as it is.
type groupBody struct {
	GUID        string              `json:"guid"`
	Name        *string             `json:"name"`
	Type        *string             `json:"type"`
	Password    *string             `json:"password"`
	Description *string             `json:"description"`
	Icon        *string             `json:"icon"`
	Owner       *string             `json:"owner"`
	Metadata    map[string]any      `json:"metadata"`
	Tags        []string            `json:"tags"`
	Unset       []string            `json:"unset"`
	Members     map[string][]string `json:"members"`
}

// apply changes everything but the guid and the owner.
func (b groupBody) apply(g *group) error {
	for into, from := range map[*string]*string{
		&g.name: b.Name, &g.kind: b.Type, &g.password: b.Password, &g.description: b.Description, &g.icon: b.Icon,
	} {
		if from != nil {
			*into = *from
		}
	}
	if b.Metadata != nil {
		g.metadata = b.Metadata
	}
	if b.Tags != nil {
		g.tags = b.Tags
	}
	for _, field := range b.Unset {
		switch field {
		case "description":
			g.description = ""
		case "icon":
			g.icon = ""
		case "metadata":
			g.metadata = nil
		case "tags":
			g.tags = nil
		}
	}
	if missing := blank("name", g.name, "type", g.kind); len(missing) > 0 {
		return required(missing...)
	}
	switch {
	case !slices.Contains([]string{"public", "private", "password"}, g.kind):
		return badField("type", "The selected type is invalid.")
	case g.kind == "password" && g.password == "":
		return required("password")
	case len(encode(g.metadata)) > maxMetadata:
		return badField("metadata", "The metadata may not be greater than %d bytes.", maxMetadata)
	}
	return nil
}

// POST /groups; with onBehalfOf that user becomes owner and admin.
func (s *CometChat) createGroup(c *call) (answer, error) {
	var b groupBody
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	g := &group{guid: b.GUID}
	err := b.apply(g)
	if missing := blank("guid", b.GUID, "name", g.name, "type", g.kind); len(missing) > 0 {
		return answer{}, required(missing...)
	}
	if err != nil {
		return answer{}, err
	}
	g.owner = c.uid
	if b.Owner != nil && c.uid == "" {
		p, err := s.user(*b.Owner)
		if err != nil {
			return answer{}, err
		}
		g.owner = p.UID
	}
	if err := s.addGroup(g); err != nil {
		return answer{}, err
	}
	if g.owner != "" {
		s.enroll(g, g.owner, "admin")
	}
	s.fireGroup("group_created", g, c.actor())
	s.addAll(c, g, b.Members)
	return answer{Data: s.renderGroup(g, view{viewer: g.owner})}, nil
}

// PUT /groups/{guid}.
func (s *CometChat) updateGroup(c *call) (answer, error) {
	g, err := s.ruled(c, "admin")
	if err != nil {
		return answer{}, err
	}
	var b groupBody
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	changed := *g
	if err := b.apply(&changed); err != nil {
		return answer{}, err
	}
	if b.Owner != nil {
		changed.owner = strings.ToLower(*b.Owner)
		if !g.has(changed.owner) {
			return answer{}, notMember(changed.owner, g.guid)
		}
	}
	before := g.owner
	changed.updatedAt = s.cfg.Now()
	*g = changed
	s.fireGroup("group_updated", g, c.actor())
	if g.owner != before {
		g.members[g.owner].scope = "admin"
		s.fireGroup("group_owner_transferred", g, c.actor())
	}
	s.touch()
	return answer{Data: s.renderGroup(g, view{viewer: c.uid})}, nil
}

// DELETE /groups/{guid}; the group's messages stay.
func (s *CometChat) deleteGroup(c *call) (answer, error) {
	g, err := s.ruled(c, "admin")
	if err != nil {
		return answer{}, err
	}
	s.fireGroup("group_deleted", g, c.actor())
	for _, uid := range slices.Clone(g.order) {
		s.expel(g, uid)
	}
	delete(s.groups, g.guid)
	s.rooms = slices.DeleteFunc(s.rooms, func(guid string) bool { return guid == g.guid })
	s.touch()
	return done("Group with guid %s has been deleted successfully.", g.guid), nil
}

// ruled finds the group of a path for someone who must have a scope in it; the app may do everything.
func (s *CometChat) ruled(c *call, scope string) (*group, error) {
	g, err := s.group(c.path("guid"))
	if err != nil || c.uid == "" || c.uid == systemUID {
		return g, err
	}
	m := g.members[c.uid]
	switch {
	case m == nil:
		return nil, notJoined(c.uid, g.guid)
	case m.scope == "admin", m.scope == scope:
		return g, nil
	}
	return nil, noClearance(c.uid, g.guid, scope)
}
