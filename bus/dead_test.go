package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// route runs handle on every message of the events topic, through the house's router.
func route(t *testing.T, b *bus.Bus, handle func(*message.Message) error) {
	t.Helper()
	w, err := b.Worker(bus.WorkerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Consume(bus.Events, bus.SubscriberConfig{Group: "g", Retry: quick()}, handle); err != nil {
		t.Fatal(err)
	}
	run(t, w)
}

// run runs a worker until the test ends, and waits until it is running.
func run(t *testing.T, w *bus.Worker) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	<-w.Running()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// letters returns the dead letters stored, by subject.
func letters(t *testing.T, srv *bustest.Server) map[string]*jetstream.RawStreamMsg {
	t.Helper()
	out := map[string]*jetstream.RawStreamMsg{}
	for _, m := range srv.Stored(bus.DeadStream) {
		out[m.Subject] = m
	}
	return out
}

func TestAFailingMessageHoldsItsLaneAndDies(t *testing.T) {
	cases := []struct {
		name     string
		fail     func() error
		attempts int
		reason   string
	}{
		{"an error", func() error { return errTest }, quickAttempts, errTest.Error()},
		{"permanent", func() error { return fmt.Errorf("handler: %w", bus.Permanent(errTest)) }, 1, "handler: " + errTest.Error()},
		{"a panic", func() error { panic("out of paper") }, quickAttempts, "out of paper"},
		{"a runtime panic", func() error { var d *bus.Delivery; d.Attempt++; return nil }, quickAttempts, "nil pointer dereference"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			b := srv.Open(bus.Config{})
			attempts := make(chan int, 100)
			next := make(chan string, 1)
			route(t, b, func(m *message.Message) error {
				if string(m.Payload) != "0" {
					next <- string(m.Payload)
					return nil
				}
				d, _ := bus.DeliveryOf(m.Context())
				attempts <- d.Attempt
				return c.fail()
			})
			bad := say("a", 0)
			bad.Metadata.Set("x-kept", "yes")
			publish(t, b, bad, say("a", 1))
			if got := bustest.Receive(t, next); got != "1" {
				t.Errorf("after the dead letter came %s", got)
			}
			close(attempts)
			n := 0
			for a := range attempts {
				n++
				if a != n {
					t.Errorf("attempt %d called itself %d", n, a)
				}
			}
			if n != c.attempts {
				t.Errorf("%d attempts, want %d", n, c.attempts)
			}
			wantLetter(t, letters(t, srv), c.attempts, c.reason)
		})
	}
}

func wantLetter(t *testing.T, all map[string]*jetstream.RawStreamMsg, attempts int, reason string) {
	t.Helper()
	m := all["relay.dead.events.g.1"]
	if m == nil || len(all) != 1 {
		t.Fatalf("dead letters: %v", all)
	}
	if string(m.Data) != "0" || m.Header.Get("x-kept") != "yes" {
		t.Errorf("the dead letter is %q with %v", m.Data, m.Header)
	}
	want := map[string]string{
		"Relay-Dead-Stage": "events", "Relay-Dead-Consumer": "g", "Relay-Dead-Sequence": "1",
		"Relay-Dead-Attempts": fmt.Sprint(attempts), "Relay-Dead-Nats-Msg-Id": "a-0",
	}
	for k, v := range want {
		if got := m.Header.Get(k); got != v {
			t.Errorf("%s is %q, want %q", k, got, v)
		}
	}
	if got := m.Header.Get("Relay-Dead-Reason"); !strings.Contains(got, reason) {
		t.Errorf("reason %q, want one with %q", got, reason)
	}
	if got := m.Header.Get("Relay-Dead-Subject"); !strings.HasPrefix(got, "relay.events.") {
		t.Errorf("subject %q", got)
	}
	for _, k := range []string{"Relay-Dead-First", "Relay-Dead-Last"} {
		if at, err := time.Parse(time.RFC3339Nano, m.Header.Get(k)); err != nil || time.Since(at) > bustest.Patience {
			t.Errorf("%s is %q (%v)", k, m.Header.Get(k), err)
		}
	}
}

func TestAfterIsNotCharged(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	done := make(chan int, 1)
	calls := 0 // one lane: one call at a time
	route(t, b, func(*message.Message) error {
		if calls++; calls <= 3*quickAttempts {
			return fmt.Errorf("slow down: %w", bus.After(time.Microsecond, errTest))
		}
		done <- calls
		return nil
	})
	publish(t, b, say("a", 0))
	if got := bustest.Receive(t, done); got != 3*quickAttempts+1 {
		t.Errorf("%d calls", got)
	}
	if l := letters(t, srv); len(l) != 0 {
		t.Errorf("dead letters: %v", l)
	}
}

func TestBuryKeepsAMessageOnce(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	d := bus.DeadLetter{
		Stage: "ingest", Consumer: "cometchat", Key: "abc", Reason: "line one\r\nline two " + strings.Repeat("x", 5000), Attempts: 1,
		Header: nats.Header{"Content-Type": {"text/plain"}}, Payload: []byte("raw \xff bytes"),
	}
	for range 2 {
		if err := b.Bury(bustest.Context(t), d); err != nil {
			t.Fatal(err)
		}
	}
	all := letters(t, srv)
	m := all["relay.dead.ingest.cometchat.abc"]
	if m == nil || len(all) != 1 {
		t.Fatalf("dead letters: %v", all)
	}
	if string(m.Data) != string(d.Payload) {
		t.Errorf("payload %q", m.Data)
	}
	if got := m.Header.Get("Relay-Dead-Reason"); !strings.HasPrefix(got, "line one line two xxx") || len(got) > 2100 {
		t.Errorf("reason %q", got)
	}
	for _, bad := range []bus.DeadLetter{{}, {Stage: "a.b", Consumer: "c", Key: "d"}, {Stage: "a", Consumer: "*", Key: "d"}} {
		if err := b.Bury(bustest.Context(t), bad); err == nil || errors.Is(err, bus.ErrNotConnected) {
			t.Errorf("buried %+v: %v", bad, err)
		}
	}
}

// A message so large that the letter's own headers do not fit beside it must not be tried for ever.
func TestALargeMessageDies(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	next, again := make(chan string, 1), make(chan int, 1)
	failing := true // one lane: one call at a time
	route(t, b, func(m *message.Message) error {
		switch {
		case len(m.Payload) < 10:
			next <- string(m.Payload)
			failing = false
		case failing:
			return bus.Permanent(errTest)
		default:
			again <- len(m.Payload)
		}
		return nil
	})
	large := say("a", 0)
	large.Payload = make([]byte, 1<<20-400)
	publish(t, b, large, say("a", 1))
	if got := bustest.Receive(t, next); got != "1" {
		t.Errorf("after the dead letter came %q", got)
	}
	d, err := b.DeadLetter(bustest.Context(t), "1")
	if err != nil || len(d.Payload) != len(large.Payload) {
		t.Fatalf("the letter holds %d bytes, want %d (%v)", len(d.Payload), len(large.Payload), err)
	}
	if err := b.Replay(bustest.Context(t), d.ID, bus.ReplayConfig{}); err != nil {
		t.Fatal(err)
	}
	if got := bustest.Receive(t, again); got != len(large.Payload) {
		t.Errorf("replayed %d bytes", got)
	}
}
