package bus_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

func TestRepartition(t *testing.T) {
	for _, to := range []int{4, 64} {
		t.Run(fmt.Sprint("16 to ", to), func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			b := srv.Open(bus.Config{})
			all := newLog()
			s, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
			ack(c, all)
			for lane := range 100 {
				publish(t, b, say(fmt.Sprint("t", lane), 0))
			}
			all.wait(t, 100)
			change := bus.Config{Conn: srv.Connect(), Partitions: to}
			if err := bus.Repartition(bustest.Context(t), change); !errors.Is(err, bus.ErrNotDrained) {
				t.Errorf("with a subscriber running: %v", err)
			}
			publish(t, b, say("t0", 1)) // a refused change leaves everything as it was
			all.wait(t, 101)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			publish(t, b, say("t1", 1))
			if err := bus.Repartition(bustest.Context(t), change); !errors.Is(err, bus.ErrNotDrained) {
				t.Errorf("with a message to handle: %v", err)
			}
			s, c = subscribe(t, b, bus.SubscriberConfig{Group: "g"})
			ack(c, all)
			all.wait(t, 102)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time there is nothing to do
				if err := bus.Repartition(bustest.Context(t), change); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := bus.Open(bustest.Context(t), bus.Config{Conn: srv.Connect()}); err == nil {
				t.Error("opened with the old number of partitions")
			}
			b = srv.Open(bus.Config{Partitions: to})
			_, c = subscribe(t, b, bus.SubscriberConfig{Group: "g"})
			ack(c, all)
			for lane := range 100 {
				publish(t, b, say(fmt.Sprint("u", lane), 0), say(fmt.Sprint("u", lane), 1))
			}
			all.wait(t, 302)
			all.mu.Lock()
			defer all.mu.Unlock()
			if all.total != 302 || len(all.byLane) != 200 {
				t.Errorf("%d messages of %d lanes were handled, want 302 of 200", all.total, len(all.byLane))
			}
		})
	}
}

// What an operator has set up by hand is the same afterwards, and the number of partitions is not.
func TestRepartitionKeepsTheOperatorsSettings(t *testing.T) {
	srv := bustest.StartServer(t, "")
	nc := srv.Connect()
	srv.Open(bus.Config{})
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 20 << 20
	names := []string{bus.IncompleteStream, bus.EventsStream, bus.ActionsStream}
	for _, name := range names {
		cfg := streams(t, nc)[name]
		cfg.Compression, cfg.MaxBytes, cfg.Metadata["owner"] = jetstream.S2Compression, limit, "me"
		if _, err := js.UpdateStream(bustest.Context(t), cfg); err != nil {
			t.Fatal(err)
		}
	}
	if err := bus.Repartition(bustest.Context(t), bus.Config{Conn: srv.Connect(), Partitions: 4}); err != nil {
		t.Fatal(err)
	}
	after := streams(t, nc)
	for _, name := range names {
		got := after[name]
		if got.Compression != jetstream.S2Compression || got.MaxBytes != limit || got.Metadata["owner"] != "me" {
			t.Errorf("%s: compression %s, limit %d, metadata %v", name, got.Compression, got.MaxBytes, got.Metadata)
		}
		if got.Metadata["threadrelay.partitions"] != "4" || len(got.Subjects) != 1 || got.SubjectTransform == nil {
			t.Errorf("%s has %s partitions, takes %v", name, got.Metadata["threadrelay.partitions"], got.Subjects)
		}
	}
	srv.Open(bus.Config{Partitions: 4})
}
