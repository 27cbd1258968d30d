package bus

import (
	"context"
	"time"
)

// read takes a message from the stream when there is room for it. It returns false if ctx ended before.
func (p *partition) read(ctx context.Context, m *stored) bool {
	if !p.sub.buffer.wait(ctx, p.sub.intake.makeRoom) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || p.owner.closing || m.sequence <= p.taken {
		return true // somebody else's by now, or taken before
	}
	p.taken = m.sequence
	p.take(m)
	return true
}

// take puts a message at the end of its lane.
func (p *partition) take(m *stored) {
	p.lag.waiting++
	l := p.lanes[m.subject]
	if l == nil {
		l = &lane{home: p, subject: m.subject, next: m.sequence}
		p.lanes[m.subject] = l
		p.sub.active.Inc()
		l.last = m.sequence
		l.queue = append(l.first[:0], m)
		p.sub.buffer.add(1, m.size())
		p.makeReady(l)
		return
	}
	l.last = m.sequence
	if !l.spilled {
		m.taken = time.Now()
		l.queue = append(l.queue, m)
		p.sub.buffer.add(1, m.size())
	}
}

// reached returns up to where the partition has been read.
func (p *partition) reached() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// reach takes note that the stream has been read up to a position.
func (p *partition) reach(position uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = max(p.taken, position)
}

// drop takes messages that left their lanes' queues out of the count of those in memory.
func (p *partition) drop(freed, bytes int) {
	if freed > 0 {
		p.sub.buffer.add(-freed, -bytes)
	}
}

// makeRoom spills the queues of threads that would keep the others' messages from being read, provided that there is a place
// for more handlers at all.
func (in *intake) makeRoom() {
	if !in.sub.workers.free() {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	now := time.Now()
	for _, p := range in.held {
		p.makeRoom(now)
	}
}

func (p *partition) makeRoom(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		if l.holdsUp(now) {
			p.drop(l.spill())
		}
	}
}

// watchSize stops reading while too many threads wait to keep their books, and says so.
func (p *partition) watchSize() {
	if overfull := len(p.lanes) > maxLanes; overfull != p.overfull {
		p.sub.log.Error("too many threads wait in one partition, reading pauses until some are done",
			"partition", p.number, "threads", len(p.lanes), "paused", overfull)
		p.setOverfull(overfull)
	}
}

func (p *partition) setOverfull(overfull bool) {
	p.overfull = overfull
	n := 1
	if !overfull {
		n = -1
	}
	p.sub.buffer.hold(n)
	p.sub.metrics.paused.WithLabelValues(p.sub.group, p.sub.topic).Add(float64(n))
}
