package budget

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay"
)

// knowledge is the record of what was learned about a connection.
type knowledge struct {
	Limits []known   `json:"limits,omitempty"`
	Pauses []resting `json:"pauses,omitempty"`
}

// known is a fact and what it is about.
type known struct {
	Scope string `json:"scope"`
	Key   string `json:"key,omitempty"`
	fact
}

// resting is a group that waits.
type resting struct {
	Scope string    `json:"scope"`
	Key   string    `json:"key,omitempty"`
	Until time.Time `json:"until"`
}

// read takes over what others have learned.
func (b *Budget) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*saveTimeout)
	defer cancel()
	v, err := b.cfg.State.Get(ctx, b.keys.facts)
	var k knowledge
	if errors.Is(err, bus.ErrNoState) {
		err = nil
	} else if err == nil {
		err = json.Unmarshal(v.Data, &k)
	}
	if err != nil {
		b.cfg.Log.Debug("what was learned about rate limits cannot be read", "connection", b.cfg.Connection, "error", err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offline = time.Time{}
	b.accept(k)
}

// accept takes over what is newer than what is known.
func (b *Budget) accept(k knowledge) {
	now := b.now()
	for _, l := range k.Limits {
		id := relay.Group{Scope: l.Scope, Key: l.Key}
		own, ok := b.facts[id]
		if ok && !l.Seen.After(own.Seen) || now.Sub(l.Seen) > factAge || l.N < 1 || l.Per <= 0 {
			continue
		}
		b.facts[id] = l.fact
		if !ok || own.N != l.N || own.Per != l.Per {
			b.version++
		}
	}
	for _, p := range k.Pauses {
		if d := p.Until.Sub(now); d > 0 {
			g := b.group(relay.Group{Scope: p.Scope, Key: p.Key}, now)
			if until := now.Add(min(d, maxPause)); until.After(g.paused) {
				g.paused = until
			}
		}
	}
	for id, f := range b.facts {
		if now.Sub(f.Seen) > factAge {
			delete(b.facts, id)
			b.version++
		}
	}
}

// merged is a record with what this instance knows put in, and what is over left out. One that cannot be read is begun anew.
func merged(old []byte, facts map[relay.Group]fact, pauses map[relay.Group]time.Time, now time.Time) knowledge {
	var k knowledge
	if json.Unmarshal(old, &k) != nil {
		k = knowledge{}
	}
	all, rest := make(map[relay.Group]fact), make(map[relay.Group]time.Time)
	for _, l := range k.Limits {
		all[relay.Group{Scope: l.Scope, Key: l.Key}] = l.fact
	}
	for id, f := range facts {
		if f.Seen.After(all[id].Seen) {
			all[id] = f
		}
	}
	for _, p := range k.Pauses {
		rest[relay.Group{Scope: p.Scope, Key: p.Key}] = p.Until
	}
	for id, until := range pauses {
		if until.After(rest[id]) {
			rest[id] = until
		}
	}
	k = knowledge{}
	for id, f := range all {
		if now.Sub(f.Seen) <= factAge {
			k.Limits = append(k.Limits, known{id.Scope, id.Key, f})
		}
	}
	for id, until := range rest {
		if until.After(now) {
			k.Pauses = append(k.Pauses, resting{id.Scope, id.Key, until})
		}
	}
	return k
}
