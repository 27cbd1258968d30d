package bus

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// touch notes that there is something to commit.
func (p *partition) touch() {
	if !p.dirty {
		p.dirty = true
		p.gather.Reset(gatherTime + time.Duration(len(p.lanes))*gatherPerLane)
	}
}

// maybeCommit starts a commit if there is something to write, no write is under way, and nothing is to be gained by waiting
// for more.
func (p *partition) maybeCommit(ctx context.Context) {
	if !p.dirty || p.committing || !p.gathered && len(p.running) > 0 {
		return
	}
	p.dirty, p.gathered, p.committing = false, false, true
	p.flushing, p.finished = p.finished, p.flushing[:0]
	done, arrears := p.done, p.arrears()
	go func() { p.commits <- p.record.commit(ctx, done, arrears, false) }()
}

// arrears lists the lanes that are not handled up to p.done.
func (p *partition) arrears() []arrear {
	var out []arrear
	for _, l := range p.lanes {
		if l.empty() || l.next > p.done {
			continue
		}
		out = append(out, arrear{Lane: l.subject, Next: l.next, Last: min(l.last, p.done), Attempts: l.attempts, Started: l.started, Since: l.since})
	}
	slices.SortFunc(out, func(a, b arrear) int { return cmp.Compare(a.Next, b.Next) })
	return out
}

// committed lets the lanes go on whose handled heads are on record now.
func (p *partition) committed() {
	p.committing = false
	if p.owner.regained {
		p.owner.lapsed, p.owner.regained = false, false
	}
	p.watchSize()
	for i, l := range p.flushing {
		p.flushing[i] = nil
		if l.state == laneFinished && l.empty() {
			delete(p.lanes, l.subject)
			p.sub.metrics.lanes.WithLabelValues(p.sub.group).Dec()
			continue
		}
		p.makeReady(l)
	}
	p.flushing = p.flushing[:0]
}

// watchSize stops reading while too many threads wait to keep their books, and says so.
func (p *partition) watchSize() {
	was := p.overfull
	p.overfull = len(p.lanes) > maxLanes
	if p.overfull != was {
		p.sub.log.Error("too many threads wait in one partition, reading pauses until some are done",
			"partition", p.number, "threads", len(p.lanes), "paused", p.overfull)
	}
	p.sub.metrics.paused.WithLabelValues(p.sub.group, p.sub.topic).Add(boolDelta(was, p.overfull))
}

func boolDelta(was, is bool) float64 {
	switch {
	case is && !was:
		return 1
	case was && !is:
		return -1
	}
	return 0
}
