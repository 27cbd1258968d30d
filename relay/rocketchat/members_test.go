package rocketchat

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func TestMember(t *testing.T) {
	const room = `{"success":true,"room":{"_id":"r","t":"p"}}`
	tests := []struct {
		name, user string
		answers    map[string]http.HandlerFunc
		want       bool
		kind       relay.Kind // of the failure, if there is to be one
		fails      bool
	}{
		{"is", "", map[string]http.HandlerFunc{"rooms.isMember": answer(200, `{"success":true,"isMember":true}`)}, true, 0, false},
		{"is not", "u", map[string]http.HandlerFunc{"rooms.isMember": answer(200, `{"success":true,"isMember":false}`)}, false, 0, false},
		{"nobody", "u", map[string]http.HandlerFunc{"rooms.isMember": answer(400, `{"success":false,"error":"error-user-not-found"}`)}, false, 0, false},
		{"one may not see it oneself", "", map[string]http.HandlerFunc{"rooms.isMember": answer(403, `{"success":false,"error":"unauthorized"}`)}, false, 0, false},
		{"one may not see it", "u", map[string]http.HandlerFunc{"rooms.isMember": answer(403, `{"success":false,"error":"unauthorized"}`)}, false, relay.Denied, true},
		{"not logged in", "", map[string]http.HandlerFunc{"rooms.isMember": answer(401, `{"success":false}`)}, false, relay.Denied, true},
		{"no answer", "", map[string]http.HandlerFunc{"rooms.isMember": answer(200, `{"success":true}`)}, false, relay.Temporary, true},
		{"slow down", "", map[string]http.HandlerFunc{"rooms.isMember": answer(429, `{}`)}, false, relay.RateLimited, true},
		{"an old server", "u", map[string]http.HandlerFunc{"rooms.info": answer(200, room), "groups.members": answer(200, `{"success":true,"members":[{"_id":"u"}],"total":1}`)}, true, 0, false},
		{"not on an old server", "v", map[string]http.HandlerFunc{"rooms.info": answer(200, room), "groups.members": answer(200, `{"success":true,"members":[{"_id":"u"}],"total":1}`)}, false, 0, false},
		{"an old server in trouble", "v", map[string]http.HandlerFunc{"rooms.info": answer(200, room), "groups.members": answer(503, ``)}, false, relay.Temporary, true},
		{"no such room on it", "v", map[string]http.HandlerFunc{"rooms.info": answer(400, `{"success":false,"error":"x [error-room-not-found]"}`)}, false, relay.Rejected, true},
		{"nobody's id", "a b", nil, false, relay.Rejected, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				route := strings.TrimPrefix(r.URL.Path, "/api/v1/")
				if h := tt.answers[route]; h != nil {
					h(w, r)
					return
				}
				if route == "rooms.get" {
					answer(200, `{"success":true,"update":[]}`)(w, r)
					return
				}
				if route != "rooms.isMember" {
					t.Errorf("%s is asked for", route)
				}
				answer(404, `{"success":false,"error":"Resource not found"}`)(w, r)
			})
			got, err := c.Member(t.Context(), event.MembershipQuery{Connection: "rc", Conversation: "r", User: event.UserID(tt.user)})
			var f *relay.Failure
			if got != tt.want || (err != nil) != tt.fails || tt.fails && (!errors.As(err, &f) || f.Kind != tt.kind) {
				t.Errorf("%t, %v", got, err)
			}
		})
	}
	c := newConnection(t, nil)
	if _, err := c.Member(t.Context(), event.MembershipQuery{Conversation: "a/b"}); err == nil {
		t.Error("there is a room a/b")
	}
}
