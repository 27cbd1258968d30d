package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Get returns the newest value of a key, or [ErrNoState].
func (s *State) Get(ctx context.Context, key string) (Value, error) {
	subject, err := s.subject(key)
	if err != nil {
		return Value{}, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	e, err := s.read(ctx, subject)
	if err == nil && !e.live {
		err = ErrNoState
	}
	if err != nil {
		return Value{}, s.failed("get", key, err)
	}
	return e.Value, nil
}

// Create stores the first value of a key and returns its revision, or [ErrConflict] if the key has a value. A ttl over 0 is
// rounded up to whole seconds; after it the key is gone, within about a second. 0 keeps it for good.
func (s *State) Create(ctx context.Context, key string, data []byte, ttl time.Duration) (uint64, error) {
	return s.Update(ctx, key, Change{Data: data, TTL: ttl})
}

// Change is what Update writes.
type Change struct {
	Data []byte
	// Revision is the one that the change is based on; 0 if the key must have no value.
	Revision uint64
	// TTL is as with Create. It is the new value's own: what the old one had is forgotten.
	TTL time.Duration
}

// Update replaces the value of a key if it still has the revision that the change is based on, and returns the new revision,
// or [ErrConflict].
func (s *State) Update(ctx context.Context, key string, c Change) (uint64, error) {
	subject, err := s.subject(key)
	if err != nil {
		return 0, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	revision, err := s.store(ctx, subject, c.Revision, Value{Data: c.Data, TTL: c.TTL})
	if err != nil {
		return 0, s.failed("update", key, err)
	}
	return revision, nil
}

// Put stores a value whatever is there and returns its revision. After an error it may be stored or not.
func (s *State) Put(ctx context.Context, key string, data []byte, ttl time.Duration) (uint64, error) {
	subject, err := s.subject(key)
	if err != nil {
		return 0, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	revision, err := s.publish(ctx, Value{Data: data, TTL: ttl}.message(subject))
	if err != nil {
		return 0, s.failed("put", key, err)
	}
	return revision, nil
}

// Delete removes the value of a key if it still has that revision, or else returns [ErrConflict]; with revision 0 it removes
// whatever is there, and nothing is no error. In a full bucket that is an [ErrFull] if the value is smaller than the trace that
// a deletion leaves for a minute: some 60 bytes, and with a revision 150.
func (s *State) Delete(ctx context.Context, key string, revision uint64) error {
	subject, err := s.subject(key)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if revision == 0 {
		_, err = s.publish(ctx, tombstone(subject))
	} else {
		_, err = s.swap(ctx, tombstone(subject), revision)
	}
	if err != nil {
		return s.failed("delete", key, err)
	}
	return nil
}

// editAttempts bounds the repetitions of an Edit that others get ahead of.
const editAttempts = 100

// Edit replaces the value of a key by what edit makes of it, and returns the new revision. No other write is lost: if one
// comes in between, edit is called again with what that one wrote. old is nil if there is no value. An error of edit ends it,
// and nothing is stored. A time to live and a fence stay with the value; the time starts anew.
func (s *State) Edit(ctx context.Context, key string, edit func(old []byte) ([]byte, error)) (uint64, error) {
	return s.edit(ctx, key, 0, edit)
}

// EditFenced is Edit for what only the holder of a [Lease] may write: it is refused with [ErrFenced] once somebody has
// written with a higher fence. fence is what the lease's Run hands over.
//
// A new holder that goes on from what it reads should read by EditFenced with an edit that returns old: from then on the
// holders before it are shut out, and what it has read stays. A key that is fenced should be written in this way alone: Put
// and Update leave the fence out, and with a deleted or expired value it is gone.
func (s *State) EditFenced(ctx context.Context, key string, fence uint64, edit func(old []byte) ([]byte, error)) (uint64, error) {
	if fence == 0 {
		return 0, s.failed("edit", key, errors.New("the fence is 0: it comes from a lease that is held"))
	}
	return s.edit(ctx, key, fence, edit)
}

// PutFenced is EditFenced with a value that does not depend on the old one.
func (s *State) PutFenced(ctx context.Context, key string, data []byte, fence uint64) (uint64, error) {
	return s.EditFenced(ctx, key, fence, func([]byte) ([]byte, error) { return data, nil })
}

func (s *State) edit(ctx context.Context, key string, fence uint64, edit func([]byte) ([]byte, error)) (uint64, error) {
	subject, err := s.subject(key)
	if err != nil {
		return 0, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	for n := range editAttempts {
		var revision uint64
		if revision, err = s.editOnce(ctx, subject, fence, edit); err == nil {
			return revision, nil
		}
		if !errors.Is(err, ErrConflict) {
			break
		}
		wait := time.Millisecond << min(n, 5)
		select {
		case <-time.After(rand.N(wait)): //nolint:gosec // spreads retries, guards nothing
		case <-ctx.Done():
			return 0, s.failed("edit", key, fmt.Errorf("%w: %w", ErrConflict, ctx.Err()))
		}
	}
	return 0, s.failed("edit", key, err)
}

func (s *State) editOnce(ctx context.Context, subject string, fence uint64, edit func([]byte) ([]byte, error)) (uint64, error) {
	have, err := s.read(ctx, subject)
	if err != nil {
		return 0, err
	}
	next := Value{}
	if have.live {
		next = have.Value
	}
	if fence != 0 && next.Fence > fence {
		return 0, fmt.Errorf("%w: its fence is %d, this one's %d", ErrFenced, next.Fence, fence)
	}
	next.Fence = max(next.Fence, fence)
	if next.Data, err = edit(next.Data); err != nil {
		return 0, err
	}
	return s.store(ctx, subject, next.Revision, next)
}

// store writes a value on top of a revision; 0 if there must be no value.
func (s *State) store(ctx context.Context, subject string, revision uint64, v Value) (uint64, error) {
	if v.TTL < 0 {
		return 0, fmt.Errorf("the time to live %s is negative", v.TTL)
	}
	if revision == 0 {
		return s.create(ctx, v.message(subject))
	}
	return s.swap(ctx, v.message(subject), revision)
}

func (s *State) failed(operation, key string, err error) error {
	return fmt.Errorf("bus: state %s: %s %q: %w", s.name, operation, key, err)
}
