package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// reader reads one partition in the order of the stream, from a sequence on, and never gives up: after an outage it goes on
// behind the last message that it handed over.
type reader struct {
	sub    *subscription
	filter string
	next   uint64
	out    chan *stored
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) {
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		from := r.next
		err := r.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if r.next > from {
			wait = 100 * time.Millisecond
		}
		r.sub.warn("reading was interrupted, will be resumed", "filter", r.filter, "from", r.next, "in", wait.String(), "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// follow reads with one consumer until that fails or ctx ends.
func (r *reader) follow(ctx context.Context) error {
	consumer, err := r.sub.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects:    []string{r.filter},
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       r.next,
		InactiveThreshold: 30 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("bus: create consumer: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullHeartbeat(time.Second), jetstream.PullExpiry(10*time.Second))
	if err != nil {
		return fmt.Errorf("bus: read: %w", err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("bus: read: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("bus: read: %w", err)
		}
		select {
		case r.out <- &stored{subject: m.Subject(), sequence: meta.Sequence.Stream, header: m.Headers(), data: m.Data(), behind: meta.NumPending}:
			r.next = meta.Sequence.Stream + 1
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
