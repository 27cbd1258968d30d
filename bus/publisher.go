package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNotConnected means that there is no connection to NATS at this moment, or that it broke before an answer came. It is
// being re-established.
var ErrNotConnected = errors.New("not connected to NATS")

// ErrTooLarge means that a message exceeds what the server takes. No repeat can help.
var ErrTooLarge = errors.New("message too large")

// repeatAfter is how long acknowledgements are waited for before what lacks one is sent again, repeatPause the pause after
// the first attempt. It doubles with each, up to repeatPauseMax.
const (
	repeatAfter    = time.Second
	repeatPause    = 50 * time.Millisecond
	repeatPauseMax = 200 * time.Millisecond
)

// publishTimeout bounds a Publish whose messages carry no deadline.
const publishTimeout = 10 * time.Second

// Publisher is a Watermill publisher whose messages are stored when Publish returns.
type Publisher struct{ bus *Bus }

var _ message.Publisher = (*Publisher)(nil)

// Publisher returns a publisher. All publishers of a bus share one pipeline.
func (b *Bus) Publisher() *Publisher { return &Publisher{bus: b} }

// Publish stores the messages in the topic's stream, in order, and returns when the stream has acknowledged all of them. It
// ends early at the deadline of the first message's context. After an error the messages may be stored or not: publishing
// them again with the same UUIDs is safe within the duplicate window.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	_, err := p.Store(messages[0].Context(), topic, messages...)
	return err
}

// Store is Publish that also returns the stream's acknowledgements.
func (p *Publisher) Store(ctx context.Context, topic string, messages ...*message.Message) ([]Ack, error) {
	acks, t, err := p.store(ctx, topic, messages)
	p.bus.metrics.count(topic, t, len(messages))
	if err != nil {
		return nil, fmt.Errorf("bus: publish to %s: %w", topic, err)
	}
	return acks, nil
}

// Close does nothing: nothing is ever left unsent when Publish has returned.
func (p *Publisher) Close() error { return nil }

func (p *Publisher) store(ctx context.Context, topic string, messages []*message.Message) ([]Ack, tally, error) {
	stream, ok := p.bus.topics.stream(topic)
	if !ok {
		return nil, tally{}, fmt.Errorf("no such topic")
	}
	for _, m := range messages {
		if err := checkOutgoing(m); err != nil {
			return nil, tally{}, err
		}
	}
	if len(messages) == 0 {
		return nil, tally{}, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, tally{}, fmt.Errorf("nothing was sent: %w", err)
	}
	b := p.bus.pipeline.batch(topic, stream.CachedInfo().Config.Name, messages)
	acks, err := b.acks, p.insist(ctx, b)
	return acks, p.bus.pipeline.finish(b), err
}

// insist sends the messages until all are acknowledged, ctx ends, or an error comes that a repeat cannot mend. Between two
// leaders of a stream nobody answers, or the answer is lost; the stream recognises what it has stored already.
func (p *Publisher) insist(ctx context.Context, b *batch) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(publishTimeout)
	}
	for pause := repeatPause; ; pause = min(2*pause, repeatPauseMax) {
		until := time.Now().Add(repeatAfter)
		if deadline.Before(until) {
			until = deadline
		}
		err := p.bus.pipeline.attempt(ctx, b, until)
		if err == nil || ctx.Err() != nil || !isPassing(err) {
			return err
		}
		select {
		case <-time.After(min(pause, time.Until(deadline))):
		case <-ctx.Done():
			return err
		}
		if !time.Now().Before(deadline) {
			return err
		}
	}
}

// Codes of JetStream's that nats.go has no name for: the system, or the stream, has no leader at this moment.
const (
	codeUnavailable = 10008
	codeOffline     = 10118
)

// isPassing reports an error that a repeat may mend: nobody answered, or the server says that JetStream is not ready.
func isPassing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == codeUnavailable || api.ErrorCode == codeOffline
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}

func explain(err error) error {
	if isFull(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("no stream takes this subject, or its server is away: %w", err)
	}
	if errors.Is(err, nats.ErrDisconnected) || errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("%w: %w", ErrNotConnected, err)
	}
	return err
}
