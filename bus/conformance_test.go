package bus_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// laned is what the bus promises, in the words of Watermill's universal suite. ExactlyOnceDelivery is not among it: who
// crashes between handling and commit handles again. Server restarts are tried by TestServerRestart and the chaos test.
func laned() tests.Features {
	return tests.Features{
		ConsumerGroups:                   true,
		Persistent:                       true,
		GuaranteedOrder:                  true, // of a lane, with any number of subscribers
		NewSubscriberReceivesOldMessages: false,
	}
}

// unlaned is what remains when each message has a lane of its own: they are handled side by side.
func unlaned() tests.Features {
	f := laned()
	f.GuaranteedOrder = false
	return f
}

func TestConformance(t *testing.T) {
	t.Run("one lane", func(t *testing.T) { conform(t, laned(), tests.TestPubSub, oneLane) })
	t.Run("a lane per message", func(t *testing.T) { conform(t, unlaned(), tests.TestPubSub, ownLane) })
}

// TestConformanceUnderStress runs the suite ten times at once with THREADRELAY_PROOF=full, and otherwise twice.
func TestConformanceUnderStress(t *testing.T) {
	if !proof() {
		const count = "STRESS_TEST_COUNT" // what the suite goes by
		if err := os.Setenv(count, "2"); err != nil {
			t.Fatal(err) // t.Setenv is not for parallel tests, which these are
		}
		t.Cleanup(func() { _ = os.Unsetenv(count) })
	}
	conform(t, unlaned(), tests.TestPubSubStressTest, ownLane)
}

// proof reports whether the suite is to run in full. It takes minutes under the race detector, most of them with 50
// subscribers that come and go; the short one does the same with fewer messages.
func proof() bool { return os.Getenv("THREADRELAY_PROOF") == "full" }

// A group that is new gets what was published before it, which the suite asks of subscribers with groups of their own.
func TestConformanceNewGroupsReceiveOldMessages(t *testing.T) {
	f := laned()
	f.NewSubscriberReceivesOldMessages = true
	h := house{bustest.StartServer(t, ""), oneLane}
	tests.TestNewSubscriberReceivesOldMessages(t, tests.TestContext{TestID: tests.NewTestID(), Features: f},
		func(t *testing.T) (message.Publisher, message.Subscriber) { return h.pair(t, watermill.NewUUID()) })
}

type suite func(*testing.T, tests.Features, tests.PubSubConstructor, tests.ConsumerGroupPubSubConstructor)

func conform(t *testing.T, f tests.Features, run suite, lanes func(*message.Message) string) {
	t.Helper()
	f.ForceShort = !proof()
	h := house{bustest.StartServer(t, ""), lanes}
	run(t, f, func(t *testing.T) (message.Publisher, message.Subscriber) { return h.pair(t, "suite") }, h.pair)
}

func oneLane(*message.Message) string { return "" }

func ownLane(m *message.Message) string { return "suite." + m.UUID }

// house makes the suite's publishers and subscribers, each pair like a process of its own.
type house struct {
	srv   *bustest.Server
	lanes func(*message.Message) string
}

func (h house) pair(t *testing.T, group string) (message.Publisher, message.Subscriber) {
	t.Helper()
	b := h.srv.Open(bus.Config{LeaseTTL: 3 * time.Second})
	s, err := b.Subscriber(bus.SubscriberConfig{
		Group: group,
		Retry: bus.Retry{Attempts: 10_000, Min: time.Millisecond, Max: 5 * time.Millisecond}, // the suite nacks hundreds of times
		Grace: time.Second,                                                                   // and closes with messages in hand
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return inventive{Publisher: b.Publisher(), bus: b, lanes: h.lanes}, &curious{Subscriber: s, bus: b}
}

// inventive publishes to topics that the suite makes up, on the lane that the test wants.
type inventive struct {
	*bus.Publisher
	bus   *bus.Bus
	lanes func(*message.Message) string
}

func (p inventive) Publish(topic string, messages ...*message.Message) error {
	if err := p.bus.AddTopic(context.Background(), topic); err != nil {
		return err
	}
	for _, m := range messages {
		if lane := p.lanes(m); lane != "" {
			m.Metadata.Set(bus.LaneKey, lane)
		}
	}
	return p.Publisher.Publish(topic, messages...)
}

// curious subscribes to topics that the suite makes up.
type curious struct {
	*bus.Subscriber
	bus *bus.Bus
}

var _ message.SubscribeInitializer = (*curious)(nil)

func (s *curious) SubscribeInitialize(topic string) error {
	return s.bus.AddTopic(context.Background(), topic)
}

func (s *curious) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	if err := s.SubscribeInitialize(topic); err != nil { //nolint:contextcheck // Watermill gives it none
		return nil, err
	}
	return s.Subscriber.Subscribe(ctx, topic)
}

func TestAddTopic(t *testing.T) {
	b := bustest.Open(t)
	ctx := bustest.Context(t)
	for _, name := range []string{"", "Upper", "a.b", "a b", "a*", "dead", "members", "query", strings.Repeat("x", 129)} {
		if err := b.AddTopic(ctx, name); err == nil {
			t.Errorf("topic %q was taken", name)
		}
	}
	for range 2 {
		if err := b.AddTopic(ctx, "own"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.AddTopic(ctx, bus.Events); err != nil {
		t.Error(err)
	}
	s, err := b.Subscriber(bus.SubscriberConfig{Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c, err := s.Subscribe(context.Background(), "own")
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, say("a", 0)) // to another topic
	if err := b.Publisher().Publish("own", say("a", 1)); err != nil {
		t.Fatal(err)
	}
	if m := bustest.Receive(t, c); string(m.Payload) != "1" || m.Metadata.Get(bus.LaneKey) != "test.a" {
		t.Errorf("got %s of lane %q", m.UUID, m.Metadata.Get(bus.LaneKey))
	} else {
		m.Ack()
	}
}
