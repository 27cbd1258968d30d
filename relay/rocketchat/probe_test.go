package rocketchat

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// healthy are the answers of a workspace in which all is well.
func healthy() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"info":                answer(200, `{"success":true,"version":"8.8"}`),
		"me":                  answer(200, `{"success":true,"_id":"`+testUser+`","username":"helper","roles":["user","bot"]}`),
		"rooms.get":           answer(200, `{"success":true,"update":[{"_id":"GENERAL","t":"c","name":"general"},{"_id":"d","t":"d","usernames":["helper","ana"]},{"_id":"ro","t":"c","name":"news","ro":true},{"_id":"old","t":"p","name":"old","archived":true}],"remove":[]}`),
		"rooms.info":          answer(400, `{"success":false,"error":"The required \"roomId\" or \"roomName\" param provided does not match any channel [error-room-not-found]","errorType":"error-room-not-found"}`),
		"chat.getThreadsList": answer(200, `{"success":true,"threads":[],"total":0}`),
	}
}

func TestProbe(t *testing.T) {
	fault := func(route string, h http.HandlerFunc) func(map[string]http.HandlerFunc, *Config) {
		return func(all map[string]http.HandlerFunc, _ *Config) { all[route] = h }
	}
	room := func(names ...string) func(map[string]http.HandlerFunc, *Config) {
		return func(_ map[string]http.HandlerFunc, cfg *Config) { cfg.Rooms = names }
	}
	me := func(roles string) func(map[string]http.HandlerFunc, *Config) {
		return fault("me", answer(200, `{"success":true,"_id":"`+testUser+`","username":"helper","roles":`+roles+`}`))
	}
	tests := []struct {
		name   string
		change func(map[string]http.HandlerFunc, *Config)
		// subject is what the one fault is found in, and says part of it; empty if all is well.
		subject, says string
	}{
		{"all is well", func(map[string]http.HandlerFunc, *Config) {}, "", ""},
		{"rooms", room("GENERAL", "#general", "@ana", "@new", "#news"), "", ""},
		{"another site", fault("info", answer(404, `<html>`)), "url", "no Rocket.Chat"},
		{"another API", fault("info", answer(200, `{"ok":true}`)), "url", "is no Rocket.Chat (HTTP 200)"},
		{"a proxy in trouble", fault("info", answer(502, `<html>`)), "url", "try again later"},
		{"no version", fault("info", answer(200, `{"success":true}`)), "", ""},
		{"an old version", fault("info", answer(200, `{"success":true,"version":"6.13"}`)), "version", "6.13 is too old: update"},
		{"limits used up", fault("info", answer(429, ``)), "", ""},
		{"a wrong token", fault("me", answer(401, `{"success":false,"error":"You must be logged in to do this."}`)), "auth token", "make a personal access token"},
		{"another user's", fault("me", answer(200, `{"success":true,"_id":"other"}`)), "auth token", `another user, "other"`},
		{"an address that is not allowed", fault("me", answer(403, ``)), "auth token", "address"},
		{"me in trouble", fault("me", answer(200, `{}`)), "auth token", "try again"},
		{"me refused", fault("me", answer(400, `{"success":false}`)), "auth token", "see to what it says"},
		{"me used up", fault("me", answer(429, ``)), "auth token", "in a minute"},
		{"no bot", me(`["user"]`), "roles", "lacks the role bot: it may make 10 calls"},
		{"an admin", me(`["user","admin"]`), "roles", "lacks the role bot: it may show"},
		{"no user", me(`["bot"]`), "roles", "lacks the role user"},
		{"a role of the workspace's own", me(`["relays"]`), "", ""},
		{"no rooms", fault("rooms.get", answer(200, `{"success":true,"update":[]}`)), "rooms", "invite it"},
		{"rooms refused", fault("rooms.get", answer(503, ``)), "rooms", "try again"},
		{"rooms used up", fault("rooms.get", answer(429, ``)), "rooms", "in a minute"},
		{"no such room", room("#nosuch"), "room #nosuch", "There is no room #nosuch"},
		{"an archived room", room("old"), "room old", "archived"},
		{"not joined", func(all map[string]http.HandlerFunc, cfg *Config) {
			cfg.Rooms = []string{"#public"}
			all["rooms.info"] = answer(200, `{"success":true,"room":{"_id":"p"}}`)
		}, "room #public", "has not joined the room #public: invite it"},
		{"not to be seen", func(all map[string]http.HandlerFunc, cfg *Config) {
			cfg.Rooms = []string{"secret"}
			all["rooms.info"] = answer(400, `{"success":false,"error":"not-allowed","errorType":"Not Allowed"}`)
		}, "room secret", "may not see the room secret"},
		{"not to be found out", func(all map[string]http.HandlerFunc, cfg *Config) {
			cfg.Rooms = []string{"secret"}
			all["rooms.info"] = answer(503, ``)
		}, "room secret", "could not be looked up"},
		{"no threads", fault("chat.getThreadsList", answer(400, `{"success":false,"error":"Threads Disabled [error-not-allowed]","errorType":"error-not-allowed"}`)), "threads", "enable them"},
		{"threads in trouble", fault("chat.getThreadsList", answer(500, ``)), "threads", "try again"},
		{"a clock that is wrong", fault("chat.getThreadsList", limited(200, `{"success":true,"threads":[]}`, map[string]string{"Date": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)})), "clock", "behind the server's: set it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := healthy()
			cfg := testConfig()
			tt.change(all, &cfg)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h := all[strings.TrimPrefix(r.URL.Path, "/api/v1/")]
				if h == nil || r.Method != http.MethodGet {
					t.Errorf("%s %s is asked for", r.Method, r.URL.Path)
					return
				}
				h(w, r)
			}))
			t.Cleanup(srv.Close)
			observed := 0
			c := newConnection(t, func(to *Config) { *to = cfg; to.URL = srv.URL; to.Observe = func(Observation) { observed++ } })
			findings := c.Probe(t.Context())
			i := slices.IndexFunc(findings, func(f relay.Finding) bool { return f.Fault != nil })
			if tt.subject == "" {
				if i >= 0 {
					t.Errorf("%s: %v", findings[i].Subject, findings[i].Fault)
				}
				return
			}
			if i < 0 || findings[i].Subject != tt.subject || !strings.Contains(findings[i].Fault.Error(), tt.says) || !isSentence(findings[i].Fault.Error()) {
				t.Errorf("found %+v", findings)
			}
			if others := slices.DeleteFunc(findings, func(f relay.Finding) bool { return f.Fault == nil }); len(others) > 1 || observed == 0 {
				t.Errorf("%d calls observed; too many faults: %+v", observed, others)
			}
			assertNoSecret(t, findings)
		})
	}
}

// isSentence reports whether a text begins and ends like one.
func isSentence(s string) bool {
	return s != "" && strings.ToUpper(s[:1]) == s[:1] && (strings.HasSuffix(s, ".") || strings.HasSuffix(s, ")"))
}

func TestProbeWithoutAServer(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	c := newConnection(t, func(cfg *Config) { cfg.URL = srv.URL })
	if f := c.Probe(t.Context()); len(f) != 1 || f[0].Subject != "url" || !strings.Contains(f[0].Fault.Error(), "cannot be reached") {
		t.Errorf("%+v", f)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if f := c.Probe(ctx); len(f) != 1 || f[0].Fault == nil || !strings.Contains(f[0].Fault.Error(), "in time") {
		t.Errorf("%+v", f)
	}
}
