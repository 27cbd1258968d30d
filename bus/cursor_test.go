package bus_test

import (
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// Consumers that vanish, as they do with the server that holds them, cost no message.
func TestConsumersThatVanishAreReplaced(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(bustest.Context(t), bus.EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		for n := range 20 {
			publish(t, b, say("a", round*100+n), say("b", round*100+n))
			if n == 10 {
				for name := range stream.ConsumerNames(bustest.Context(t)).Name() {
					if err := stream.DeleteConsumer(bustest.Context(t), name); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		next := map[string]int{"test.a": round * 100, "test.b": round * 100}
		for range 40 {
			m := bustest.Receive(t, c)
			lane := m.Metadata.Get(bus.LaneKey)
			if want := say(lane[len("test."):], next[lane]).UUID; m.UUID != want {
				t.Fatalf("got %s, want %s", m.UUID, want)
			}
			next[lane]++
			m.Ack()
		}
	}
}

// Two members of a group read by themselves what one read as a whole before, and it again when the other has gone.
func TestReadingFollowsTheShare(t *testing.T) {
	srv := bustest.StartServer(t, "")
	var members []*bus.Subscriber
	got := newLog()
	join := func() {
		b := srv.Open(bus.Config{Partitions: 5})
		s, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
		members = append(members, s)
		go ack(c, got)
	}
	b := srv.Open(bus.Config{Partitions: 5})
	each := 0
	threads := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	talk := func() {
		t.Helper()
		for range 5 {
			var all []*message.Message
			for _, thread := range threads {
				all = append(all, say(thread, each))
			}
			publish(t, b, all...)
			each++
		}
		got.wait(t, each*len(threads))
	}
	join()
	talk()
	join()
	join()
	talk()
	for _, s := range members[:2] {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		talk()
	}
	got.wantOrder(t, len(threads), each)
}
