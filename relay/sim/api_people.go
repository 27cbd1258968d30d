package sim

import (
	"crypto/rand"
	"net/url"
	"slices"
	"strings"
	"time"
)

// GET /users. The cursor stands beside meta, as in the documented example.
func (s *CometChat) listUsers(c *call) (answer, error) {
	q := c.r.URL.Query()
	l, err := parseListing(without(c.r.URL.Query(), "count"), listing{size: defaultPerPage})
	if err != nil {
		return answer{}, err
	}
	var found []*person
	for _, uid := range s.order {
		if p := s.people[uid]; uid != c.uid && wantsUser(q, p) {
			found = append(found, p)
		}
	}
	rows := []wireUser{}
	for _, p := range pageOf(found, l) {
		w := s.renderUser(p, s.withViewer(c, p.UID), view{viewer: c.uid})
		if truth(q, "withTags") {
			w.Tags = p.tags
		}
		rows = append(rows, w)
	}
	return userList(rows, l, len(found)), nil
}

// wantsUser applies the filters of GET /users.
func wantsUser(q url.Values, p *person) bool {
	oneOf := func(want []string, have ...string) bool {
		return len(want) == 0 || slices.ContainsFunc(have, func(h string) bool { return slices.Contains(want, h) })
	}
	names := []string{p.UID, p.Name}
	switch in := csv(q, "searchIn"); {
	case len(in) == 1 && in[0] == "uid":
		names = names[:1]
	case len(in) == 1 && in[0] == "name":
		names = names[1:]
	}
	status := "offline"
	if p.status == "online" || p.status == "" && !p.lastActive.IsZero() {
		status = "available"
	}
	off := !p.deactivatedAt.IsZero()
	switch {
	case off && !truth(q, "withDeactivated") && !truth(q, "onlyDeactivated"), !off && truth(q, "onlyDeactivated"):
		return false
	case !oneOf(csv(q, "uids"), p.UID), !oneOf(csv(q, "role", "roles"), p.role), !oneOf(csv(q, "tags"), p.tags...), !oneOf(csv(q, "status"), status):
		return false
	}
	return named(q.Get("searchKey"), names...)
}

// userList answers with a page of users, members, banned or blocked users.
func userList(rows []wireUser, l listing, all int) answer {
	ans := answer{Data: rows, Meta: pageMeta{Pagination: newPagination(len(rows), l, all)}}
	if len(rows) > 0 {
		last := rows[len(rows)-1]
		ans.Cursor = map[string]any{"updatedAt": max(last.UpdatedAt, last.CreatedAt), "affix": affixPrepend}
	}
	return ans
}

// withViewer is the conversation id between a user and onBehalfOf; empty when there is no such.
func (s *CometChat) withViewer(c *call, uid string) string {
	if c.uid == "" || c.uid == uid {
		return ""
	}
	return userConversation(c.uid, uid)
}

func named(key string, names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(strings.ToLower(n), strings.ToLower(key)) })
}

// GET /users/{uid}.
func (s *CometChat) getUser(c *call) (answer, error) {
	p, err := s.user(c.path("uid"))
	if err != nil {
		return answer{}, err
	}
	return answer{Data: s.renderUser(p, s.withViewer(c, p.UID), view{viewer: c.uid})}, nil
}

// userBody is what POST and PUT take; what is nil stays as it is.
type userBody struct {
	UID           string         `json:"uid"`
	Name          *string        `json:"name"`
	Avatar        *string        `json:"avatar"`
	Link          *string        `json:"link"`
	Role          *string        `json:"role"`
	Metadata      map[string]any `json:"metadata"`
	Tags          []string       `json:"tags"`
	Unset         []string       `json:"unset"`
	WithAuthToken bool           `json:"withAuthToken"`
}

const maxMetadata = 5 * 1024 // bytes, of users and groups (CometChat: articles/properties-and-constraints)

func (b userBody) apply(p *person) error {
	if len(encode(b.Metadata)) > maxMetadata {
		return badField("metadata", "The metadata may not be greater than %d bytes.", maxMetadata)
	}
	if b.Name != nil && strings.TrimSpace(*b.Name) == "" {
		return required("name")
	}
	for into, from := range map[*string]*string{&p.Name: b.Name, &p.Avatar: b.Avatar, &p.link: b.Link, &p.role: b.Role} {
		if from != nil {
			*into = *from
		}
	}
	if b.Metadata != nil {
		p.metadata = b.Metadata
	}
	if b.Tags != nil {
		p.tags = b.Tags
	}
	for _, field := range b.Unset {
		switch field {
		case "avatar":
			p.Avatar = ""
		case "link":
			p.link = ""
		case "metadata":
			p.metadata = nil
		case "tags":
			p.tags = nil
		}
	}
	return nil
}

// POST /users.
func (s *CometChat) createUser(c *call) (answer, error) {
	var b userBody
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	name := ""
	if b.Name != nil {
		name = *b.Name
	}
	if missing := blank("uid", b.UID, "name", name); len(missing) > 0 {
		return answer{}, required(missing...)
	}
	p := &person{User: User{UID: b.UID}, role: "default"}
	if err := b.apply(p); err != nil {
		return answer{}, err
	}
	if _, err := s.addPerson(p); err != nil {
		return answer{}, err
	}
	w := s.renderUser(p, "", view{viewer: c.uid})
	w.Tags = p.tags
	if b.WithAuthToken {
		w.AuthToken = p.newToken(s.cfg.Now()).AuthToken
	}
	return answer{Data: w}, nil
}

// PUT /users/{uid}.
func (s *CometChat) updateUser(c *call) (answer, error) {
	p, err := s.member(c)
	if err != nil {
		return answer{}, err
	}
	var b userBody
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	if err := b.apply(p); err != nil {
		return answer{}, err
	}
	p.updatedAt = s.cfg.Now()
	s.touch()
	w := s.renderUser(p, s.withViewer(c, p.UID), view{viewer: c.uid})
	w.Tags = p.tags
	return answer{Data: w}, nil
}

// member finds the user of a path, who is not the system user.
func (s *CometChat) member(c *call) (*person, error) {
	p, err := s.user(c.path("uid"))
	if err == nil && p.UID == systemUID {
		err = noUser(p.UID)
	}
	return p, err
}

type token struct {
	UID       string `json:"uid"`
	AuthToken string `json:"authToken"`
	CreatedAt int64  `json:"createdAt"`
}

func (p *person) newToken(now time.Time) token {
	t := token{UID: p.UID, AuthToken: p.UID + "_" + strings.ToLower(rand.Text()), CreatedAt: now.Unix()}
	p.tokens = append(p.tokens, t)
	return t
}

// blank returns the names of empty values from name and value pairs.
func blank(pairs ...string) []string {
	var names []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if strings.TrimSpace(pairs[i+1]) == "" {
			names = append(names, pairs[i])
		}
	}
	return names
}
