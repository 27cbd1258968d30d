package bus_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// ack acknowledges whatever comes, and logs it.
func ack(c <-chan *message.Message, l *log) {
	go func() {
		for m := range c {
			l.add(m)
			m.Ack()
		}
	}()
}

// owners counts the partitions of a topic by owner, as the records say it.
func owners(t *testing.T, srv *bustest.Server, group string) map[string]int {
	t.Helper()
	return ownersIn(t, progressBucket(t, srv), group)
}

func progressBucket(t *testing.T, srv *bustest.Server) jetstream.KeyValue {
	t.Helper()
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(bustest.Context(t), "RELAY_PROGRESS")
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func TestMembersShareTheWork(t *testing.T) {
	srv := bustest.StartServer(t, "")
	all := newLog()
	var subs []*bus.Subscriber
	for range 3 {
		s, c := subscribe(t, srv.Open(bus.Config{LeaseTTL: 2 * time.Second}), bus.SubscriberConfig{Group: "g"})
		subs = append(subs, s)
		ack(c, all)
	}
	awaitOwners(t, srv, "g", 3, 6)
	b := srv.Open(bus.Config{})
	for n := range 10 {
		for lane := range 50 {
			publish(t, b, say(fmt.Sprint("t", lane), n))
		}
	}
	all.wait(t, 500)
	if err := subs[1].Close(); err != nil { // hands its partitions on
		t.Error(err)
	}
	awaitOwners(t, srv, "g", 2, 8)
	for n := 10; n < 20; n++ {
		for lane := range 50 {
			publish(t, b, say(fmt.Sprint("t", lane), n))
		}
	}
	all.wait(t, 1000)
	all.wantOrder(t, 50, 20)
}

// A member that is cut off is replaced after a TTL, and what it still had in hand is not committed.
func TestADeadMemberIsReplaced(t *testing.T) {
	const ttl = time.Second
	srv := bustest.StartServer(t, "")
	cut := srv.Connect()
	one, err := bus.Open(bustest.Context(t), bus.Config{Conn: cut, LeaseTTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	b := srv.Open(bus.Config{LeaseTTL: ttl})
	_, old := subscribe(t, one, bus.SubscriberConfig{Group: "g", Grace: time.Millisecond})
	publish(t, b, say("a", 0), say("a", 1))
	held := bustest.Receive(t, old)
	start := time.Now()
	cut.Close()
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	again := bustest.Receive(t, c)
	t.Logf("replaced after %s (TTL %s)", time.Since(start).Round(time.Millisecond), ttl)
	if again.UUID != held.UUID {
		t.Errorf("the new owner got %s first, want %s", again.UUID, held.UUID)
	}
	if waited := time.Since(start); waited < ttl {
		t.Errorf("the new owner did not wait for a TTL: %s", waited)
	}
	held.Ack()
	again.Ack()
	if m := bustest.Receive(t, c); string(m.Payload) != "1" {
		t.Errorf("then came %q", m.Payload)
	} else {
		m.Ack()
	}
}

// On a server that no other process can reach, whoever held a partition before is gone.
func TestExclusiveTakesOverAtOnce(t *testing.T) {
	srv := bustest.StartServer(t, "")
	cut := srv.Connect()
	one, err := bus.Open(bustest.Context(t), bus.Config{Conn: cut, LeaseTTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	_, old := subscribe(t, one, bus.SubscriberConfig{Group: "g", Grace: time.Millisecond})
	b := srv.Open(bus.Config{LeaseTTL: time.Hour, Exclusive: true})
	publish(t, b, say("a", 0))
	bustest.Receive(t, old)
	cut.Close()
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	bustest.Receive(t, c).Ack()
}

// A stream that lost its end, as in a power cut without fsync, must not swallow the messages that take the lost ones' place.
func TestAStreamThatLostItsEnd(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{Partitions: 1})
	s, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	publish(t, b, say("a", 0), say("a", 1))
	bustest.Receive(t, c).Ack()
	bustest.Receive(t, c).Ack()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	pretendHandled(t, srv, "g.events.0", 1000)
	_, c = subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	publish(t, b, say("a", 2))
	if m := bustest.Receive(t, c); string(m.Payload) != "2" {
		t.Errorf("came %q", m.Payload)
	} else {
		m.Ack()
	}
}

// pretendHandled makes a progress record claim that everything up to a sequence is handled.
func pretendHandled(t *testing.T, srv *bustest.Server, key string, done int) {
	t.Helper()
	kv := progressBucket(t, srv)
	entry, err := kv.Get(bustest.Context(t), key)
	if err != nil {
		t.Fatal(err)
	}
	record := map[string]any{}
	if err := json.Unmarshal(entry.Value(), &record); err != nil {
		t.Fatal(err)
	}
	record["done"] = done
	data, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(bustest.Context(t), key, data); err != nil {
		t.Fatal(err)
	}
}
