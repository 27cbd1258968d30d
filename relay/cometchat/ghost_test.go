package cometchat

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// calls lists the changing requests that the simulator has seen, and GET /users/{uid}.
func calls(s *sim.CometChat) []string {
	var all []string
	for _, r := range s.Requests() {
		all = append(all, fmt.Sprintf("%s %s %d", r.Method, strings.TrimPrefix(r.Path, "/v3"), r.Status))
	}
	return all
}

func ghostSays(n int, name, avatar string) event.Action {
	a := post(event.ActionID(fmt.Sprintf("act-%d", n)), "group/crew", "boo")
	a.As, a.Identity = "ghost-bo", &event.Identity{Name: name, Avatar: avatar}
	return a
}

func TestGhosts(t *testing.T) {
	s, conn := simulate(t, nil)
	var seen int
	steps := []struct {
		name   string
		a      event.Action
		before func()
		want   string
	}{
		{"made and taken in", ghostSays(1, "Bo", ""), nil, "GET /users/ghost-bo 404, POST /users 200, POST /messages 403, POST /groups/crew/members 200, POST /messages 200"},
		{"known", ghostSays(2, "Bo", ""), nil, "POST /messages 200"},
		{"renamed", ghostSays(3, "Bob", ""), nil, "GET /users/ghost-bo 200, PUT /users/ghost-bo 200, POST /messages 200"},
		{"with a picture", ghostSays(4, "Bob", "https://x.example/b.png"), nil, "GET /users/ghost-bo 200, PUT /users/ghost-bo 200, POST /messages 200"},
		{"put out", ghostSays(5, "Bob", "https://x.example/b.png"), func() { must(t, s.Leave("ghost-bo", "crew")) },
			"POST /messages 403, POST /groups/crew/members 200, POST /messages 200"},
	}
	for _, step := range steps {
		if step.before != nil {
			step.before()
		}
		seen = len(calls(s))
		if _, err := conn.Send(t.Context(), step.a); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := strings.Join(calls(s)[seen:], ", "); got != step.want {
			t.Errorf("%s:\ngot  %s\nwant %s", step.name, got, step.want)
		}
	}
	for _, m := range s.Messages() {
		if m.Text == "boo" && m.Sender != "ghost-bo" {
			t.Errorf("%+v", m)
		}
	}
	u, err := conn.User(t.Context(), "ghost-bo")
	if err != nil || u.Name != "Bob" || u.Avatar != "https://x.example/b.png" {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestGhostVanishes has a user deleted whom this process knows.
func TestGhostVanishes(t *testing.T) {
	s, conn := simulate(t, nil)
	_, err := conn.Send(t.Context(), ghostSays(1, "Bo", ""))
	must(t, err)
	del := Request{Method: http.MethodDelete, Path: []string{"users", "ghost-bo"}, Body: map[string]bool{"permanent": true}}
	must(t, conn.client.call(t.Context(), del, nil))
	if _, err = conn.Send(t.Context(), ghostSays(2, "Bo", "")); err != nil {
		t.Errorf("%v\n%s", err, strings.Join(calls(s), "\n"))
	}
}

// TestGhostsAtOnce makes a user once, however many want it.
func TestGhostsAtOnce(t *testing.T) {
	s, conn := simulate(t, nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			a := ghostSays(i, "Bo", "")
			if i%2 == 0 {
				a.Type, a.Thread.Conversation = event.Post, "user/zoe"
			}
			if _, err := conn.Send(t.Context(), a); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	made := 0
	for _, c := range calls(s) {
		if strings.HasPrefix(c, "POST /users ") {
			made++
		}
	}
	if made != 1 || len(s.Messages()) < 20 {
		t.Errorf("made %d times, %d messages", made, len(s.Messages()))
	}
}

// TestGhostElsewhereMade has another process make the user between our look-up and our making it.
func TestGhostElsewhereMade(t *testing.T) {
	looked := false
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /v3/users/ghost-bo":
			if !looked {
				looked = true
				answer(404, `{"error":{"code":"ERR_UID_NOT_FOUND"}}`)(w, r)
				return
			}
			answer(200, `{"data":{"uid":"ghost-bo","name":"Bo"}}`)(w, r)
		case "POST /v3/users":
			answer(400, `{"error":{"code":"ERR_BAD_REQUEST","details":{"uid":["taken"]}}}`)(w, r)
		default:
			answer(200, aMessage)(w, r)
		}
	})
	if _, err := c.Send(t.Context(), ghostSays(1, "Bo", "")); err != nil {
		t.Error(err)
	}
}

func TestGhostFailures(t *testing.T) {
	refuse := func(status int, code string) http.HandlerFunc {
		return answer(status, `{"error":{"code":"`+code+`","message":"`+testKey+`"}}`)
	}
	tests := []struct {
		name                string
		get, create, member http.HandlerFunc
		want                relay.Kind
	}{
		{"look-up fails", refuse(503, ""), nil, nil, relay.Temporary},
		{"limit", refuse(429, ""), nil, nil, relay.RateLimited},
		{"plan", refuse(404, "ERR_UID_NOT_FOUND"), refuse(403, "ERR_PLAN_RESTRICTION"), nil, relay.Denied},
		{"bad name", refuse(404, "ERR_UID_NOT_FOUND"), refuse(400, "ERR_BAD_REQUEST"), nil, relay.Rejected},
		{"banned", answer(200, `{"data":{"uid":"ghost-bo","name":"Bo"}}`), nil, refuse(400, "ERR_BANNED_GROUPMEMBER"), relay.Denied},
		{"banned, in a list", answer(200, `{"data":{"uid":"ghost-bo","name":"Bo"}}`), nil,
			answer(200, `{"data":{"participants":{"ghost-bo":{"success":false,"error":{"code":"ERR_BANNED_GROUPMEMBER"}}}}}`), relay.Denied},
		{"still no member", answer(200, `{"data":{"uid":"ghost-bo","name":"Bo"}}`), nil, answer(200, `{"data":{}}`), relay.Denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodGet:
					tt.get(w, r)
				case strings.HasSuffix(r.URL.Path, "/users"):
					tt.create(w, r)
				case strings.HasSuffix(r.URL.Path, "/members"):
					tt.member(w, r)
				default:
					refuse(400, "ERR_GROUP_NOT_JOINED")(w, r)
				}
			})
			_, err := c.Send(t.Context(), ghostSays(1, "Bo", ""))
			var f *relay.Failure
			if !errors.As(err, &f) || f.Kind != tt.want || !strings.Contains(err.Error(), "ghost-bo") && tt.name != "still no member" {
				t.Error(err)
			}
			assertNoSecret(t, err)
		})
	}
}

// TestNoGhostWithoutIdentity leaves users alone whom nobody describes.
func TestNoGhostWithoutIdentity(t *testing.T) {
	s, conn := simulate(t, nil)
	a := ghostSays(1, "Bo", "")
	a.Identity = nil
	_, err := conn.Send(t.Context(), a)
	var f *relay.Failure
	if !errors.As(err, &f) || f.Kind != relay.Denied || len(calls(s)) != 1 {
		t.Errorf("%v; %v", err, calls(s))
	}
}

func TestGhostReacts(t *testing.T) {
	s, conn := simulate(t, nil)
	m := say(t, s, sim.Say{From: "ana", ToGroup: "crew", Text: "hello"})
	a := change(event.React, event.MessageID(m.ID))
	a.Emoji, a.As, a.Identity = "👍", "ghost-bo", &event.Identity{Name: "Bo"}
	if _, err := conn.Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, found, err := conn.Find(t.Context(), a, time.Time{}); !found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
}

func TestGhostsAreForgottenInTime(t *testing.T) {
	var g ghosts
	for i := range 2 * maxGhosts {
		g.put(fmt.Sprint(i), event.Identity{Name: "x"})
	}
	if len(g.known) != maxGhosts || !g.is(fmt.Sprint(2*maxGhosts-1), event.Identity{Name: "x"}) {
		t.Errorf("%d are known", len(g.known))
	}
}
