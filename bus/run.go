package bus

import (
	"context"
	"time"
)

// start runs the head of the lane that has been ready longest. The slot is taken already, and is given back if the attempt
// has to be written down first.
func (p *partition) start(ctx context.Context) {
	l := p.ready[0]
	p.ready[0] = nil
	p.ready = p.ready[1:]
	if l.next <= p.careful && !l.declared {
		<-p.sub.slots
		p.declare(l)
		return
	}
	l.state, l.began = laneRunning, time.Now()
	p.running[l] = struct{}{}
	j := job{
		lane: l, head: l.head(), subject: l.subject, next: l.next, last: l.last, attempt: l.attempts + 1, since: l.since,
		crashes: max(0, l.started-l.attempts-1),
	}
	work := p.work
	p.sub.attempts.Go(func() {
		r := p.sub.attempt(ctx, work, j)
		<-p.sub.slots
		select {
		case p.results <- r:
		case <-p.gone:
		}
	})
}

// declare has an attempt written down before it begins.
func (p *partition) declare(l *lane) {
	l.state = laneDeclared
	l.started++
	l.declared = true
	p.done = max(p.done, l.next) // so that the record lists the lane
	p.finished = append(p.finished, l)
	p.touch()
}

// finish takes note of how an attempt ended.
func (p *partition) finish(r result) {
	l := r.lane
	delete(p.running, l)
	switch {
	case r.handled:
		p.done = max(p.done, r.sequence)
		p.lag.waiting--
		p.buffered -= l.advance(r.sequence)
		l.state = laneFinished
		p.finished = append(p.finished, l)
		p.touch()
	case r.handedBack:
		l.started, l.declared = l.attempts, false // it ended, and is not charged
		p.makeReady(l)
	default:
		p.postpone(l, r)
	}
}

// postpone puts a lane aside until its next attempt is due.
func (p *partition) postpone(l *lane, r result) {
	l.state = laneWaiting
	p.buffered -= l.spill()
	if r.charged {
		l.attempts++
		if l.since.IsZero() {
			l.since = r.at
		}
		p.done = max(p.done, l.next) // so that the record lists the lane, and with it the attempts
		p.touch()
	}
	l.started, l.declared = l.attempts, false
	l.timer = time.AfterFunc(r.wait, func() {
		select {
		case p.wakes <- l:
		case <-p.gone:
		}
	})
}
