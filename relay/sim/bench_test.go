package sim_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// newMillion is an app with a million filled messages.
func newMillion(b *testing.B) *sim.CometChat {
	b.Helper()
	s, err := sim.NewCometChat(sim.CometChatConfig{APIKey: key})
	if err != nil {
		b.Fatal(err)
	}
	for _, uid := range []string{"ann", "ben", "bot"} {
		if err := s.AddUser(sim.User{UID: uid}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.AddGroup(sim.Group{GUID: "team", Members: []string{"ann", "bot"}}); err != nil {
		b.Fatal(err)
	}
	if err := s.Fill(1_000_000, history(time.Unix(1600000000, 0))); err != nil {
		b.Fatal(err)
	}
	return s
}

// newBenchApp gives a function that gets a path without a network between, and returns the status.
func newBenchApp(b *testing.B, s *sim.CometChat) func(path, uid string) int {
	b.Helper()
	return func(path, uid string) int {
		r := httptest.NewRequestWithContext(b.Context(), "GET", "/v3"+path, nil)
		r.Header.Set("apikey", key)
		r.Header.Set("onBehalfOf", uid)
		rec := httptest.NewRecorder()
		s.API().ServeHTTP(rec, r)
		return rec.Code
	}
}
