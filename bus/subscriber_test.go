package bus_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// quickAttempts is the retry budget of quick.
const quickAttempts = 4

// quick is a retry policy for tests.
func quick() bus.Retry {
	return bus.Retry{Attempts: quickAttempts, Min: time.Millisecond, Max: 4 * time.Millisecond}
}

func say(thread string, n int) *message.Message {
	m := message.NewMessage(fmt.Sprintf("%s-%d", thread, n), []byte(fmt.Sprint(n)))
	m.Metadata.Set(bus.LaneKey, "test."+thread)
	return m
}

func publish(t *testing.T, b *bus.Bus, messages ...*message.Message) {
	t.Helper()
	if err := b.Publisher().Publish(bus.Events, messages...); err != nil {
		t.Fatal(err)
	}
}

func subscribe(t *testing.T, b *bus.Bus, cfg bus.SubscriberConfig) (*bus.Subscriber, <-chan *message.Message) {
	t.Helper()
	if cfg.Retry == (bus.Retry{}) {
		cfg.Retry = quick()
	}
	s, err := b.Subscriber(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Subscribe(context.Background(), bus.Events)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

// log collects what a handler did, by lane.
type log struct {
	mu     sync.Mutex
	byLane map[string][]string
	total  int
	more   chan struct{}
}

func newLog() *log { return &log{byLane: map[string][]string{}, more: make(chan struct{}, 1)} }

func (l *log) add(m *message.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lane := m.Metadata.Get(bus.LaneKey)
	l.byLane[lane] = append(l.byLane[lane], string(m.Payload))
	l.total++
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *log) wait(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(bustest.Patience)
	for {
		l.mu.Lock()
		total := l.total
		l.mu.Unlock()
		if total >= n {
			return
		}
		select {
		case <-l.more:
		case <-deadline:
			t.Fatalf("%d of %d messages were handled", total, n)
		}
	}
}

func (l *log) wantOrder(t *testing.T, lanes, each int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.byLane) != lanes {
		t.Errorf("%d lanes were handled, want %d", len(l.byLane), lanes)
	}
	var want []string
	for i := range each {
		want = append(want, fmt.Sprint(i))
	}
	for lane, got := range l.byLane {
		if !slices.Equal(got, want) {
			t.Errorf("lane %s: handled %v, want 0 to %d in order", lane, got, each-1)
		}
	}
}

func TestLanesKeepOrderUnderRandomFailures(t *testing.T) {
	const lanes, each = 40, 25
	b := bustest.Open(t)
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g", Concurrency: 16, Retry: bus.Retry{Attempts: 1000, Min: time.Millisecond, Max: 3 * time.Millisecond}})
	for n := range each {
		var batch []*message.Message
		for lane := range lanes {
			batch = append(batch, say(fmt.Sprint("t", lane), n))
		}
		publish(t, b, batch...)
	}
	done := newLog()
	var busy sync.Map
	go func() {
		for m := range c {
			go func() {
				lane := m.Metadata.Get(bus.LaneKey)
				if _, twice := busy.LoadOrStore(lane, true); twice {
					t.Errorf("lane %s: two messages at a time", lane)
				}
				ok := rand.IntN(4) > 0
				if ok {
					done.add(m)
				}
				busy.Delete(lane)
				if ok {
					m.Ack()
				} else {
					m.Nack()
				}
			}()
		}
	}()
	done.wait(t, lanes*each)
	done.wantOrder(t, lanes, each)
}

func TestASlowLaneDelaysNoOther(t *testing.T) {
	b := bustest.Open(t)
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g", Concurrency: 4})
	publish(t, b, say("slow", 0), say("slow", 1))
	held := bustest.Receive(t, c)
	if got := held.Metadata.Get(bus.LaneKey); got != "test.slow" {
		t.Fatalf("first message is of lane %s", got)
	}
	for i := range 50 {
		publish(t, b, say(fmt.Sprint("fast", i), 0))
	}
	for range 50 {
		m := bustest.Receive(t, c)
		if m.Metadata.Get(bus.LaneKey) == "test.slow" {
			t.Fatal("the slow lane's second message overtook its first")
		}
		m.Ack()
	}
	held.Ack()
	if m := bustest.Receive(t, c); string(m.Payload) != "1" {
		t.Errorf("after the slow message came %q", m.Payload)
	} else {
		m.Ack()
	}
}

// A thread with a backlog far beyond what a partition buffers must not keep its neighbours from being read.
func TestALongBacklogDelaysNoOther(t *testing.T) {
	b := bustest.StartServer(t, "").Open(bus.Config{Partitions: 1})
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g", Concurrency: 4})
	var batch []*message.Message
	for i := range 6000 {
		batch = append(batch, say("busy", i))
	}
	publish(t, b, batch...)
	held := bustest.Receive(t, c)
	publish(t, b, say("other", 0))
	if m := bustest.Receive(t, c); m.Metadata.Get(bus.LaneKey) != "test.other" {
		t.Fatalf("got a second message of the busy thread: %s", m.UUID)
	} else {
		m.Ack()
	}
	for i := range len(batch) {
		if string(held.Payload) != fmt.Sprint(i) {
			t.Fatalf("message %d of the busy thread is %q", i, held.Payload)
		}
		held.Ack()
		if i+1 < len(batch) {
			held = bustest.Receive(t, c)
		}
	}
}

func TestWhatWasCommittedIsNotRepeated(t *testing.T) {
	b := bustest.Open(t)
	first, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	for i := range 10 {
		publish(t, b, say("a", i), say("b", i))
	}
	seen := map[string]bool{}
	for range 12 {
		m := bustest.Receive(t, c)
		if seen[m.UUID] {
			t.Errorf("%s came twice", m.UUID)
		}
		seen[m.UUID] = true
		m.Ack()
	}
	for range 2 { // not answered when the subscriber stops: to come again
		select {
		case m := <-c:
			m.Nack()
		case <-time.After(bustest.Patience):
			t.Fatal("nothing came")
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for m := range c {
		t.Errorf("%s came after Close", m.UUID)
	}
	_, c = subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	for range 8 {
		m := bustest.Receive(t, c)
		if seen[m.UUID] {
			t.Errorf("%s came twice", m.UUID)
		}
		seen[m.UUID] = true
		m.Ack()
	}
	if len(seen) != 20 {
		t.Errorf("%d messages were handled, want 20", len(seen))
	}
}

func TestGroupsAreIndependent(t *testing.T) {
	b := bustest.Open(t)
	_, one := subscribe(t, b, bus.SubscriberConfig{Group: "one"})
	_, two := subscribe(t, b, bus.SubscriberConfig{Group: "two"})
	publish(t, b, say("a", 0))
	bustest.Receive(t, one).Ack()
	bustest.Receive(t, two).Ack()
}

func TestLookback(t *testing.T) {
	b := bustest.Open(t)
	publish(t, b, say("a", 0))
	_, all := subscribe(t, b, bus.SubscriberConfig{Group: "hour", Lookback: time.Hour})
	bustest.Receive(t, all).Ack()
	_, fresh := subscribe(t, b, bus.SubscriberConfig{Group: "now", Lookback: time.Nanosecond})
	publish(t, b, say("a", 1))
	m := bustest.Receive(t, fresh)
	if string(m.Payload) != "1" {
		t.Errorf("a group that starts now got message %s", m.Payload)
	}
	m.Ack()
}

func TestCloseWaitsForRunningHandlers(t *testing.T) {
	b := bustest.Open(t)
	s, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	publish(t, b, say("a", 0))
	m := bustest.Receive(t, c)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	for {
		if _, err := s.Subscribe(context.Background(), bus.Actions); err != nil {
			break // Close is under way
		}
	}
	if err := m.Context().Err(); err != nil || len(closed) > 0 {
		t.Errorf("the handler was cut off: %v", err)
	}
	m.Ack()
	if err := bustest.Receive(t, closed); err != nil {
		t.Error(err)
	}
	_, c = subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	publish(t, b, say("a", 1))
	if m := bustest.Receive(t, c); string(m.Payload) != "1" {
		t.Errorf("after the restart came %q again", m.Payload)
	} else {
		m.Ack()
	}
}

func TestCloseEndsAfterTheGraceTime(t *testing.T) {
	b := bustest.Open(t)
	s, c := subscribe(t, b, bus.SubscriberConfig{Group: "g", Grace: time.Millisecond})
	publish(t, b, say("a", 0))
	m := bustest.Receive(t, c)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if m.Context().Err() == nil {
		t.Error("the handler was not told to end")
	}
	_, c = subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	if again := bustest.Receive(t, c); again.UUID != m.UUID {
		t.Errorf("after the restart came %s", again.UUID)
	} else {
		again.Ack()
	}
}

func TestServerRestart(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	_, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	publish(t, b, say("a", 0), say("a", 1))
	held := bustest.Receive(t, c)
	srv.Stop()
	if err := b.Publisher().Publish(bus.Events, say("a", 2)); err == nil {
		t.Error("published without a server")
	}
	held.Ack() // handled during the outage: committed after it
	srv.Start()
	if m := bustest.Receive(t, c); string(m.Payload) != "1" {
		t.Errorf("after the restart came %q, want 1", m.Payload)
	} else {
		m.Ack()
	}
	for b.Publisher().Publish(bus.Events, say("a", 2)) != nil {
	}
	if m := bustest.Receive(t, c); string(m.Payload) != "2" {
		t.Errorf("then came %q, want 2", m.Payload)
	} else {
		m.Ack()
	}
}

func TestSubscriberRefuses(t *testing.T) {
	b := bustest.Open(t)
	if _, err := b.Subscriber(bus.SubscriberConfig{Group: "a.b"}); err == nil {
		t.Error("a group with a dot was taken")
	}
	s, err := b.Subscriber(bus.SubscriberConfig{Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Subscribe(context.Background(), "nonsense"); err == nil {
		t.Error("a topic that does not exist was taken")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Subscribe(context.Background(), bus.Events); err == nil {
		t.Error("a closed subscriber subscribed")
	}
}

var errTest = errors.New("the handler is not well")
