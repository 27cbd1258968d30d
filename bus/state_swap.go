package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	// stateTimeout bounds an operation whose context has no deadline.
	stateTimeout = 10 * time.Second
	// swapTimeout bounds one request of an operation, unless a lease wants it sooner. One that was under way when the connection
	// broke is never answered.
	swapTimeout = 2 * time.Second
	// createAttempts bounds how often a key can change between absent and deleted under a Create.
	createAttempts = 8
)

// swap publishes m if the newest message of its subject is the given revision (0: there is none), and returns the new
// revision. nats.go's KeyValue does not do: its Update takes no time to live and no header.
//
// When no answer comes, it looks for its own message and tries again, which is safe because the same revision is expected:
// the message is stored once or not at all.
func (s *State) swap(ctx context.Context, m *nats.Msg, revision uint64) (uint64, error) {
	id := nuid.Next()
	m.Header.Set(stateWrite, id)
	for wait, first := 10*time.Millisecond, true; ; wait, first = min(2*wait, time.Second), false {
		written, err := s.publish(ctx, m, jetstream.WithExpectLastSequencePerSubject(revision))
		if err == nil {
			return written, nil
		}
		if first && isRefused(err) { // no earlier attempt can have been stored
			return 0, refusal(err)
		}
		have, readErr := s.read(ctx, m.Subject)
		switch {
		case readErr == nil && have.write == id:
			return have.Revision, nil
		case readErr == nil && have.Revision != revision:
			return 0, fmt.Errorf("%w: revision %d is there", ErrUnknownOutcome, have.Revision)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return 0, fmt.Errorf("%w: %w (last error: %w)", ErrUnknownOutcome, ctx.Err(), err)
		}
	}
}

// create is swap for a key that has no value, which may yet have the trace of one. It leaves the trap that an expected
// revision of 0 is refused on a deleted key.
func (s *State) create(ctx context.Context, m *nats.Msg) (uint64, error) {
	var expected uint64
	for range createAttempts {
		written, err := s.swap(ctx, m, expected)
		if !errors.Is(err, ErrConflict) {
			return written, err
		}
		have, err := s.read(ctx, m.Subject)
		if err != nil {
			return 0, err
		}
		if have.live {
			break
		}
		expected = have.Revision
	}
	return 0, ErrConflict
}

func (s *State) publish(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) (uint64, error) {
	if !s.conn.IsConnected() { // or else the client would keep it and send it at some later time
		return 0, ErrNotConnected
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, m, opts...)
	if errors.Is(err, nats.ErrMaxPayload) {
		return 0, fmt.Errorf("%w: %d bytes exceed the server's limit of %d", ErrTooLarge, m.Size(), s.conn.MaxPayload())
	}
	if isFull(err) {
		return 0, fmt.Errorf("%w: %w", ErrFull, err)
	}
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// isRefused reports whether an error says for certain that the message was not stored.
func isRefused(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) || errors.Is(err, ErrNotConnected) || errors.Is(err, ErrTooLarge) ||
		errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrConnectionClosed)
}

// refusal tells a conflict, whichever code the server has for it (10071, or 10164 with replicas), from other refusals.
func refusal(err error) error {
	if isWrongLast(err) || isConflict(err) {
		return ErrConflict
	}
	return err
}

// bounded gives ctx a deadline if it has none.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, stateTimeout)
}
