package bus_test

import (
	"context"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

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
