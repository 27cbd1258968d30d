// Package query answers the questions that bots ask about a platform, since bots hold no credentials: over NATS requests,
// from a short memory or from the platform.
package query

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// lookTimeout bounds one call of a platform, whoever waits for it. Those who ask wait a little longer by default.
const lookTimeout = 8 * time.Second

// Config is what a Desk needs.
type Config struct {
	Bus *bus.Bus
	// Members and Readers are the platforms that can be asked, by what they can answer.
	Members map[event.ConnectionID]relay.Members
	Readers map[event.ConnectionID]relay.Reader
	// Version is the program's version, shown to the tools of NATS; it must be a semantic version.
	Version string
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Desk answers questions.
type Desk struct {
	cfg           Config
	members       *memory[event.MembershipQuery, bool]
	threads       *memory[event.HistoryQuery, event.HistoryAnswer]
	conversations *memory[event.HistoryQuery, event.HistoryAnswer]
	users         *memory[event.UserQuery, event.User]
}

// New returns a desk that has yet to open.
func New(cfg Config) *Desk {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Desk{
		cfg:           cfg,
		members:       newMemory[event.MembershipQuery, bool](cfg.Now, maxMembers),
		threads:       newMemory[event.HistoryQuery, event.HistoryAnswer](cfg.Now, maxPages),
		conversations: newMemory[event.HistoryQuery, event.HistoryAnswer](cfg.Now, maxPages),
		users:         newMemory[event.UserQuery, event.User](cfg.Now, maxUsers),
	}
}

// Open answers questions until the returned function is called or ctx ends.
func (d *Desk) Open(ctx context.Context) (stop func() error, err error) {
	ids := slices.Concat(slices.Collect(maps.Keys(d.cfg.Members)), slices.Collect(maps.Keys(d.cfg.Readers)))
	slices.Sort(ids)
	shut, err := d.cfg.Bus.Answer(ctx, d.cfg.Version, bus.Answers{
		Connections: slices.Compact(ids), Member: d.Member, Thread: d.Thread, Conversation: d.Conversation, User: d.User,
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

// platform returns who answers about a connection.
func platform[P any](all map[event.ConnectionID]P, id event.ConnectionID) (P, error) {
	p, ok := all[id]
	if !ok {
		return p, &bus.Refusal{Code: bus.RefusedUnsupported, Reason: fmt.Sprintf("connection %q is not configured, or its platform cannot be asked that", id)}
	}
	return p, nil
}

// refused tells the asker what a platform's failure means for the question. gone is the kind by which the platform says that
// there is no such thing.
func refused(what string, err error, gone relay.Kind) error {
	err = fmt.Errorf("query: %s: %w", what, err)
	var f *relay.Failure
	if !errors.As(err, &f) {
		return err
	}
	r := &bus.Refusal{Code: bus.RefusedTemporary, After: f.After, Reason: err.Error()}
	switch f.Kind {
	case gone:
		r.Code = bus.RefusedGone
	case relay.RateLimited:
		r.Code = bus.RefusedRateLimited
	case relay.Denied:
		r.Code = bus.RefusedDenied
	case relay.Rejected:
		r.Code = bus.RefusedRejected
	case relay.Temporary, relay.RootGone:
	}
	return r
}
