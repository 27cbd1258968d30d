package bus_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// consume runs a handler until the test ends.
func consume(t *testing.T, b *bus.Bus, cfg bus.SubscriberConfig, h message.NoPublishHandlerFunc) {
	t.Helper()
	w, err := b.Worker(bus.WorkerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Consume(bus.Events, cfg, h); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-w.Running()
}

// Who wants to know of dead letters is told before there is one, and as long as that fails the lane waits.
func TestDyingIsToldBeforeTheDeadLetter(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	boom := errors.New("out of paper")
	told, done := make(chan string, 10), make(chan string, 10)
	var calls atomic.Int32
	consume(t, b, bus.SubscriberConfig{Group: "g", Retry: quick(), Dying: func(m *message.Message, reason error) error {
		d, ok := bus.DeliveryOf(m.Context())
		if !ok || d.Sequence != 1 || d.Attempt != quickAttempts || m.Context().Err() != nil || !errors.Is(reason, boom) {
			t.Errorf("told of %s at %+v: %v (%v)", m.UUID, d, reason, m.Context().Err())
		}
		if n := srv.Count(bus.DeadStream); n != 0 {
			t.Errorf("there are %d dead letters already", n)
		}
		switch calls.Add(1) {
		case 1:
			return errors.New("not now")
		case 2:
			panic("no")
		}
		told <- m.UUID
		return nil
	}}, func(m *message.Message) error {
		if strings.HasSuffix(m.UUID, "-0") {
			return boom
		}
		done <- m.UUID
		return nil
	})
	publish(t, b, say("a", 0), say("a", 1))
	if got := bustest.Receive(t, told); got != "a-0" {
		t.Errorf("told of %s", got)
	}
	if got := bustest.Receive(t, done); got != "a-1" {
		t.Errorf("handled %s", got)
	}
	if n := srv.Count(bus.DeadStream); n != 1 || calls.Load() != 3 {
		t.Errorf("%d dead letters after %d calls", n, calls.Load())
	}
}

// What turns out to have been handled is no dead letter, and holds its lane no longer.
func TestASparedMessageIsNoDeadLetter(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	done := make(chan string, 10)
	consume(t, b, bus.SubscriberConfig{Group: "g", Dying: func(m *message.Message, _ error) error {
		done <- "spared " + m.UUID
		return fmt.Errorf("it was there: %w", bus.ErrSpared)
	}}, func(m *message.Message) error {
		if m.UUID == "a-0" {
			return bus.Permanent(errors.New("out of paper"))
		}
		done <- m.UUID
		return nil
	})
	publish(t, b, say("a", 0), say("a", 1))
	for _, want := range []string{"spared a-0", "a-1"} {
		if got := bustest.Receive(t, done); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if n := srv.Count(bus.DeadStream); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

func TestRetryForALane(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	dead := make(chan int, 2)
	consume(t, b, bus.SubscriberConfig{
		Group: "g",
		RetryFor: func(lane string) bus.Retry {
			r := bus.Retry{Attempts: 2, Min: time.Millisecond, Max: time.Millisecond}
			if strings.HasSuffix(lane, ".b") {
				r.Attempts = 5
			}
			return r
		},
		Dying: func(m *message.Message, _ error) error {
			d, _ := bus.DeliveryOf(m.Context())
			dead <- d.Attempt
			return nil
		},
	}, func(*message.Message) error { return errors.New("no") })
	for lane, want := range map[string]int{"a": 2, "b": 5} {
		publish(t, b, say(lane, 0))
		if got := bustest.Receive(t, dead); got != want {
			t.Errorf("lane %s: dead after %d attempts, want %d", lane, got, want)
		}
	}
}

// A handler can see what stands behind its message in the lane, and when its own was stored.
func TestNextInTheLane(t *testing.T) {
	b := bustest.Open(t)
	before := time.Now().Add(-time.Minute)
	publish(t, b, say("a", 0), say("b", 0), say("a", 1), say("a", 2))
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g", Retry: bus.Retry{Attempts: 1000, Min: time.Millisecond, Max: 10 * time.Millisecond}})
	got := make(map[string]string)
	for len(got) < 4 {
		m := bustest.Receive(t, c)
		d, _ := bus.DeliveryOf(m.Context())
		if d.Stored.Before(before) || d.Stored.After(time.Now().Add(time.Minute)) {
			t.Errorf("%s was stored at %s", m.UUID, d.Stored)
		}
		behind, err := d.Next(m.Context())
		if err != nil {
			t.Error(err)
		}
		switch {
		case behind != nil:
			got[m.UUID] = behind.UUID
		case m.UUID == "a-0" || m.UUID == "a-1": // what is behind it has not been read yet
			m.Nack()
			continue
		default:
			got[m.UUID] = ""
		}
		m.Ack()
	}
	if want := map[string]string{"a-0": "a-1", "a-1": "a-2", "a-2": "", "b-0": ""}; !maps.Equal(got, want) {
		t.Errorf("next were %v, want %v", got, want)
	}
	if none, err := (bus.Delivery{}).Next(t.Context()); none != nil || err != nil {
		t.Errorf("behind nothing: %v (%v)", none, err)
	}
}

// When receipts are full the oldest go, and nothing is refused.
func TestFullReceiptsDropTheOldest(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{MaxStore: bus.MinStore})
	big := func(i int) *message.Message {
		m := say("a", i)
		m.Payload = make([]byte, 500_000)
		return m
	}
	for i := range 10 {
		if err := b.Publisher().Publish(bus.Receipts, big(i)); err != nil {
			t.Fatal(err)
		}
	}
	state := srv.Stream(bus.ReceiptsStream).CachedInfo().State
	if state.LastSeq != 10 || state.FirstSeq == 1 || state.Msgs == 0 {
		t.Errorf("%+v", state)
	}
}
