package bots

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// World is what handlers reach beyond the message in hand: the bus and the relays behind it, or what bots/bottest puts in their
// place.
type World interface {
	// Member tells whether a user belongs to a conversation.
	Member(ctx context.Context, q event.MembershipQuery) (bool, error)
	// Thread returns a page of a thread as its platform has it.
	Thread(ctx context.Context, q event.HistoryQuery) (event.HistoryAnswer, error)
	// Store takes actions, in order. They have left once it returns nil, each of them once however often it is stored.
	Store(ctx context.Context, actions []event.Action) error
	// Memory keeps what bots remember.
	Memory(ctx context.Context) (Memory, error)
	// Now is the time.
	Now() time.Time
}

// Memory keeps values under keys, across restarts and for all instances of a bot.
type Memory interface {
	// Get returns a value and its revision, which is 0 if there is none.
	Get(ctx context.Context, key string) (data []byte, revision uint64, err error)
	// Swap replaces a value if it still has that revision (0: if there is none), and returns the new revision, or else
	// [ErrConflict]. With a ttl over 0 the value is gone after that time, in whole seconds.
	Swap(ctx context.Context, key string, data []byte, revision uint64, ttl time.Duration) (uint64, error)
	// Remove removes a value if it still has that revision, or else returns [ErrConflict]. With revision 0 it removes whatever
	// is there.
	Remove(ctx context.Context, key string, revision uint64) error
}

// ErrConflict means that somebody else has written what was to be replaced. Nothing was stored.
var ErrConflict = errors.New("bots: somebody else wrote in between")

// busWorld is the bus as a World.
type busWorld struct {
	bus   *bus.Bus
	store func(ctx context.Context, topic string, m ...*message.Message) ([]bus.Ack, error)

	mu     sync.Mutex
	memory *busMemory
}

// NewWorld returns the world of bots that run on a bus.
func NewWorld(b *bus.Bus) World { return &busWorld{bus: b, store: b.Publisher().Store} }

func (w *busWorld) Member(ctx context.Context, q event.MembershipQuery) (bool, error) {
	return w.bus.AskMember(ctx, q)
}

func (w *busWorld) Thread(ctx context.Context, q event.HistoryQuery) (event.HistoryAnswer, error) {
	return w.bus.AskThread(ctx, q)
}

func (w *busWorld) Now() time.Time { return time.Now() }

func (w *busWorld) Store(ctx context.Context, actions []event.Action) error {
	out, err := letters(actions)
	if err != nil || len(out) == 0 {
		return err
	}
	_, err = w.store(ctx, bus.Actions, out...)
	return err
}

// letters makes actions ready to be published. If one of them cannot travel, none does.
func letters(actions []event.Action) ([]*message.Message, error) {
	var out []*message.Message
	for _, a := range actions {
		m, err := bus.ActionMessage(a)
		if err != nil {
			return nil, Permanent(fmt.Errorf("bots: %s: %w", a.Bot, err))
		}
		out = append(out, m)
	}
	return out, nil
}

func (w *busWorld) Memory(ctx context.Context) (Memory, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.memory == nil {
		state, err := w.bus.State(ctx, bus.BotState)
		if err != nil {
			return nil, fmt.Errorf("bots: memory: %w", err)
		}
		w.memory = &busMemory{state}
	}
	return w.memory, nil
}

// busMemory is a bucket as a Memory.
type busMemory struct{ state *bus.State }

func (m *busMemory) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	v, err := m.state.Get(ctx, key)
	if errors.Is(err, bus.ErrNoState) {
		return nil, 0, nil
	}
	return v.Data, v.Revision, err
}

func (m *busMemory) Swap(ctx context.Context, key string, data []byte, revision uint64, ttl time.Duration) (uint64, error) {
	revision, err := m.state.Update(ctx, key, bus.Change{Data: data, Revision: revision, TTL: ttl})
	return revision, conflict(err)
}

func (m *busMemory) Remove(ctx context.Context, key string, revision uint64) error {
	return conflict(m.state.Delete(ctx, key, revision))
}

func conflict(err error) error {
	if errors.Is(err, bus.ErrConflict) {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return err
}
