package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// newBroker starts a NATS server that several processes share.
func newBroker(t *testing.T) *natsd.Server {
	t.Helper()
	broker, err := natsd.New(natsd.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	return broker
}

// Of two processes that poll one app, one does. When it is killed in the middle of it, the other takes over, and everything is
// answered once.
func TestAnotherProcessTakesPollingOver(t *testing.T) {
	t.Parallel()
	s := newTestStage(t, restOnly)
	broker := "NATS_URL=" + newBroker(t).URL()
	serveInside(t, s.unhooked(t.TempDir(), broker, "THREADRELAY_ROLES=deliver,bots"))
	binary := buildBinary(t)
	poller := serveBinary(t, binary, s.unhooked(t.TempDir(), broker, "THREADRELAY_ROLES=ingest"))
	second := serveBinary(t, binary, s.unhooked(t.TempDir(), broker, "THREADRELAY_ROLES=ingest"))
	poller.awaitMetric(`threadrelay_poll_leader{connection="cometchat"} 1`)
	second.awaitMetric(`threadrelay_poll_leader{connection="cometchat"} 0`)
	if _, body := second.get("/readyz"); !strings.Contains(body, `"poll/cometchat":"ok"`) || !strings.Contains(body, `"polling":false`) {
		t.Errorf("readyz of the process that does not poll: %s", body)
	}

	ctx, stop := context.WithCancel(bustest.Context(t))
	said := make(chan []sim.Message, 1)
	go func() { said <- s.talk(ctx) }()
	s.awaitAnswers(20)
	poller.kill()
	killed := time.Now()
	second.awaitMetric(`threadrelay_poll_leader{connection="cometchat"} 1`)
	took := time.Since(killed)
	stop()
	all := bustest.Receive(t, said)
	last := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "last"})
	for _, m := range append(all, last) {
		s.await(m.ID, m.Text)
	}
	t.Logf("taken over after %s, %d messages", took.Round(10*time.Millisecond), len(all))
	if took > 15*time.Second {
		t.Errorf("polling was taken over after %s", took)
	}
	if got := s.answered(); got != len(all)+1 {
		t.Errorf("%d answers to %d messages", got, len(all)+1)
	}
	if code := second.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// talk says something to the bot again and again, until ctx ends.
func (s *testStage) talk(ctx context.Context) (said []sim.Message) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		m, err := s.chat.Say(sim.Say{From: "ana", ToUser: demoBot, Text: fmt.Sprint("message ", len(said))}) //nolint:contextcheck // webhooks outlive the one who speaks
		if err != nil {
			s.t.Error(err)
			return said
		}
		said = append(said, m)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return said
}

// awaitAnswers waits until the bot has said something n times.
func (s *testStage) awaitAnswers(n int) {
	s.t.Helper()
	err := s.chat.Await(bustest.Context(s.t), func(all []sim.Message) bool {
		got := 0
		for _, m := range all {
			if m.Sender == demoBot {
				got++
			}
		}
		return got >= n
	})
	if err != nil {
		s.t.Fatalf("the bot has not answered %d times: %v", n, err)
	}
}
