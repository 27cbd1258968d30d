package bus

import (
	"context"
	"time"
)

// A release waits for a good moment: when no handler has been running for longer than a twentieth of the TTL, but not later
// than after eight tenths of it. The partition's threads then wait little between two owners. Handlers that still run a
// whole TTL after the release was asked for are told to end, and are not waited for any longer after another tenth.
func calmTime(ttl time.Duration) time.Duration     { return ttl / 20 }
func calmWait(ttl time.Duration) time.Duration     { return ttl * 8 / 10 }
func releaseLimit(ttl time.Duration) time.Duration { return ttl }
func forsakeLimit(ttl time.Duration) time.Duration { return ttl * 11 / 10 }

// owner is what a partition knows of its own ownership.
type owner struct {
	trusted func() bool

	lapsed   bool // it was not trusted for a while, and handlers were told to end
	regained bool // it is again, which the commit under way has to confirm
	closing  bool // nothing more is started: the partition is given up
	forsake  bool // handlers that still run are not waited for
	asked    time.Time
}

// mayStart reports whether handlers may be started: the partition is ours beyond doubt.
func (o *owner) mayStart() bool { return !o.lapsed && o.trusted() }

// close has nothing more started: the partition is to be given up as soon as no handler runs.
func (p *partition) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owner.closing = true
}

// askRelease has the partition given up at a good moment.
func (p *partition) askRelease() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owner.asked = time.Now()
}

// watchOwnership tells handlers to end when the partition may not be ours any more, makes sure of it when it seems to be
// again, and picks the moment of a release that was asked for.
func (p *partition) watchOwnership(ctx context.Context) {
	o := &p.owner
	switch trusted := o.trusted(); {
	case !trusted && !o.lapsed:
		o.lapsed, o.regained = true, false
		p.endWork()
		p.sub.log.Debug("handlers are told to end", "partition", p.number)
	case trusted && o.lapsed && !o.regained && !p.committing:
		o.regained = true // whoever took it over meanwhile has changed the record: the next commit tells
		p.work, p.endWork = context.WithCancel(ctx)
		p.dirty, p.gathered = true, true
		p.maybeCommit()
	case trusted && !o.lapsed:
		p.unpark() // what was not started in a moment of doubt
	}
	if o.asked.IsZero() {
		return
	}
	ttl, waited := p.sub.bus.cfg.LeaseTTL, time.Since(o.asked)
	if !o.closing && (p.calm(ttl) || waited > calmWait(ttl)) {
		o.closing = true
	}
	if waited > releaseLimit(ttl) {
		p.endWork()
	}
	o.forsake = waited > forsakeLimit(ttl)
}

// calm reports whether no handler has been running for long.
func (p *partition) calm(ttl time.Duration) bool {
	now := time.Now()
	for _, l := range p.lanes {
		if l.state == laneRunning && now.Sub(l.began) > calmTime(ttl) {
			return false
		}
	}
	return true
}
