package sim

import (
	"crypto/rand"
	"slices"
	"strings"
)

// pageOf cuts one page out of rows by page number.
func pageOf[T any](rows []T, l listing) []T {
	from := min(len(rows), (l.number-1)*l.size)
	return rows[from:min(len(rows), from+l.size)]
}

// GET /users. The cursor stands beside meta, as in the documented example.
func (s *CometChat) listUsers(c *call) (answer, error) {
	q := c.r.URL.Query()
	l, err := parseListing(q, listing{size: defaultPerPage})
	if err != nil {
		return answer{}, err
	}
	uids := csv(q, "uids")
	found := []wireUser{}
	for _, uid := range s.order {
		p := s.people[uid]
		if uid == c.uid || len(uids) > 0 && !slices.Contains(uids, uid) || !named(q.Get("searchKey"), p.UID, p.Name) {
			continue
		}
		found = append(found, s.renderUser(p, s.withViewer(c, uid), view{viewer: c.uid}))
	}
	rows := pageOf(found, l)
	ans := answer{Data: rows, Meta: pageMeta{Pagination: newPagination(len(rows), l, len(found))}}
	if len(rows) > 0 {
		ans.Cursor = map[string]any{"updatedAt": rows[len(rows)-1].CreatedAt, "affix": affixPrepend}
	}
	return ans, nil
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

// POST /users.
func (s *CometChat) createUser(c *call) (answer, error) {
	var b struct {
		UID           string         `json:"uid"`
		Name          string         `json:"name"`
		Avatar        string         `json:"avatar"`
		Link          string         `json:"link"`
		Role          string         `json:"role"`
		Metadata      map[string]any `json:"metadata"`
		Tags          []string       `json:"tags"`
		WithAuthToken bool           `json:"withAuthToken"`
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	if missing := blank("uid", b.UID, "name", b.Name); len(missing) > 0 {
		return answer{}, required(missing...)
	}
	if b.Role == "" {
		b.Role = "default"
	}
	p, err := s.addPerson(&person{
		User: User{UID: b.UID, Name: b.Name, Avatar: b.Avatar}, role: b.Role, link: b.Link, metadata: b.Metadata, tags: b.Tags,
	})
	if err != nil {
		return answer{}, err
	}
	w := s.renderUser(p, "", view{viewer: c.uid})
	w.Tags = p.tags
	if b.WithAuthToken {
		w.AuthToken = p.UID + "_" + strings.ToLower(rand.Text())
	}
	return answer{Data: w}, nil
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
