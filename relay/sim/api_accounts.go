package sim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// PUT /users activates users again.
func (s *CometChat) activateUsers(c *call) (answer, error) {
	var b struct {
		UIDs []string `json:"uidsToActivate"`
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	if len(b.UIDs) == 0 {
		return answer{}, required("uidsToActivate")
	}
	return answer{Data: map[string]any{"nonDeactivatedUids": s.setDeactivated(b.UIDs, time.Time{})}}, nil
}

// DELETE /users deactivates users: they keep their messages, and are not found until they are activated.
func (s *CometChat) deactivateUsers(c *call) (answer, error) {
	var b struct {
		UIDs []string `json:"uidsToDeactivate"`
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	if len(b.UIDs) == 0 {
		return answer{}, required("uidsToDeactivate")
	}
	return answer{Data: map[string]any{"deactivatedUids": s.setDeactivated(b.UIDs, s.cfg.Now())}}, nil
}

// setDeactivated returns the uids that exist.
func (s *CometChat) setDeactivated(uids []string, at time.Time) []string {
	found := []string{}
	for _, uid := range uids {
		if p := s.people[strings.ToLower(uid)]; p != nil {
			p.deactivatedAt = at
			found = append(found, p.UID)
		}
	}
	s.touch()
	return found
}

// DELETE /users/{uid} deactivates a user, or with permanent forgets him; his messages stay in either case.
func (s *CometChat) deleteUser(c *call) (answer, error) {
	var b struct {
		Permanent bool `json:"permanent"`
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	p, err := s.member(c)
	if err != nil {
		return answer{}, err
	}
	if b.Permanent {
		for guid := range s.joined[p.UID] {
			s.expel(s.groups[guid], p.UID)
		}
		delete(s.people, p.UID)
		delete(s.bots, p.UID)
		s.order = slices.DeleteFunc(s.order, func(uid string) bool { return uid == p.UID })
	}
	p.deactivatedAt = s.cfg.Now()
	s.touch()
	return done("User with %s has been deleted successfully.", p.UID), nil
}

// POST /users/{uid}/auth_tokens.
func (s *CometChat) createToken(c *call) (answer, error) {
	p, err := s.member(c)
	if err != nil {
		return answer{}, err
	}
	return answer{Data: p.newToken(s.cfg.Now())}, nil
}

// GET /users/{uid}/auth_tokens.
func (s *CometChat) listTokens(c *call) (answer, error) {
	p, err := s.member(c)
	if err != nil {
		return answer{}, err
	}
	l, err := parseListing(c.r.URL.Query(), listing{size: defaultPerPage})
	if err != nil {
		return answer{}, err
	}
	rows := append([]token{}, pageOf(p.tokens, l)...)
	return answer{Data: rows, Meta: pageMeta{Pagination: newPagination(len(rows), l, len(p.tokens))}}, nil
}

// DELETE /users/{uid}/auth_tokens.
func (s *CometChat) clearTokens(c *call) (answer, error) {
	p, err := s.member(c)
	if err != nil {
		return answer{}, err
	}
	p.tokens = nil
	return done("Cleared Auth Tokens successfully for uid %s.", p.UID), nil
}

// POST /users/{uid}/blockedusers.
func (s *CometChat) blockUsers(c *call) (answer, error) {
	return s.changeBlocks(c, func(p *person, uid string) string {
		if p.blocked == nil {
			p.blocked = map[string]time.Time{}
		}
		p.blocked[uid] = s.cfg.Now()
		return "blocked"
	})
}

// DELETE /users/{uid}/blockedusers.
func (s *CometChat) unblockUsers(c *call) (answer, error) {
	return s.changeBlocks(c, func(p *person, uid string) string {
		delete(p.blocked, uid)
		return "unblocked"
	})
}

func (s *CometChat) changeBlocks(c *call, change func(p *person, uid string) string) (answer, error) {
	var b struct {
		UIDs []string `json:"blockedUids"`
	}
	p, err := s.member(c)
	if err != nil {
		return answer{}, err
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	if len(b.UIDs) == 0 {
		return answer{}, required("blockedUids")
	}
	results := map[string]map[string]any{}
	for _, uid := range b.UIDs {
		uid = strings.ToLower(uid)
		_, err := s.user(uid)
		if uid == p.UID {
			err = refuse(http.StatusBadRequest, "ERR_CANNOT_BLOCK_SELF", "The user with UID %s cannot block himself.", uid)
		}
		if err != nil {
			results[uid] = map[string]any{"success": false, "error": asError(err).wire()["error"]}
			continue
		}
		word := change(p, uid)
		results[uid] = map[string]any{"success": true, "message": "The user with UID " + p.UID + " has " + word + " user with UID " + uid + " successfully."}
	}
	return answer{Data: results}, nil
}

// GET /users/{uid}/blockedusers.
func (s *CometChat) listBlocked(c *call) (answer, error) {
	p, err := s.member(c)
	if err != nil {
		return answer{}, err
	}
	l, err := parseListing(c.r.URL.Query(), listing{size: defaultPerPage})
	if err != nil {
		return answer{}, err
	}
	found := []wireUser{}
	yes := true
	for _, uid := range s.order {
		if at, blocked := p.blocked[uid]; blocked {
			w := s.renderUser(s.people[uid], userConversation(p.UID, uid), view{viewer: c.uid})
			w.BlockedByMe, w.BlockedByMeAt, w.BlockedAt = &yes, seconds(at), seconds(at)
			found = append(found, w)
		}
	}
	return userList(pageOf(found, l), l, len(found)), nil
}
