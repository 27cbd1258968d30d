package budget

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

const (
	// readEach is how often the record of what was learned is read while the connection is busy.
	readEach = 2 * time.Second
	// clockEach is how often the server's clock is looked at.
	clockEach = time.Minute
	// maxOdds is the longest round trip that tells the server's time.
	maxOdds = time.Second
	// parting bounds what is written down at the end.
	parting = time.Second
)

// Running is closed once what earlier processes have learned is known, or cannot be read at the moment.
func (b *Budget) Running() <-chan struct{} { return b.running }

// Run shares what is learned with other instances until ctx ends. It is called once, and never fails: what cannot be shared
// stays with this instance until it can.
func (b *Budget) Run(ctx context.Context) error {
	if b.cfg.State == nil {
		close(b.running)
		<-ctx.Done()
		return nil
	}
	b.lookAtClock(ctx)
	b.read(ctx)
	close(b.running)
	tick := time.NewTicker(readEach)
	defer tick.Stop()
	looked, written := time.Now(), true
	for {
		select {
		case <-tick.C:
			if b.wasBusy() {
				b.read(ctx)
			}
			if !written {
				written = b.write(ctx)
			}
			if time.Since(looked) >= clockEach && b.limited() {
				looked = time.Now()
				b.lookAtClock(ctx)
			}
		case <-b.changed:
			written = b.write(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
			defer cancel()
			b.write(last)
			return nil
		}
	}
}

// limited reports whether any limit is known.
func (b *Budget) limited() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.facts)+len(b.cfg.Configured) > 0
}

// wasBusy reports whether anything was asked since it was called last.
func (b *Budget) wasBusy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	busy := b.busy
	b.busy = false
	return busy
}

// write writes down what was learned, and the calls that nobody else would write down. It returns false if that has to be done
// again.
func (b *Budget) write(ctx context.Context) bool {
	b.mu.Lock()
	pauses := b.pauses
	b.pauses = make(map[relay.Group]time.Time)
	facts := maps.Clone(b.facts)
	groups := b.unsaved
	b.unsaved = make(map[*group]bool)
	now := b.now()
	b.mu.Unlock()
	saved := b.saveAll(ctx, groups)
	if len(facts) == 0 && len(pauses) == 0 {
		return saved
	}
	limit, cancel := context.WithTimeout(ctx, 2*saveTimeout)
	defer cancel()
	_, err := b.cfg.State.Edit(limit, b.keys.facts, func(old []byte) ([]byte, error) {
		return json.Marshal(merged(old, facts, pauses, now))
	})
	if err == nil {
		return saved
	}
	b.cfg.Log.Debug("what was learned about rate limits cannot be written down", "connection", b.cfg.Connection, "error", err)
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, until := range pauses {
		if until.After(b.pauses[id]) {
			b.pauses[id] = until
		}
	}
	return false
}

// saveAll saves groups. It returns false if that has to be done again.
func (b *Budget) saveAll(ctx context.Context, groups map[*group]bool) bool {
	for g := range groups {
		err := b.save(ctx, g, want{})
		if err == nil {
			delete(groups, g)
			continue
		}
		b.fail(ctx, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.Copy(b.unsaved, groups)
	return len(groups) == 0
}
