package bus

import (
	"context"
	"time"
)

const (
	// maxBuffered bounds the messages that a partition holds in memory.
	maxBuffered = 2048
	// gatherTime is how long a commit waits for further completions while handlers run: one write then serves them all.
	gatherTime = 500 * time.Microsecond
)

// partition runs the lanes of one partition of a topic for one consumer group. One goroutine, in run, owns all of its
// fields; attempts, the reader and the commit run beside it and speak to it over channels.
type partition struct {
	sub    *subscription
	number int
	record *record

	lanes    map[string]*lane
	ready    []*lane
	buffered int
	read     uint64 // the newest message read
	done     uint64 // what the next commit writes as progress.Done
	running  int

	dirty      bool    // something is to be committed
	gathered   bool    // and has waited for others long enough
	committing bool    // a write is under way
	finished   []*lane // handled heads that the next commit covers
	flushing   []*lane // handled heads that the commit under way covers

	results chan result
	commits chan error
	wakes   chan *lane
	gather  *time.Timer
	gone    chan struct{} // closed when run returns
}

func newPartition(sub *subscription, number int, rec *record) *partition {
	p := &partition{
		sub: sub, number: number, record: rec,
		lanes:   make(map[string]*lane),
		results: make(chan result),
		commits: make(chan error, 1),
		wakes:   make(chan *lane),
		gather:  time.NewTimer(time.Hour),
		gone:    make(chan struct{}),
	}
	p.read, p.done = rec.state.Done, rec.state.Done
	for _, a := range rec.state.Arrears {
		l := &lane{subject: a.Lane, next: a.Next, last: a.Last, attempts: a.Attempts, since: a.Since, spilled: true}
		p.lanes[l.subject] = l
		p.makeReady(l)
	}
	return p
}

// run handles the partition until stop is closed and its running handlers have ended, ctx ends, or the partition is lost.
func (p *partition) run(ctx context.Context, incoming <-chan *stored, stop <-chan struct{}) error {
	defer p.leave()
	stopping := false
	for {
		if stopping && p.running == 0 && !p.committing {
			return p.record.commit(ctx, p.done, p.arrears(), true)
		}
		select {
		case m := <-p.want(incoming, stopping):
			p.take(m)
		case p.slot(stopping) <- struct{}{}:
			p.start(ctx)
		case r := <-p.results:
			p.finish(r)
		case err := <-p.commits:
			if err != nil {
				return err
			}
			p.committed()
		case l := <-p.wakes:
			p.makeReady(l)
		case <-p.gather.C:
			p.gathered = true
		case <-stop:
			stopping, stop = true, nil
		case <-ctx.Done():
			return ctx.Err()
		}
		p.maybeCommit(ctx)
	}
}

// want returns the channel to read from, or nil while nothing more can be taken.
func (p *partition) want(incoming <-chan *stored, stopping bool) <-chan *stored {
	if stopping || p.buffered >= maxBuffered && !p.makeRoom() {
		return nil
	}
	return incoming
}

// makeRoom spills the longest queue that waits behind a message that is being handled, so that one busy thread does not
// keep the others' messages from being read.
func (p *partition) makeRoom() bool {
	var longest *lane
	for _, l := range p.lanes {
		if l.state != laneReady && (longest == nil || len(l.queue) > len(longest.queue)) {
			longest = l
		}
	}
	if longest == nil || len(longest.queue) < 2 {
		return false
	}
	p.buffered -= longest.spill()
	return true
}

// slot returns where a place for one more handler is to be had, or nil while none is needed.
func (p *partition) slot(stopping bool) chan<- struct{} {
	if stopping || len(p.ready) == 0 {
		return nil
	}
	return p.sub.slots
}

// take puts a message that was read at the end of its lane.
func (p *partition) take(m *stored) {
	p.read = m.sequence
	l := p.lanes[m.subject]
	if l == nil {
		l = &lane{subject: m.subject, next: m.sequence}
		p.lanes[m.subject] = l
		p.makeReady(l)
		p.sub.metrics.lanes.WithLabelValues(p.sub.group).Inc()
	}
	l.last = m.sequence
	if !l.spilled {
		l.queue = append(l.queue, m)
		p.buffered++
	}
}

func (p *partition) makeReady(l *lane) {
	l.state = laneReady
	p.ready = append(p.ready, l)
}

// start runs the head of the lane that has been ready longest. The slot is taken already.
func (p *partition) start(ctx context.Context) {
	l := p.ready[0]
	p.ready[0] = nil
	p.ready = p.ready[1:]
	l.state = laneRunning
	p.running++
	j := job{lane: l, head: l.head(), subject: l.subject, next: l.next, last: l.last, attempt: l.attempts + 1, since: l.since}
	p.sub.attempts.Go(func() {
		r := p.sub.attempt(ctx, j)
		<-p.sub.slots
		select {
		case p.results <- r:
		case <-p.gone:
		}
	})
}

// finish takes note of how an attempt ended.
func (p *partition) finish(r result) {
	p.running--
	l := r.lane
	switch {
	case r.handled:
		p.done = max(p.done, r.sequence)
		p.buffered -= l.advance(r.sequence)
		l.state = laneFinished
		p.finished = append(p.finished, l)
		p.touch()
	case r.handedBack:
		l.state = laneWaiting // for good: the partition is stopping
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
	l.timer = time.AfterFunc(r.wait, func() {
		select {
		case p.wakes <- l:
		case <-p.gone:
		}
	})
}

// leave ends what still waits on the partition.
func (p *partition) leave() {
	close(p.gone)
	p.gather.Stop()
	for _, l := range p.lanes {
		if l.timer != nil {
			l.timer.Stop()
		}
	}
	p.sub.metrics.lanes.WithLabelValues(p.sub.group).Sub(float64(len(p.lanes)))
}
