package query

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// memory remembers answers for a short while, and has those who ask the same at the same time share one call.
type memory[Q comparable, A any] struct {
	now    func() time.Time
	most   int
	flight singleflight.Group

	mu    sync.Mutex
	known map[Q]entry[A]
}

type entry[A any] struct {
	answer A
	until  time.Time
}

func newMemory[Q comparable, A any](now func() time.Time, most int) *memory[Q, A] {
	return &memory[Q, A]{now: now, most: most, known: make(map[Q]entry[A])}
}

// look finds an answer out, and says how long it counts.
type look[Q, A any] func(ctx context.Context, q Q) (A, time.Duration, error)

// ask answers from memory, or by a look. A look that fails is not remembered. The answer is shared, and must not be changed.
func (m *memory[Q, A]) ask(ctx context.Context, q Q, find look[Q, A]) (A, error) {
	if e, ok := m.recall(q); ok {
		return e.answer, nil
	}
	answer := m.flight.DoChan(fmt.Sprintf("%#v", q), func() (any, error) {
		return m.find(context.WithoutCancel(ctx), q, find) // others wait for it when this asker has gone
	})
	var r singleflight.Result
	select {
	case r = <-answer:
	case <-ctx.Done():
		r.Err = ctx.Err()
	}
	a, _ := r.Val.(A)
	return a, r.Err
}

func (m *memory[Q, A]) find(ctx context.Context, q Q, find look[Q, A]) (a A, err error) {
	defer func() {
		if p := recover(); p != nil {
			var none A
			a, err = none, fmt.Errorf("the platform panicked: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	a, ttl, err := find(ctx, q)
	if err != nil {
		var none A
		return none, err
	}
	m.remember(q, a, ttl)
	return a, nil
}

func (m *memory[Q, A]) recall(q Q) (entry[A], bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.known[q]
	return e, ok && m.now().Before(e.until)
}

func (m *memory[Q, A]) remember(q Q, a A, ttl time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if len(m.known) >= m.most {
		maps.DeleteFunc(m.known, func(_ Q, e entry[A]) bool { return !now.Before(e.until) })
	}
	if len(m.known) >= m.most {
		clear(m.known)
	}
	m.known[q] = entry[A]{a, now.Add(ttl)}
}
