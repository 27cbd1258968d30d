package bus

import (
	"context"
	"errors"
	"sync"
	"time"
)

// tenure is one instance's time as the holder of a lease.
type tenure struct {
	state   *State
	subject string
	ttl     time.Duration
	record  leaseRecord

	fence    uint64
	revision uint64
	sent     time.Time // just before the last write that succeeded was sent
}

// limit is how long after sending a write that succeeded the holder may go on.
func (t *tenure) limit() time.Duration { return t.ttl * 3 / 4 }

// write stores the record on top of the given revision.
func (t *tenure) write(ctx context.Context, revision uint64) error {
	v, err := t.record.value()
	if err != nil {
		return err
	}
	sent := time.Now()
	written, err := t.state.store(ctx, t.subject, revision, v)
	if err != nil {
		return err
	}
	t.revision, t.sent = written, sent
	return nil
}

// hold calls fn while the lease is held, and then gives it back. lost tells that fn was stopped because the lease was lost.
func (t *tenure) hold(ctx context.Context, fn func(context.Context, uint64) error) (lost bool, err error) {
	held, cancel := context.WithCancelCause(ctx)
	// The limit is kept by a timer of its own, since a write may hang.
	limit := time.AfterFunc(time.Until(t.sent.Add(t.limit())), func() { cancel(ErrLeaseLost) })
	var renewing sync.WaitGroup
	renewing.Go(func() {
		if !t.renew(held, limit) {
			cancel(ErrLeaseLost)
		}
	})
	defer func() { // also if fn panics
		lost = errors.Is(context.Cause(held), ErrLeaseLost)
		limit.Stop()
		cancel(nil)
		renewing.Wait()
		t.release(context.WithoutCancel(ctx))
	}()
	return false, fn(held, t.fence)
}

// renew writes the record every third of the TTL until ctx ends, and puts the limit off each time. It returns false if the
// lease is lost.
func (t *tenure) renew(ctx context.Context, limit *time.Timer) bool {
	for wait := t.ttl / 3; ; {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return true
		}
		attempt, cancel := context.WithTimeout(ctx, t.ttl/4)
		err := t.extend(attempt)
		cancel()
		switch {
		case err == nil && !limit.Stop():
			return ctx.Err() != nil // the limit came first
		case err == nil:
			limit.Reset(time.Until(t.sent.Add(t.limit())))
			wait = t.ttl / 3
		case errors.Is(err, ErrLeaseLost):
			return false
		default:
			wait = t.ttl / 20
		}
	}
}

// extend writes the record anew. It returns ErrLeaseLost only if the record is not this tenure's any more.
func (t *tenure) extend(ctx context.Context) error {
	err := t.write(ctx, t.revision)
	if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrUnknownOutcome) {
		return err
	}
	ours, readErr := t.current(ctx)
	switch {
	case readErr != nil:
		return readErr
	case !ours:
		return ErrLeaseLost
	}
	return err // an earlier write of ours, whose answer got lost: the next one goes on top of it
}

// release gives the lease back, unless it is somebody else's by now. If that fails, the others wait for the TTL.
func (t *tenure) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, min(leaseTimeout, t.ttl))
	defer cancel()
	mine := t.record.Session
	for {
		t.record.Session = ""
		err := t.write(ctx, t.revision)
		if err == nil {
			return
		}
		t.record.Session = mine
		if ours, err := t.current(ctx); err != nil || !ours {
			return
		}
	}
}

// current takes the record's revision if the record is this tenure's, and reports whether it is.
func (t *tenure) current(ctx context.Context) (bool, error) {
	have, err := t.state.read(ctx, t.subject)
	if err != nil {
		return false, err
	}
	if !have.live {
		return false, nil
	}
	r, err := parseLease(have.Data)
	if err != nil || r.Session != t.record.Session {
		return false, err
	}
	t.revision = have.Revision
	return true, nil
}
