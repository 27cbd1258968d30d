package bus

import "time"

// serve runs the head of a lane that is ready. A worker calls it.
func (s *subscription) serve(l *lane) {
	p := l.home
	j, ok := p.begin(l)
	if !ok {
		return
	}
	p.end(s.attempt(j))
}

// begin returns the attempt that is to be made at a lane's head, or false if none may be made now.
func (p *partition) begin(l *lane) (job, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queued--
	switch {
	case p.ended, p.owner.closing:
		p.uncare(l)
		return job{}, false // it stays in arrears
	case !p.owner.mayStart():
		p.parked = append(p.parked, l)
		p.maybeCommit()
		return job{}, false
	case l.next <= p.careful && !l.declared && !p.care(l):
		p.maybeCommit()
		return job{}, false
	case l.next <= p.careful && !l.declared:
		p.declare(l)
		p.maybeCommit()
		return job{}, false
	}
	l.state, l.began = laneRunning, time.Now()
	p.running++
	return job{
		lane: l, ctx: p.ctx, work: p.work, head: l.head(), subject: l.subject, next: l.next, last: l.last,
		attempt: l.attempts + 1, since: l.since, crashes: max(0, l.started-l.attempts-1), inherited: p.inherited, began: l.began,
	}, true
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

// end takes note of how an attempt ended.
func (p *partition) end(r result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	l := r.lane
	if p.ended {
		return
	}
	switch {
	case r.handled:
		p.done = max(p.done, r.sequence)
		p.lag.waiting--
		p.drop(l.advance(r.sequence))
		l.state = laneFinished
		p.finished = append(p.finished, l)
		p.touch()
	case r.handedBack:
		p.absolve(l)
		p.handBack(l)
	default:
		p.postpone(l, r)
	}
	p.maybeCommit()
	p.settle()
}

// handBack has a lane tried again, if handlers are started at all.
func (p *partition) handBack(l *lane) {
	if p.owner.closing || !p.owner.mayStart() {
		l.state = laneReady
		p.parked = append(p.parked, l)
		return
	}
	p.makeReady(l)
}

// postpone puts a lane aside until its next attempt is due.
func (p *partition) postpone(l *lane, r result) {
	l.state = laneWaiting
	p.drop(l.spill())
	if r.charged {
		l.attempts++
		if l.since.IsZero() {
			l.since = r.at
		}
		p.done = max(p.done, l.next) // so that the record lists the lane, and with it the attempts
		p.touch()
	}
	p.absolve(l)
	l.timer = time.AfterFunc(r.wait, func() { p.wake(l) })
}

// absolve takes note that an attempt ended, and the process did not. If it was written down that it had begun, that is taken
// back at once: should the process end while the lane waits, the message is none that may have ended it.
func (p *partition) absolve(l *lane) {
	if l.declared {
		p.touch()
	}
	l.started, l.declared = l.attempts, false
	p.uncare(l)
}
