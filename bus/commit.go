package bus

import (
	"cmp"
	"slices"
	"time"
)

// A commit waits for further completions while handlers run, since one write serves them all, but no longer than the last
// write took, within these bounds: where writes are quick there is little to be gained.
const (
	minGather = 500 * time.Microsecond
	maxGather = 250 * time.Millisecond
)

// touch notes that there is something to commit.
func (p *partition) touch() {
	if p.dirty {
		return
	}
	p.dirty, p.gathered = true, false
	p.gather.Reset(min(max(p.took, minGather), maxGather))
}

// gatheredEnough is called when a commit has waited for others long enough.
func (p *partition) gatheredEnough() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gathered = true
	p.maybeCommit()
}

// maybeCommit starts a commit if there is something to write, no write is under way, and nothing is to be gained by waiting
// for more.
func (p *partition) maybeCommit() {
	if !p.dirty || p.committing || p.ended || !p.gathered && p.running+p.queued > 0 {
		return
	}
	p.dirty, p.gathered, p.committing = false, false, true
	p.flushing, p.finished = p.finished, p.flushing[:0]
	done, arrears := p.done, p.arrears()
	p.commits.Go(func() { p.commit(done, arrears) })
}

// commit writes the progress down, and then lets those go on that waited for it.
func (p *partition) commit(done uint64, arrears []arrear) {
	start := time.Now()
	err := p.record.commit(p.writing, done, arrears, false)
	took := time.Since(start)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committing, p.took = false, took
	if err != nil {
		p.lost <- err // room for the one that there is: nothing is committed after it
		p.ended = true
		return
	}
	if p.ended {
		return
	}
	p.committed()
	p.maybeCommit()
	p.settle()
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
	if p.owner.regained {
		p.owner.lapsed, p.owner.regained = false, false
		p.unpark()
	}
	p.watchSize()
	ready := 0
	for i, l := range p.flushing {
		p.flushing[i] = nil
		if l.state == laneFinished {
			p.uncare(l)
		}
		if l.state == laneFinished && l.empty() {
			delete(p.lanes, l.subject)
			p.sub.active.Dec()
			continue
		}
		p.makeReady(l)
		ready++
	}
	p.flushing = p.flushing[:0]
	if p.dirty && ready > 0 { // those that go on now may come to the next commit too
		p.gathered = false
		p.gather.Reset(min(max(p.took, minGather), maxGather))
	}
}

// unpark has the lanes tried again that could not be started.
func (p *partition) unpark() {
	parked := p.parked
	p.parked = nil
	for _, l := range parked {
		p.makeReady(l)
	}
}
