// Package query answers the questions that bots ask about a platform, since bots hold no credentials: over NATS requests,
// from a short memory or from the platform.
package query

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// lookTimeout bounds one call of a platform, whoever waits for it.
const lookTimeout = 5 * time.Second

// How long an answer counts, and how many are remembered.
const (
	memberTTL  = time.Minute
	absentTTL  = 10 * time.Second
	maxEntries = 10_000
)

// Config is what a Desk needs.
type Config struct {
	Bus         *bus.Bus
	Connections map[event.ConnectionID]relay.Members
	// Version is the program's version, shown to the tools of NATS; it must be a semantic version.
	Version string
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Desk answers questions.
type Desk struct {
	cfg    Config
	flight singleflight.Group

	mu    sync.Mutex
	known map[event.MembershipQuery]entry
}

type entry struct {
	member bool
	until  time.Time
}

// New returns a desk that has yet to open.
func New(cfg Config) *Desk {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Desk{cfg: cfg, known: make(map[event.MembershipQuery]entry)}
}

// Open answers questions until the returned function is called or ctx ends.
func (d *Desk) Open(ctx context.Context) (stop func() error, err error) {
	shut, err := d.cfg.Bus.Answer(ctx, d.cfg.Version, bus.Answers{
		Connections: slices.Sorted(maps.Keys(d.cfg.Connections)),
		Member:      d.Member,
	})
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	detach := context.AfterFunc(ctx, func() { _ = shut() }) // whoever calls stop is told the error again
	return func() error {
		detach()
		return shut()
	}, nil
}

// Member answers from memory, or else asks the platform; those who ask the same at the same time share one call. A failed
// look-up is not remembered.
func (d *Desk) Member(ctx context.Context, q event.MembershipQuery) (bool, error) {
	if e, ok := d.recall(q); ok {
		return e.member, nil
	}
	platform, ok := d.cfg.Connections[q.Connection]
	if !ok {
		return false, fmt.Errorf("query: connection %q is not configured", q.Connection)
	}
	answer := d.flight.DoChan(fmt.Sprintf("%q", q), func() (any, error) {
		return d.look(context.WithoutCancel(ctx), platform, q) // others wait for it when this asker has gone
	})
	var r singleflight.Result
	select {
	case r = <-answer:
	case <-ctx.Done():
		r.Err = ctx.Err()
	}
	if r.Err != nil {
		return false, fmt.Errorf("query: member of %s: %w", q.Conversation, r.Err)
	}
	yes, _ := r.Val.(bool)
	return yes, nil
}

// look asks the platform, and remembers what it answers.
func (d *Desk) look(ctx context.Context, platform relay.Members, q event.MembershipQuery) (yes bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			yes, err = false, fmt.Errorf("the platform panicked: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if yes, err = platform.Member(ctx, q); err == nil {
		d.remember(q, yes)
	}
	return yes, err
}

func (d *Desk) recall(q event.MembershipQuery) (entry, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.known[q]
	return e, ok && d.cfg.Now().Before(e.until)
}

func (d *Desk) remember(q event.MembershipQuery, member bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.cfg.Now()
	if len(d.known) >= maxEntries {
		maps.DeleteFunc(d.known, func(_ event.MembershipQuery, e entry) bool { return !now.Before(e.until) })
	}
	if len(d.known) >= maxEntries {
		clear(d.known)
	}
	ttl := absentTTL
	if member {
		ttl = memberTTL
	}
	d.known[q] = entry{member, now.Add(ttl)}
}
