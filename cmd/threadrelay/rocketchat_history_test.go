package main

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// A bot that asks for its thread gets the root and then the replies, in order and however many pages they are (API page "Get
// Thread Messages"; the root, which that endpoint does not return, by chat.getMessage).
func TestRocketChatThreadHistory(t *testing.T) {
	const replies = 120
	s := newRocketTestStage(t)
	broker := newBroker(t)
	r := serveInside(t, s.environment(t.TempDir(), "THREADRELAY_BOTS=", "THREADRELAY_ROLES=ingest,deliver", s.byHook(), "NATS_URL="+broker.URL()))
	s.hookAt(r)
	histories := runHistorian(t, broker.URL())

	root := s.say(rocketsim.Say{From: "ana", Room: "#engineering", Text: "a root"})
	s.say(rocketsim.Say{From: "ana", Room: "#engineering", Text: "of another thread"})
	want := []string{"ana: a root"}
	for i := range replies {
		from := []string{"ana", "ben"}[i%2]
		text := fmt.Sprint("reply ", i)
		s.say(rocketsim.Say{From: from, Thread: root, Text: text})
		want = append(want, from+": "+text)
	}
	s.say(rocketsim.Say{From: "ben", Thread: root, Text: "history, please"})
	want = append(want, "ben: history, please")

	var got []string
	for _, said := range bustest.Receive(t, histories) {
		if string(said.Thread.Root) != root {
			t.Errorf("%s is of thread %s", said.ID, said.Thread)
		}
		got = append(got, said.Sender.Name+": "+said.Text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the history is %q, want %q", got, want)
	}
	if n := s.count("chat.getThreadMessages"); n < 2 {
		t.Errorf("chat.getThreadMessages was asked %d times, want one for each page", n)
	}
}

// runHistorian runs a bot that reads its thread when it is asked to.
func runHistorian(t *testing.T, url string) <-chan []event.Said {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	own, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	histories := make(chan []event.Said, 1)
	bot := bots.New("historian")
	bot.On(bots.Text("^history"), func(ctx context.Context, m *bots.Message) error {
		var all []event.Said
		for said, err := range m.Thread.Fetch(ctx) {
			if err != nil {
				return err
			}
			all = append(all, said)
		}
		histories <- all
		return nil
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- bots.Run(ctx, own, bot) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		nc.Close()
	})
	return histories
}
