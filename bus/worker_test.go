package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

func TestTransformPublishesBeforeTheMessageIsDone(t *testing.T) {
	b := bustest.Open(t)
	w, err := b.Worker(bus.WorkerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := bus.SubscriberConfig{Group: "g", Retry: quick()}
	err = w.Transform(bus.Events, bus.Actions, cfg, func(m *message.Message) ([]*message.Message, error) {
		return []*message.Message{say("answer", 0)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Consume(bus.Events, cfg, func(*message.Message) error { return nil }); err == nil {
		t.Error("two handlers of one group were taken")
	}
	run(t, w)
	s, err := b.Subscriber(bus.SubscriberConfig{Group: "actions"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Subscribe(context.Background(), bus.Actions)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, say("a", 0))
	if m := bustest.Receive(t, c); m.UUID != "answer-0" {
		t.Errorf("got %s", m.UUID)
	} else {
		m.Ack()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Whether none of the handlers can be started or only the last one, Run says so at once, and leaves nothing behind.
func TestAWorkerThatCannotStartEnds(t *testing.T) {
	cases := map[string]struct {
		closed bool
		topics []string
	}{
		"closed connection":     {true, []string{bus.Events, bus.Actions}},
		"no such topic":         {false, []string{"nothing"}},
		"no such topic, others": {false, []string{bus.Events, bus.Actions, "nothing"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			srv := bustest.StartServer(t, "")
			nc := srv.Connect()
			b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
			if err != nil {
				t.Fatal(err)
			}
			const grace = 2 * bustest.Patience
			w, err := b.Worker(bus.WorkerConfig{Grace: grace})
			if err != nil {
				t.Fatal(err)
			}
			for _, topic := range c.topics {
				if err := w.Consume(topic, bus.SubscriberConfig{Group: "g-" + topic}, func(*message.Message) error { return nil }); err != nil {
					t.Fatal(err)
				}
			}
			if c.closed {
				nc.Close()
			}
			begin := time.Now()
			err = w.Run(bustest.Context(t))
			if err == nil || c.closed && !errors.Is(err, nats.ErrConnectionClosed) {
				t.Errorf("ended with %v", err)
			}
			if took := time.Since(begin); took > bustest.Patience/2 {
				t.Errorf("ended after %s", took)
			}
			select {
			case <-w.Running():
				t.Error("says that it is running")
			default:
			}
			nc.Close()
			srv.Stop() // what it runs in this process is not the worker's
			if err := goleak.Find(before); err != nil {
				t.Error(err)
			}
		})
	}
}

// A worker that is told to stop before its handlers have started ends as soon as they have, and not when its grace is over.
func TestAWorkerThatIsStoppedAtOnceEnds(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	const grace = 2 * bustest.Patience
	w, err := b.Worker(bus.WorkerConfig{Grace: grace})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Consume(bus.Events, bus.SubscriberConfig{Group: "g"}, func(*message.Message) error { return nil }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(bustest.Context(t))
	cancel()
	begin := time.Now()
	if err := w.Run(ctx); err != nil {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(begin); took > bustest.Patience/2 {
		t.Errorf("ended after %s", took)
	}
}
