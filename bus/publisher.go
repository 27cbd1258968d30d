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

// repeatAfter is how long an acknowledgement is waited for before the message is sent again, repeatPause the pause between
// two attempts.
const (
	repeatAfter = time.Second
	repeatPause = 50 * time.Millisecond
)

// publishTimeout bounds a Publish whose messages carry no deadline.
const publishTimeout = 10 * time.Second

// Publisher is a Watermill publisher whose messages are stored when Publish returns.
type Publisher struct{ bus *Bus }

var _ message.Publisher = (*Publisher)(nil)

// Publisher returns a publisher. All publishers of a bus share one pipeline.
func (b *Bus) Publisher() *Publisher { return &Publisher{bus: b} }

// Ack is the stream's word that a message is stored.
type Ack struct {
	// Sequence is the message's place in the stream.
	Sequence uint64
	// Duplicate is set if the stream had stored a message with this id before.
	Duplicate bool
}

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
	acks, err := p.store(ctx, topic, messages)
	for _, a := range acks {
		p.bus.metrics.published.WithLabelValues(topic, outcome(a)).Inc()
	}
	if err != nil {
		p.bus.metrics.published.WithLabelValues(topic, "failed").Add(float64(len(messages) - len(acks)))
		return nil, fmt.Errorf("bus: publish to %s: %w", topic, err)
	}
	return acks, nil
}

// Close does nothing: nothing is ever left unsent when Publish has returned.
func (p *Publisher) Close() error { return nil }

func outcome(a Ack) string {
	if a.Duplicate {
		return "duplicate"
	}
	return "stored"
}

func (p *Publisher) store(ctx context.Context, topic string, messages []*message.Message) ([]Ack, error) {
	stream, ok := p.bus.topics.stream(topic)
	if !ok {
		return nil, fmt.Errorf("no such topic")
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, publishTimeout)
		defer cancel()
	}
	outgoing := make([]*nats.Msg, len(messages))
	for i, m := range messages {
		out, err := toNATS(topic, stream.CachedInfo().Config.Name, m)
		if err != nil {
			return nil, err
		}
		outgoing[i] = out
	}
	return p.insist(ctx, outgoing)
}

// insist sends the messages until all are acknowledged, ctx ends, or an error comes that a repeat cannot mend. Between two
// leaders of a stream nobody answers, or the answer is lost; the stream recognises what it has stored already.
func (p *Publisher) insist(ctx context.Context, outgoing []*nats.Msg) ([]Ack, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, repeatAfter)
		acks, err := p.once(attempt, outgoing)
		cancel()
		if err == nil || ctx.Err() != nil || !isPassing(err) {
			return acks, err
		}
		select {
		case <-time.After(repeatPause):
		case <-ctx.Done():
			return acks, err
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

func (p *Publisher) once(ctx context.Context, outgoing []*nats.Msg) ([]Ack, error) {
	futures := make([]jetstream.PubAckFuture, 0, len(outgoing))
	for _, out := range outgoing {
		future, err := p.send(ctx, out)
		if err != nil {
			return p.await(ctx, futures, err)
		}
		futures = append(futures, future)
	}
	return p.await(ctx, futures, nil)
}

// send hands one message to the pipeline, once there is a place in it. The place is given back when the message is
// acknowledged, refused, or given up by the client, whether or not anybody still waits for it.
func (p *Publisher) send(ctx context.Context, m *nats.Msg) (jetstream.PubAckFuture, error) {
	if !p.bus.cfg.Conn.IsConnected() {
		return nil, ErrNotConnected
	}
	select {
	case p.bus.pending <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a place among %d unacknowledged messages: %w", maxPending, ctx.Err())
	}
	future, err := p.bus.js.PublishMsgAsync(m)
	if err != nil {
		<-p.bus.pending
		if errors.Is(err, nats.ErrMaxPayload) {
			return nil, fmt.Errorf("%w: %d bytes exceed the server's limit of %d", ErrTooLarge, m.Size(), p.bus.cfg.Conn.MaxPayload())
		}
		return nil, err
	}
	return future, nil
}

// await waits for the acknowledgements of all that was sent and returns failed, or else the first error among them.
func (p *Publisher) await(ctx context.Context, futures []jetstream.PubAckFuture, failed error) ([]Ack, error) {
	acks := make([]Ack, 0, len(futures))
	for _, f := range futures {
		select {
		case a := <-f.Ok():
			acks = append(acks, Ack{Sequence: a.Sequence, Duplicate: a.Duplicate})
		case err := <-f.Err():
			if failed == nil {
				failed = explain(err)
			}
		case <-ctx.Done():
			if failed == nil {
				failed = fmt.Errorf("no acknowledgement in time: %w", ctx.Err())
			}
		}
	}
	return acks, failed
}

func explain(err error) error {
	if isFull(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("no stream takes this subject, or its server is away: %w", err)
	}
	if errors.Is(err, nats.ErrDisconnected) {
		return fmt.Errorf("%w: %w", ErrNotConnected, err)
	}
	return err
}
