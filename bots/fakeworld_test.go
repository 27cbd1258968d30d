package bots

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// fakeWorld is a world of functions, with a memory.
type fakeWorld struct {
	member func(context.Context, event.MembershipQuery) (bool, error)
	store  func([]event.Action) error

	mu       sync.Mutex
	values   map[string][]byte
	written  map[string]uint64
	revision uint64
}

// everywhere is where everybody belongs.
func everywhere() *fakeWorld { return asking(nil) }

// asking is a world whose memberships are told by a function.
func asking(member func(context.Context, event.MembershipQuery) (bool, error)) *fakeWorld {
	return &fakeWorld{member: member, values: make(map[string][]byte), written: make(map[string]uint64)}
}

func (w *fakeWorld) Member(ctx context.Context, q event.MembershipQuery) (bool, error) {
	if w.member == nil {
		return true, nil
	}
	return w.member(ctx, q)
}

func (w *fakeWorld) Thread(context.Context, event.HistoryQuery) (event.HistoryAnswer, error) {
	return event.HistoryAnswer{}, nil
}

func (w *fakeWorld) Store(_ context.Context, actions []event.Action) error { return w.store(actions) }

func (w *fakeWorld) Now() time.Time { return time.Now() }

func (w *fakeWorld) Memory(context.Context) (Memory, error) { return w, nil }

func (w *fakeWorld) Get(_ context.Context, key string) ([]byte, uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.values[key], w.written[key], nil
}

func (w *fakeWorld) Swap(_ context.Context, key string, data []byte, revision uint64, _ time.Duration) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.written[key] != revision {
		return 0, fmt.Errorf("%w: %s", ErrConflict, key)
	}
	w.revision++
	w.values[key], w.written[key] = data, w.revision
	return w.revision, nil
}

func (w *fakeWorld) Remove(_ context.Context, key string, revision uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if revision != 0 && w.written[key] != revision {
		return fmt.Errorf("%w: %s", ErrConflict, key)
	}
	delete(w.values, key)
	delete(w.written, key)
	return nil
}
