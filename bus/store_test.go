package bus_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// fill publishes events until the store refuses one, and returns the ids of those that it took.
func fill(t *testing.T, b *bus.Bus, size int) []string {
	t.Helper()
	var taken []string
	for n := 0; ; n++ {
		m := say(fmt.Sprint("t", n%20), n)
		m.Payload = make([]byte, size)
		err := b.Publisher().Publish(bus.Events, m)
		if err == nil {
			taken = append(taken, m.UUID)
			continue
		}
		if !errors.Is(err, bus.ErrFull) {
			t.Fatalf("after %d messages: %v", n, err)
		}
		return taken
	}
}

// awaitReady waits until Ready says what ok wants of it.
func awaitReady(t *testing.T, b *bus.Bus, ok func(error) bool) {
	t.Helper()
	ctx := bustest.Context(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := b.Ready(ctx)
		if ctx.Err() != nil {
			t.Fatalf("Ready stays %v", err)
		}
		if ok(err) {
			return
		}
		<-tick.C
	}
}

func isReady(err error) bool { return err == nil }
func isFull(err error) bool  { return errors.Is(err, bus.ErrFull) }

func TestAFullStoreRefusesAndRecovers(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{MaxStore: bus.MinStore})
	b := srv.Open(bus.Config{MaxStore: bus.MinStore})
	awaitReady(t, b, isReady)
	taken := fill(t, b, 100_000)
	if got, want := len(taken), bus.MinStore/100*42/100_000; got < want*9/10 || got > want {
		t.Errorf("the store took %d events, want about %d", got, want)
	}
	awaitReady(t, b, isFull)

	if err := b.Publisher().Publish(bus.Actions, say("a", 0)); err != nil {
		t.Errorf("an action while events are full: %v", err)
	}
	dead := bus.DeadLetter{Stage: "ingest", Consumer: "c", Key: "k", First: time.Now(), Last: time.Now()}
	if err := b.Bury(bustest.Context(t), dead); err != nil {
		t.Errorf("a dead letter while events are full: %v", err)
	}
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	left := make(map[string]bool)
	for _, id := range taken {
		left[id] = true
	}
	for range taken {
		m := bustest.Receive(t, c)
		if !left[m.UUID] {
			t.Errorf("%s was handed on twice, or never taken", m.UUID)
		}
		delete(left, m.UUID)
		m.Ack()
	}

	events := stream(t, srv.Connect(), bus.EventsStream)
	if err := events.Purge(bustest.Context(t)); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, b, isReady)
	publish(t, b, say("a", 1))
	if m := bustest.Receive(t, c); string(m.Payload) != "1" {
		t.Errorf("after the purge came %q", m.Payload)
	} else {
		m.Ack()
	}
}

func TestAFullStoreEmptiesByAge(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{MaxStore: bus.MinStore})
	b := srv.Open(bus.Config{MaxStore: bus.MinStore, Retention: 3 * time.Second, DedupWindow: time.Second})
	fill(t, b, 500_000)
	awaitReady(t, b, isFull)
	awaitReady(t, b, isReady)
	publish(t, b, say("a", 1))
}

// On a server whose room others take, there is no limit to be seen beforehand: what it refuses counts.
func TestAServerFilledByOthers(t *testing.T) {
	const limit = 8 << 20
	srv := bustest.Start(t, natsd.Config{MaxStore: limit})
	b := srv.Open(bus.Config{})
	nc := srv.Connect()
	create(t, nc, jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}})
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = js.Publish(bustest.Context(t), "other", make([]byte, 500_000))
	}
	if got := fill(t, b, 1000); len(got) > 1 {
		t.Errorf("a full server took %d events", len(got))
	}
	awaitReady(t, b, isFull)
	if err := stream(t, nc, "OTHER").Purge(bustest.Context(t)); err != nil {
		t.Fatal(err)
	}
	publish(t, b, say("a", 1))
	awaitReady(t, b, isReady)
}

func TestTheStoreIsFullBeforeTheServerIs(t *testing.T) {
	srv := bustest.Start(t, natsd.Config{MaxStore: bus.MinStore})
	b := srv.Open(bus.Config{MaxStore: bus.MinStore})
	var limits int64
	for name, cfg := range streams(t, srv.Connect()) {
		if (cfg.Discard != jetstream.DiscardNew) != (name == bus.ReceiptsStream) { // receipts must not stop answers: see receiptsStream
			t.Errorf("stream %s deletes when it is full", name)
		}
		limits += max(cfg.MaxBytes, 0)
	}
	if spare := bus.MinStore - limits; spare < bus.MinStore/100*8 {
		t.Errorf("the limits of the streams and buckets leave %d of %d bytes", spare, bus.MinStore)
	}
	fill(t, b, 100_000)
	var err error
	for n := 0; err == nil; n++ {
		m := say("a", n)
		m.Payload = make([]byte, 100_000)
		err = b.Publisher().Publish(bus.Actions, m)
	}
	if !errors.Is(err, bus.ErrFull) {
		t.Error(err)
	}
	kv, err := b.State(bustest.Context(t), bus.BotState)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(bustest.Context(t), "k", make([]byte, 100_000), 0); err != nil {
		t.Errorf("with events and actions full, a bot's state: %v", err)
	}
}
