package budget

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus"
)

// memory is a bucket in memory with the server's own clock. Operations take a while, and fail while it is down.
type memory struct {
	way  time.Duration
	skew time.Duration // of its clock

	mu       sync.Mutex
	values   map[string]bus.Value
	revision uint64
	writes   map[string]int
	down     bool
}

func newMemory(way, skew time.Duration) *memory {
	return &memory{way: way, skew: skew, values: make(map[string]bus.Value), writes: make(map[string]int)}
}

var errDown = errors.New("the store is down")

// visit is the way to the store and back, with what is done there.
func (m *memory) visit(ctx context.Context, do func() error) error {
	if !pause(ctx, rand.N(m.way+1)) {
		return ctx.Err()
	}
	m.mu.Lock()
	if m.down {
		m.mu.Unlock()
		<-ctx.Done()
		return errors.Join(errDown, ctx.Err())
	}
	err := do()
	m.mu.Unlock()
	if !pause(ctx, rand.N(m.way+1)) {
		return ctx.Err()
	}
	return err
}

func (m *memory) live(key string) (bus.Value, bool) {
	v, ok := m.values[key]
	return v, ok && (v.TTL == 0 || time.Since(v.Created)+m.skew < v.TTL)
}

func (m *memory) put(key string, data []byte, ttl time.Duration) uint64 {
	m.revision++
	m.writes[key]++
	m.values[key] = bus.Value{Data: data, Revision: m.revision, Created: time.Now().Add(m.skew), TTL: ttl}
	return m.revision
}

func (m *memory) Get(ctx context.Context, key string) (v bus.Value, err error) {
	err = m.visit(ctx, func() error {
		found, ok := m.live(key)
		if !ok {
			return bus.ErrNoState
		}
		v = found
		return nil
	})
	return v, err
}

func (m *memory) Put(ctx context.Context, key string, data []byte, ttl time.Duration) (revision uint64, err error) {
	err = m.visit(ctx, func() error {
		revision = m.put(key, data, ttl)
		return nil
	})
	return revision, err
}

func (m *memory) Update(ctx context.Context, key string, c bus.Change) (revision uint64, err error) {
	err = m.visit(ctx, func() error {
		v, ok := m.live(key)
		if ok && v.Revision != c.Revision || !ok && c.Revision != 0 {
			return bus.ErrConflict
		}
		revision = m.put(key, c.Data, c.TTL)
		return nil
	})
	return revision, err
}

func (m *memory) Edit(ctx context.Context, key string, edit func(old []byte) ([]byte, error)) (revision uint64, err error) {
	err = m.visit(ctx, func() error {
		v, _ := m.live(key)
		data, err := edit(v.Data)
		if err == nil {
			revision = m.put(key, data, 0)
		}
		return err
	})
	return revision, err
}

// setDown has the store answer nobody, or everybody again.
func (m *memory) setDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// written counts the writes of a key.
func (m *memory) written(key string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes[key]
}

// start runs a budget until the returned function is called.
func start(b *Budget) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		_ = b.Run(ctx)
		close(ended)
	}()
	<-b.Running()
	return func() {
		cancel()
		<-ended
	}
}
