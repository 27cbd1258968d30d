package rocketsim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// loginDays is how long a session's token lasts (setting Accounts_LoginExpiration).
const loginDays = 90

// callLimit is how often a connection may call one method in callPeriod; streams may be subscribed to streamFactor times as often
// (Rocket.Chat: startRateLimiter, connectionByMethod).
const (
	callLimit    = 10
	callPeriod   = 10 * time.Second
	streamFactor = 4
)

// callWindow counts the calls of one name.
type callWindow struct {
	since time.Time
	calls int
}

// meteorError is Meteor.Error(code, reason) as the realtime API shows it.
func meteorError(code any, reason string) *ddpError {
	return &ddpError{
		IsClientSafe: true, Error: code, Reason: reason, ErrorType: "Meteor.Error",
		Message: strings.TrimSpace(fmt.Sprintf("%s [%v]", reason, code)),
	}
}

// loggedOut is how a token is refused that nobody has.
func loggedOut() *ddpError {
	return meteorError(403, "You've been logged out by the server. Please log in again.")
}

// method calls a method and sends its result.
func (ses *session) method(f frame, raw []byte) {
	id, hasID := aString(f.ID)
	name, hasName := aString(f.Method)
	var params []json.RawMessage
	if !hasID || !hasName || f.Params != nil && json.Unmarshal(f.Params, &params) != nil {
		ses.complain("Malformed method invocation", raw)
		return
	}
	var result any
	refused := ses.limited(name, callLimit)
	if refused == nil {
		result, refused = ses.call(name, params)
	}
	answer := map[string]any{"msg": "result", "id": id}
	if refused != nil {
		answer["error"] = refused
	} else {
		answer["result"] = result
	}
	ses.put(frameOf(answer))
	ses.put(frameOf(map[string]any{"msg": "updated", "methods": []string{id}}))
}

// call does what a method does. Only login is simulated; everything else has its place in REST.
func (ses *session) call(name string, params []json.RawMessage) (any, *ddpError) {
	if name != "login" {
		return nil, meteorError(404, fmt.Sprintf("Method '%s' not found", name))
	}
	var with struct {
		Resume string
		User   struct{ Username, ID string }
		// Password is a text, or its SHA-256.
		Password json.RawMessage
	}
	if len(params) != 1 || json.Unmarshal(params[0], &with) != nil {
		return nil, meteorError(400, "Unrecognized options for login request")
	}
	s := ses.srv
	if s.strikeRealtime(onLogin).RefuseLogin {
		return nil, loggedOut()
	}
	if with.Resume != "" {
		u := s.users[s.tokens[hashToken(with.Resume)].userID]
		if u == nil {
			return nil, loggedOut()
		}
		return ses.welcome(u, with.Resume, "resume"), nil
	}
	if with.Password == nil {
		return nil, meteorError(400, "Unrecognized options for login request")
	}
	u := s.names[with.User.Username]
	switch {
	case u == nil:
		return nil, meteorError(403, "User not found")
	case u.Password == "" || !matchesPassword(u.Password, with.Password):
		return nil, meteorError(403, "Incorrect password")
	}
	return ses.welcome(u, s.issue(u, false), "password"), nil
}

// welcome makes the connection act as a user, and tells the client the user's document as Meteor does.
func (ses *session) welcome(u *user, token, how string) any {
	s := ses.srv
	ses.user = u.ID
	ses.put(frameOf(map[string]any{
		"msg": "added", "collection": "users", "id": u.ID, "fields": map[string]any{"username": u.Username, "name": u.Name},
	}))
	s.touch()
	return map[string]any{"id": u.ID, "token": token, "tokenExpires": ddpDate(s.now().AddDate(0, 0, loginDays)), "type": how}
}

// matchesPassword compares a password with what a client sent: the text, or {digest, algorithm: "sha-256"}.
func matchesPassword(password string, sent json.RawMessage) bool {
	if plain, ok := aString(sent); ok {
		return plain == password
	}
	var hashed struct{ Digest, Algorithm string }
	sum := sha256.Sum256([]byte(password))
	return json.Unmarshal(sent, &hashed) == nil && hashed.Algorithm == "sha-256" && hashed.Digest == hex.EncodeToString(sum[:])
}

// limited counts a call of a method or stream, and refuses it when there were too many; nil when it passes.
func (ses *session) limited(name string, limit int) *ddpError {
	if !ses.srv.cfg.Limits.On {
		return nil
	}
	now := ses.srv.cfg.Now()
	w := ses.calls[name]
	if now.Sub(w.since) >= callPeriod {
		w = callWindow{since: now}
	}
	w.calls++
	ses.calls[name] = w
	if w.calls <= limit {
		return nil
	}
	left := callPeriod - now.Sub(w.since)
	e := meteorError("too-many-requests", fmt.Sprintf(
		"Error, too many requests. Please slow down. You must wait %d seconds before trying again.", int(math.Ceil(left.Seconds()))))
	e.Details = map[string]any{"timeToReset": left.Milliseconds()}
	return e
}
