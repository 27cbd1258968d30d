package bots

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Scope is what a bot remembers something about. Different bots never see each other's memory.
type Scope struct {
	world World
	key   string
}

// Memory is what the bot remembers about the thread.
func (t *Thread) Memory() Scope {
	return t.scope("thread", string(t.Ref.Connection), string(t.Ref.Conversation), string(t.Ref.Root))
}

// SenderMemory is what the bot remembers about the message's sender, wherever it says something by this connection.
func (m *Message) SenderMemory() Scope {
	return m.Thread.scope("user", string(m.Event.Thread.Connection), string(m.Sender.ID))
}

// BotMemory is what the bot remembers about the world.
func (m *Message) BotMemory() Scope { return m.Thread.scope("bot") }

func (t *Thread) scope(parts ...string) Scope {
	return Scope{world: t.out.world, key: memoryKey(append([]string{t.out.bot.name}, parts...)...)}
}

// memoryKey joins parts that may hold any characters, so that different parts never make the same key.
func memoryKey(parts ...string) string {
	escape := strings.NewReplacer("%", "%25", "/", "%2F")
	for i, p := range parts {
		parts[i] = escape.Replace(p)
	}
	return strings.Join(parts, "/")
}

// Cell is one value that a bot remembers, as JSON. It is the same for all instances of the bot, and outlives them.
//
// What is written stays even if the handler fails afterwards and runs again: a handler has to bear that it finds what it wrote
// itself.
type Cell[T any] struct {
	scope Scope
	key   string
	ttl   time.Duration
}

// State names a value within a scope.
func State[T any](s Scope, name string) Cell[T] {
	return Cell[T]{scope: s, key: s.key + "/" + memoryKey("state", name)}
}

// For is the same value, which is gone when nothing was written to it for so long. Whole seconds count.
func (c Cell[T]) For(ttl time.Duration) Cell[T] {
	c.ttl = ttl
	return c
}

// Get returns the value and its revision. If there is none, it is T's zero value with revision 0.
func (c Cell[T]) Get(ctx context.Context) (value T, revision uint64, err error) {
	memory, err := c.scope.world.Memory(ctx)
	if err != nil {
		return value, 0, err
	}
	data, revision, err := memory.Get(ctx, c.key)
	if err != nil {
		return value, 0, fmt.Errorf("bots: %w", err)
	}
	if revision == 0 {
		return value, 0, nil
	}
	if err := json.Unmarshal(data, &value); err != nil {
		return value, 0, fmt.Errorf("bots: state %s: %w", c.key, err)
	}
	return value, revision, nil
}

// Set replaces the value if it still has that revision (0: if there is none), and returns the new revision, or else
// [ErrConflict].
func (c Cell[T]) Set(ctx context.Context, value T, revision uint64) (uint64, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return 0, Permanent(fmt.Errorf("bots: state %s: %w", c.key, err))
	}
	memory, err := c.scope.world.Memory(ctx)
	if err != nil {
		return 0, err
	}
	revision, err = memory.Swap(ctx, c.key, data, revision, c.ttl)
	if err != nil {
		return 0, fmt.Errorf("bots: %w", err)
	}
	return revision, nil
}

// updateAttempts bounds the repetitions of an Update that others get ahead of.
const updateAttempts = 50

// Update replaces the value by what change makes of it, and returns that. If somebody else writes in between, change is called
// again with what was written. An error of change ends it, and nothing is stored.
func (c Cell[T]) Update(ctx context.Context, change func(T) (T, error)) (T, error) {
	var none T
	for n := range updateAttempts {
		value, revision, err := c.Get(ctx)
		if err != nil {
			return none, err
		}
		if value, err = change(value); err != nil {
			return none, err
		}
		if _, err = c.Set(ctx, value, revision); !errors.Is(err, ErrConflict) {
			return value, err
		}
		select {
		case <-time.After(rand.N(time.Millisecond << min(n, 6))): //nolint:gosec // spreads retries, guards nothing
		case <-ctx.Done():
			return none, ctx.Err()
		}
	}
	return none, fmt.Errorf("bots: state %s: %w, %d times", c.key, ErrConflict, updateAttempts)
}

// Forget removes the value, whatever it is.
func (c Cell[T]) Forget(ctx context.Context) error {
	memory, err := c.scope.world.Memory(ctx)
	if err != nil {
		return err
	}
	if err := memory.Remove(ctx, c.key, 0); err != nil {
		return fmt.Errorf("bots: %w", err)
	}
	return nil
}
