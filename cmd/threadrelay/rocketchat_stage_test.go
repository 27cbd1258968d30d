package main

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// rocketTestStage is the demo's Rocket.Chat, served for a test.
type rocketTestStage struct {
	*rocketStage
	t *testing.T
	// hooked is the integration that calls the relay; empty for none.
	hooked string
}

func newRocketTestStage(t *testing.T, options ...func(*rocketsim.Config)) *rocketTestStage {
	t.Helper()
	s, err := newRocketStage(append([]func(*rocketsim.Config){ticking}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Second}
	served := make(chan struct{})
	go func() {
		_ = srv.Serve(s.listener)
		close(served)
	}()
	t.Cleanup(func() {
		_ = s.close()
		_ = srv.Close()
		<-served
	})
	return &rocketTestStage{rocketStage: s, t: t}
}

// ticking has the platform's clock show each millisecond once: messages of one millisecond have no order.
func ticking(cfg *rocketsim.Config) {
	var mu sync.Mutex
	var last time.Time
	cfg.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now().Truncate(time.Millisecond)
		if !now.After(last) {
			now = last.Add(time.Millisecond)
		}
		last = now
		return now
	}
}

// environment is that of a relay on the stage, with its data in dir. Nothing comes in by it.
func (s *rocketTestStage) environment(dir string, more ...string) []string {
	return append([]string{
		"THREADRELAY_LISTEN=127.0.0.1:0", "THREADRELAY_ADMIN_LISTEN=127.0.0.1:0", "THREADRELAY_DATA_DIR=" + dir,
		"THREADRELAY_BOTS=echo", "LOG_FORMAT=json", "LOG_LEVEL=debug",
		"ROCKETCHAT_URL=" + s.url(), "ROCKETCHAT_USER_ID=" + s.bot, "ROCKETCHAT_AUTH_TOKEN=" + s.token,
	}, more...)
}

// The ways by which messages come in.
func (s *rocketTestStage) byHook() string { return "ROCKETCHAT_WEBHOOK_TOKEN=" + s.hook }

func byPoll() []string { return []string{"ROCKETCHAT_ROOMS=rooms", "ROCKETCHAT_POLL_INTERVAL=100ms"} }

func byStream() string { return "ROCKETCHAT_REALTIME=true" }

// hookAt has the platform call the relay's hook, instead of one that it has called before.
func (s *rocketTestStage) hookAt(r *relayProcess) {
	s.t.Helper()
	if s.hooked != "" {
		if err := s.chat.EnableIntegration(s.hooked, false); err != nil {
			s.t.Fatal(err)
		}
	}
	in, err := s.chat.AddIntegration(rocketsim.Integration{
		URLs: []string{"http://" + r.public + "/hooks/rocketchat"}, Token: s.hook, RetryFailedCalls: true, RunOnEdits: true,
		Channel: []string{"all_public_channels", "all_private_groups", "all_direct_messages"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.hooked = in.ID
}

// say lets somebody speak, and returns the message's id.
func (s *rocketTestStage) say(m rocketsim.Say) string {
	s.t.Helper()
	id, err := s.chat.Say(m)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// answers are what the bot has answered in a thread, in order.
func (s *rocketTestStage) answers(root string) []string {
	return (&rocketScript{chat: s.chat}).answers(root)
}

// await waits until every one of the texts has been said back in its thread, and reports whether they were. It may be called
// beside the test.
func (s *rocketTestStage) await(root string, texts ...string) bool {
	s.t.Helper()
	err := s.chat.Await(bustest.Context(s.t), func(*rocketsim.Server) bool {
		got := s.answers(root)
		return !slices.ContainsFunc(texts, func(text string) bool { return !slices.Contains(got, "You said: "+text) })
	})
	if err != nil {
		s.t.Errorf("thread %s: %v; the bot has said %q", root, err, s.answers(root))
	}
	return err == nil
}

// wantAnswers fails the test unless the bot has said exactly these texts in a thread, in this order.
func (s *rocketTestStage) wantAnswers(root string, texts ...string) {
	s.t.Helper()
	var want []string
	for _, text := range texts {
		want = append(want, "You said: "+text)
	}
	if got := s.answers(root); !slices.Equal(got, want) {
		s.t.Errorf("thread %s was answered %q, want %q", root, got, want)
	}
}

// answered is how often the bot has spoken, wherever.
func (s *rocketTestStage) answered() (n int) {
	rooms := map[string]bool{"#general": true, "#engineering": true}
	for _, q := range s.chat.Requests() {
		if q.Route == "chat.sendMessage" && q.Status != http.StatusOK {
			s.t.Errorf("an answer was refused: %d to %s", q.Status, q.Body)
		}
	}
	for room := range rooms {
		n += s.spoken(room)
	}
	return n + s.spoken(s.direct)
}

func (s *rocketTestStage) spoken(room string) (n int) {
	for _, m := range s.chat.Messages(room) {
		if m.From == demoBot && strings.HasPrefix(m.Text, "You said: ") {
			n++
		}
	}
	return n
}

// count is how often a route was asked.
func (s *rocketTestStage) count(route string) (n int) {
	for _, q := range s.chat.Requests() {
		if q.Route == route {
			n++
		}
	}
	return n
}

// awaitSubscribed waits until the relay listens.
func (s *rocketTestStage) awaitSubscribed() {
	s.t.Helper()
	err := s.chat.AwaitRealtime(bustest.Context(s.t), func(st rocketsim.RealtimeStatus) bool {
		return st.Users == 1 && st.Subscriptions > 1
	})
	if err != nil {
		s.t.Fatalf("the relay does not listen: %v", err)
	}
}

// awaitPolled waits until each room of the bot was asked for what is new, since when nothing in it is missed.
func (s *rocketTestStage) awaitPolled() {
	s.t.Helper()
	err := s.chat.Await(bustest.Context(s.t), func(*rocketsim.Server) bool {
		const rooms, calls = 2, 2 // of a first poll: what was changed, and what was deleted
		asked := map[string]int{}
		for _, q := range s.chat.Requests() {
			if u, err := url.Parse(q.Path); err == nil && q.Route == "chat.syncMessages" {
				asked[u.Query().Get("roomId")]++
			}
		}
		maps.DeleteFunc(asked, func(_ string, n int) bool { return n < calls })
		return len(asked) == rooms
	})
	if err != nil {
		s.t.Fatalf("the relay does not poll: %v", err)
	}
}
