package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
)

// SubscriberConfig is what a Subscriber needs.
type SubscriberConfig struct {
	// Group is required: the name under which progress is kept. Each group gets every message of a topic; within a group
	// each is handled once. Letters, digits, "_" and "-".
	Group string
	// Concurrency bounds the handlers that run at the same time; default 64.
	Concurrency int
	// Retry is what happens to messages that fail.
	Retry Retry
	// RetryFor, if set, says the same by lane (<connection>.<thread>), and Retry is not used. It must return at once.
	RetryFor func(lane string) Retry
	// Dying, if set, is told of each message that is about to become a dead letter, and why, with the message as a handler
	// gets it. It may be told again of the same one. As long as it returns an error the message is no dead letter, and its lane
	// waits; with [ErrSpared] it counts as handled. A message whose handler ended the process is told of too.
	Dying func(m *message.Message, reason error) error
	// Lookback bounds the age of the first message that a group gets which has no progress yet; 0 means everything kept.
	Lookback time.Duration
	// Grace is how long running handlers may go on after Close or the end of the context; default 8 s. Then their contexts
	// end, and their messages will be handled again after the next start.
	Grace time.Duration
}

func (c *SubscriberConfig) setDefaults() {
	if c.Concurrency == 0 {
		c.Concurrency = 64
	}
	if c.Grace == 0 {
		c.Grace = 8 * time.Second
	}
	c.Retry.setDefaults()
}

// Subscriber is a Watermill subscriber that hands on the messages of each lane one at a time, in order, and the lanes side by
// side. All subscribers of a group share its partitions, in one process or in many: each partition has one holder at a time.
type Subscriber struct {
	bus *Bus
	cfg SubscriberConfig

	mu      sync.Mutex
	closed  bool
	closing chan struct{}
	subs    sync.WaitGroup
}

var _ message.Subscriber = (*Subscriber)(nil)

// Subscriber returns a subscriber for one consumer group.
func (b *Bus) Subscriber(cfg SubscriberConfig) (*Subscriber, error) {
	cfg.setDefaults()
	if !validToken(cfg.Group) {
		return nil, fmt.Errorf("bus: consumer group %q: letters, digits, _ and - are allowed", cfg.Group)
	}
	return &Subscriber{bus: b, cfg: cfg, closing: make(chan struct{})}, nil
}

// Subscribe joins the group's members on the topic and returns the channel of the messages of those partitions that become
// its own. To ack a message completes it, to nack it brings it again after a pause, until the retry budget is spent. The
// channel is closed once ctx ended or Close was called and no handler runs any more.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("bus: subscribe: the subscriber is closed")
	}
	stream, ok := s.bus.topics.stream(topic)
	if !ok {
		return nil, fmt.Errorf("bus: subscribe to %s: no such topic", topic)
	}
	fresh, err := s.fresh(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("bus: subscribe to %s: %w", topic, err)
	}
	sub := newSubscription(s, topic, stream)
	members, err := join(s.bus.cfg.Conn, memberSubject(s.cfg.Group, topic), s.bus.newOwner(), s.bus.cfg.LeaseTTL)
	if err != nil {
		return nil, fmt.Errorf("bus: subscribe to %s: %w", topic, err)
	}
	c := newCoordinator(sub, members, fresh)
	s.subs.Go(func() { sub.run(ctx, c) })
	return sub.out, nil
}

// Close stops handing on messages, waits for the handlers that run (at most the grace time), commits, and closes the
// channels.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.subs.Wait()
	return nil
}

// fresh is the progress of a group that has none.
func (s *Subscriber) fresh(ctx context.Context, stream jetstream.Stream) (progress, error) {
	info, err := stream.Info(ctx)
	if err != nil {
		return progress{}, err
	}
	p := progress{Stream: info.Created.UTC()}
	if s.cfg.Lookback == 0 {
		return p, nil
	}
	p.Done, err = sequenceBefore(ctx, stream, time.Now().Add(-s.cfg.Lookback))
	return p, err
}

// sequenceBefore returns the sequence below that of the first message stored at a time or later.
func sequenceBefore(ctx context.Context, stream jetstream.Stream, at time.Time) (uint64, error) {
	probe, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &at,
		AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: time.Minute, MemoryStorage: true,
	})
	if err != nil {
		return 0, fmt.Errorf("look for the messages since %s: %w", at.Format(time.RFC3339), err)
	}
	info := probe.CachedInfo()
	return info.Delivered.Stream, stream.DeleteConsumer(ctx, info.Name) // the server starts a consumer's count just below its first message
}
