package bots_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
)

var errTest = errors.New("out of paper")

// stage is a server with a bus on it, and all that leaves for the platforms.
type stage struct {
	t       *testing.T
	srv     *bustest.Server
	bus     *bus.Bus
	actions <-chan *message.Message // what is stored in RELAY_ACTIONS
	wire    *nats.Subscription      // what is sent there, duplicates too
}

func newStage(t *testing.T) *stage {
	t.Helper()
	srv := bustest.StartServer(t, "")
	st := &stage{t: t, srv: srv, bus: srv.Open(bus.Config{})}
	sub, err := st.bus.Subscriber(bus.SubscriberConfig{Group: "stage"})
	if err != nil {
		t.Fatal(err)
	}
	if st.actions, err = sub.Subscribe(context.Background(), bus.Actions); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	})
	nc := srv.Connect()
	if st.wire, err = nc.SubscribeSync("relay.actions.*.*"); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return st
}

// config is that of a runner whose retries are quick.
func config(b *bus.Bus, all ...*bots.Bot) bots.Config {
	return bots.Config{Bus: b, Bots: all, Retry: bus.Retry{Attempts: 4, Min: time.Millisecond, Max: 4 * time.Millisecond}}
}

// run runs bots until stop is called or the test ends.
func (st *stage) run(all ...*bots.Bot) (stop func()) {
	st.t.Helper()
	return st.start(config(st.bus, all...))
}

func (st *stage) start(cfg bots.Config) (stop func()) {
	st.t.Helper()
	r, err := bots.NewRunner(cfg)
	if err != nil {
		st.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := bustest.Receive(st.t, ended); err != nil {
			st.t.Errorf("the runner ended with %v", err)
		}
	})
	st.t.Cleanup(stop)
	bustest.Receive(st.t, opened(r.Running()))
	return stop
}

// opened turns the end of done into a value.
func opened(done <-chan struct{}) <-chan bool {
	c := make(chan bool, 1)
	go func() {
		select {
		case <-done:
			c <- true
		case <-time.After(bustest.Patience):
		}
	}()
	return c
}

// direct is message n of ana to the connection's user, in a conversation of their own for each thread.
func direct(thread string, n int) event.Event {
	id := event.MessageID(fmt.Sprintf("%s-%d", thread, n))
	return event.Event{
		ID: event.ID("test:" + id), Type: event.MessageCreated, Time: time.Now().UTC(), Platform: "test", Self: "helper",
		Thread: event.ThreadRef{Connection: "support", Conversation: "user/ana", Root: event.MessageID(thread)},
		Message: &event.Message{
			ID: id, Parent: event.MessageID(thread), Sender: event.User{ID: "ana", Name: "Ana"}, Recipient: "helper",
			Kind: "text", Text: fmt.Sprintf("%s %d", thread, n),
		},
	}
}

// toGroup makes a message of e to a group.
func toGroup(e event.Event, conversation event.ConversationID) event.Event {
	e.Thread.Conversation, e.Message.Recipient = conversation, ""
	return e
}

func (st *stage) publish(events ...event.Event) {
	st.t.Helper()
	var batch []*message.Message
	for _, e := range events {
		m, err := bus.EventMessage(e)
		if err != nil {
			st.t.Fatal(err)
		}
		batch = append(batch, m)
	}
	if err := st.bus.Publisher().Publish(bus.Events, batch...); err != nil {
		st.t.Fatal(err)
	}
}

// next returns the action that is stored next, and its lane.
func (st *stage) next() (event.Action, string) {
	st.t.Helper()
	m := bustest.Receive(st.t, st.actions)
	m.Ack()
	a, err := bus.ReadAction(m)
	if err != nil {
		st.t.Fatal(err)
	}
	return a, m.Metadata.Get(bus.LaneKey)
}

// wantNext expects the next actions to have these texts, in this order.
func (st *stage) wantNext(texts ...string) {
	st.t.Helper()
	for _, want := range texts {
		if a, _ := st.next(); a.Text != want {
			st.t.Fatalf("next was said %q, want %q", a.Text, want)
		}
	}
}

// wantSent expects that these texts, in this order, are all that was sent up to now, the last of them included.
func (st *stage) wantSent(texts ...string) {
	st.t.Helper()
	for _, want := range texts {
		m, err := st.wire.NextMsg(bustest.Patience)
		if err != nil {
			st.t.Fatalf("waiting for %q: %v", want, err)
		}
		a, err := event.DecodeAction(m.Data)
		if err != nil {
			st.t.Fatal(err)
		}
		if a.Text != want {
			st.t.Fatalf("%q was sent, want %q", a.Text, want)
		}
	}
	if n := st.stored(bus.ActionsStream); n != uint64(len(texts)) {
		st.t.Errorf("%d actions are stored, want %d", n, len(texts))
	}
}

// stream returns one of the bus's streams as it is now.
func (st *stage) stream(name string) jetstream.Stream {
	st.t.Helper()
	js, err := jetstream.New(st.srv.Connect())
	if err != nil {
		st.t.Fatal(err)
	}
	s, err := js.Stream(bustest.Context(st.t), name)
	if err != nil {
		st.t.Fatal(err)
	}
	return s
}

// stored is the number of messages in a stream.
func (st *stage) stored(name string) uint64 {
	st.t.Helper()
	return st.stream(name).CachedInfo().State.Msgs
}
