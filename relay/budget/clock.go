package budget

import (
	"context"
	"time"
)

// lookAtClock measures how far the server's clock is from this one: a value is written, and read back with the time at which
// the server stored it. It costs a write at the start, and then one a minute while a limit is known.
func (b *Budget) lookAtClock(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*saveTimeout)
	defer cancel()
	sent := time.Since(b.started)
	revision, err := b.cfg.State.Put(ctx, b.keys.clock, nil, 2*time.Second)
	stored := time.Since(b.started)
	if err != nil || stored-sent > maxOdds {
		return
	}
	v, err := b.cfg.State.Get(ctx, b.keys.clock)
	if err != nil || v.Revision != revision {
		return
	}
	b.setClock(v.Created.Sub(b.epoch.Add(sent + (stored-sent)/2)))
}

// setClock sets the distance of the server's clock. What is to happen at some time happens neither earlier nor later for that.
func (b *Budget) setClock(offset time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	by := offset - b.offset
	b.offset = offset
	for _, g := range b.groups {
		g.paused, g.episode.until = g.paused.Add(by), g.episode.until.Add(by)
	}
	for _, w := range b.waiters {
		w.since, w.due = w.since.Add(by), w.due.Add(by)
		for _, s := range w.seats {
			s.due = w.due
		}
	}
}
