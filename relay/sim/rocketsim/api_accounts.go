package rocketsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// login is POST login: with a name and password, or with a token to go on with. Its answer says status, not success.
func (s *Server) login(c *call) (map[string]any, error) {
	if resume := c.text("resume"); resume != "" {
		u := s.users[s.tokens[hashToken(resume)].userID]
		if u == nil {
			return nil, s.notLoggedIn(http.StatusForbidden, "You've been logged out by the server. Please log in again.")
		}
		return s.loggedIn(u, resume), nil
	}
	name := c.text("user") + c.text("username")
	u := s.names[name]
	if mail := c.text("email"); mail != "" {
		u = s.names[strings.TrimSuffix(mail, "@"+mailHost)]
	}
	if u == nil || u.Password == "" || c.text("password") != u.Password {
		return nil, s.notLoggedIn("Unauthorized", "Unauthorized")
	}
	return s.loggedIn(u, s.issue(u, false)), nil
}

// mailHost is where everybody here has mail.
const mailHost = "example.org"

func (s *Server) loggedIn(u *user, secret string) map[string]any {
	return map[string]any{
		"status": "success",
		"data":   map[string]any{"userId": u.ID, "authToken": secret, "me": s.showUser(u, true)},
	}
}

// notLoggedIn is a failed login, whose body differs from that of other 401.
func (s *Server) notLoggedIn(code any, message string) *Error {
	e := &Error{Status: http.StatusUnauthorized, Reason: "unauthorized"}
	if s.cfg.Version < 9 {
		e.body = map[string]any{"status": "error", "error": code, "message": message}
	}
	if s.cfg.Version == 8 {
		e.body["success"] = false
	}
	return e
}

// me is GET me: the caller's own document at the top of the answer.
func (s *Server) me(c *call) (map[string]any, error) { return s.showUser(c.user, true), nil }

// info is GET info: the version, with its last number for administrators alone.
func (s *Server) info(c *call) (map[string]any, error) {
	last := map[int]string{7: "7.10", 8: "8.8", 9: "9.0"}[s.cfg.Version]
	if c.user != nil && s.can(c.user, "get-server-info") {
		return map[string]any{"info": map[string]any{"version": last + ".1"}, "version": last}, nil
	}
	return map[string]any{"version": last}, nil
}

// usersInfo is GET users.info.
func (s *Server) usersInfo(c *call) (map[string]any, error) {
	id, name := c.text("userId"), c.text("username")
	if id == "" && name == "" && !c.has("importId") {
		return nil, refuse("error-user-param-not-provided", `The required "userId" or "username" param was not provided`)
	}
	u := s.users[id]
	if id == "" {
		u = s.names[name]
	}
	if u == nil {
		return nil, plain("User not found.")
	}
	whole := u == c.user || s.can(c.user, "view-full-other-user-info")
	return map[string]any{"user": s.showUser(u, whole)}, nil
}

// showUser is a user as the API shows one: to others without roles and mail.
func (s *Server) showUser(u *user, whole bool) map[string]any {
	d := map[string]any{
		"_id": u.ID, "username": u.Username, "name": u.Name, "active": true, "status": "online", "type": "user", "utcOffset": 0,
	}
	if slices.Contains(u.Roles, "bot") {
		d["type"] = "bot"
	}
	if !whole {
		return d
	}
	d["roles"] = u.Roles
	d["createdAt"], d["_updatedAt"] = isoDate(u.createdAt), isoDate(u.createdAt)
	d["emails"] = []any{map[string]any{"address": fmt.Sprintf("%s@%s", u.Username, mailHost), "verified": true}}
	d["settings"] = map[string]any{"preferences": map[string]any{}}
	return d
}
