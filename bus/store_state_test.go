package bus_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// fillState puts values of a size until the bucket refuses one, and returns the number of those that it took.
func fillState(t *testing.T, s *bus.State, size int) int {
	t.Helper()
	ctx := bustest.Context(t)
	for n := 0; ; n++ {
		var err error
		if n%2 == 0 {
			_, err = s.Put(ctx, fmt.Sprint("k", n), make([]byte, size), 0)
		} else {
			_, err = s.Create(ctx, fmt.Sprint("k", n), make([]byte, size), 0)
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, bus.ErrFull) {
			t.Fatalf("after %d keys: %v", n, err)
		}
		return n
	}
}

func TestAFullBucketRefusesAndKeeps(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{MaxStore: bus.MinStore})
	b := srv.Open(bus.Config{MaxStore: bus.MinStore})
	ctx := bustest.Context(t)
	s := openState(t, b, bus.Cursors)
	const size = 1000
	n := fillState(t, s, size)
	if least, most := bus.MinStore/100/size*8/10, bus.MinStore/100/size; n < least || n > most {
		t.Errorf("1 %% of the store took %d keys of %d bytes, want %d to %d", n, size, least, most)
	}
	if _, err := s.Put(ctx, "k0", make([]byte, 2*size), 0); !errors.Is(err, bus.ErrFull) {
		t.Errorf("a larger value: %v", err)
	}
	edit := func(old []byte) ([]byte, error) { return append(old, old...), nil }
	if _, err := s.Edit(ctx, "k1", edit); !errors.Is(err, bus.ErrFull) {
		t.Errorf("an edit that grows: %v", err)
	}
	for i := range n {
		if v, err := s.Get(ctx, fmt.Sprint("k", i)); err != nil || len(v.Data) != size {
			t.Fatalf("k%d: %d bytes (%v)", i, len(v.Data), err)
		}
	}
	for i := range n { // what is smaller has room, and so has the trace of what is deleted
		key := fmt.Sprint("k", i)
		if i%2 == 0 {
			if _, err := s.Put(ctx, key, make([]byte, size/2), 0); err != nil {
				t.Fatalf("a smaller value: %v", err)
			}
		} else if err := s.Delete(ctx, key, 0); err != nil {
			t.Fatalf("delete: %v", err)
		}
		if _, err := s.Create(ctx, key+"'", make([]byte, size/3), 0); err != nil {
			t.Fatalf("what has become free is not: %v", err)
		}
	}
}

// A bucket can be emptied again, whatever the size of the values is that have filled it.
func TestAFullBucketOfSmallValuesIsEmptied(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{MaxStore: bus.MinStore})
	b := srv.Open(bus.Config{MaxStore: bus.MinStore})
	s := openState(t, b, bus.Cursors)
	for _, size := range []int{64, 10_000} {
		n := fillState(t, s, size)
		for i := range n {
			if err := s.Delete(bustest.Context(t), fmt.Sprint("k", i), 0); err != nil {
				t.Fatalf("%d bytes, k%d: %v", size, i, err)
			}
		}
	}
}

// With all that has a limit at that limit, work is still finished, and written down.
func TestProgressIsKeptWhenAllElseIsFull(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{MaxStore: bus.MinStore})
	b := srv.Open(bus.Config{MaxStore: bus.MinStore})
	events := fill(t, b, 100_000)
	fillTopic(t, b, bus.Actions, 100_000)
	for _, name := range []bus.StateName{bus.Cursors, bus.Ledger, bus.Links, bus.BotState, "RELAY_LEASES"} {
		fillState(t, openState(t, b, name), 10_000)
	}
	for i := 0; ; i++ {
		err := b.Bury(bustest.Context(t), bus.DeadLetter{Stage: "ingest", Consumer: "c", Key: fmt.Sprint(i), Payload: make([]byte, 100_000)})
		if errors.Is(err, bus.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	for range events {
		bustest.Receive(t, c).Ack()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantAllOnRecord(t, srv, "g")
}

// wantAllOnRecord fails the test if an event is not on record as handled by the group.
func wantAllOnRecord(t *testing.T, srv *bustest.Server, group string) {
	t.Helper()
	nc := srv.Connect()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(bustest.Context(t), "RELAY_PROGRESS")
	if err != nil {
		t.Fatal(err)
	}
	events := stream(t, nc, bus.EventsStream)
	for n, r := range recordsIn(t, kv, group) {
		last, err := events.GetLastMsgForSubject(bustest.Context(t), fmt.Sprintf("relay.events.%d.>", n))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.Done < last.Sequence || len(r.Arrears) > 0 {
			t.Errorf("of partition %d, %d messages to %d are on record as handled, without %v", n, r.Done, last.Sequence, r.Arrears)
		}
	}
}

// fillTopic publishes messages of a size until the store refuses one.
func fillTopic(t *testing.T, b *bus.Bus, topic string, size int) {
	t.Helper()
	var err error
	for n := 0; err == nil; n++ {
		m := say("a", n)
		m.Payload = make([]byte, size)
		err = b.Publisher().Publish(topic, m)
	}
	if !errors.Is(err, bus.ErrFull) {
		t.Fatal(err)
	}
}
