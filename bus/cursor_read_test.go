package bus

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
)

// deadEnd is a stream whose first consumers, as many as asked has room for, are given to a server that is gone: their creation
// is never answered.
type deadEnd struct {
	jetstream.Stream
	asked chan struct{}
}

func (d deadEnd) CreateConsumer(ctx context.Context, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	select {
	case d.asked <- struct{}{}:
		<-ctx.Done()
		return nil, ctx.Err()
	default:
		return d.Stream.CreateConsumer(ctx, cfg)
	}
}

// Whatever becomes of the consumers, every message is read once, in order.
func TestACursorOutlivesItsConsumers(t *testing.T) {
	for name, fault := range map[string]func(*testing.T, *Bus, jetstream.Stream){
		"none": func(*testing.T, *Bus, jetstream.Stream) {},
		"the connection is cut": func(t *testing.T, b *Bus, _ jetstream.Stream) {
			if err := b.cfg.Conn.ForceReconnect(); err != nil {
				t.Fatal(err)
			}
		},
		"the consumer is deleted": func(t *testing.T, _ *Bus, s jetstream.Stream) {
			for name := range s.ConsumerNames(t.Context()).Name() {
				if err := s.DeleteConsumer(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		for _, dead := range []int{0, 1} {
			t.Run(fmt.Sprint(name, ", dead ends ", dead), func(t *testing.T) {
				srv := testServer(t)
				b, other := testBus(t, srv, time.Second), testBus(t, srv, time.Second)
				stream, _ := b.topics.stream(Events)
				out := startCursor(t, b, deadEnd{stream, make(chan struct{}, dead)})
				const each = 500
				sayMany(t, other, each)
				wantRead(t, out, 1, each/2)
				fault(t, b, stream)
				wantRead(t, out, each/2+1, each)
				sayMany(t, other, 1)
				wantRead(t, out, each+1, each+1)
			})
		}
	}
}

func TestACursorEndsWhileAConsumerIsBeingCreated(t *testing.T) {
	b := testBus(t, testServer(t), time.Second)
	stream, _ := b.topics.stream(Events)
	sub := &subscription{bus: b, stream: deadEnd{stream, make(chan struct{}, 1)}, log: slog.New(slog.DiscardHandler)}
	c := &cursor{sub: sub}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { c.run(ctx); close(ended) }()
	until(t, "the creation", func() bool { return len(sub.stream.(deadEnd).asked) == 1 })
	start := time.Now()
	cancel()
	<-ended
	if took := time.Since(start); took > createTimeout/2 {
		t.Errorf("it took %s", took)
	}
}

// startCursor reads all of a stream until the test ends.
func startCursor(t *testing.T, b *Bus, stream jetstream.Stream) <-chan *stored {
	t.Helper()
	out := make(chan *stored)
	sub := &subscription{bus: b, stream: stream, log: slog.New(slog.DiscardHandler)}
	c := &cursor{sub: sub, sink: func(ctx context.Context, m *stored) bool {
		select {
		case out <- m:
			return true
		case <-ctx.Done():
			return false
		}
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { c.run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	return out
}

func sayMany(t *testing.T, b *Bus, n int) {
	t.Helper()
	var all []*message.Message
	for range n {
		m := message.NewMessage(b.newOwner(), []byte("x"))
		m.Metadata.Set(LaneKey, "test.a")
		all = append(all, m)
	}
	if err := b.Publisher().Publish(Events, all...); err != nil {
		t.Fatal(err)
	}
}

func wantRead(t *testing.T, out <-chan *stored, from, until uint64) {
	t.Helper()
	for want := from; want <= until; want++ {
		select {
		case m := <-out:
			if m.sequence != want {
				t.Fatalf("read %d, want %d", m.sequence, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("message %d was not read", want)
		}
	}
}
