package bus

import (
	"context"
	"time"
)

const (
	// maxBuffered bounds the messages that a partition holds in memory.
	maxBuffered = 2048
	// What follows chooses the threads whose messages are dropped from a full buffer, to be fetched one by one when their turn
	// comes: those that stand still, and at once or after a moment those that hold a large part of the buffer. Threads that
	// merely have much to do stay, since to read each of their messages twice would cost far more than waiting.
	stillTime  = 300 * time.Millisecond // the head is being handled for so long
	standTime  = 50 * time.Millisecond  // the same, of a lane that holds largeQueue
	queueTime  = 500 * time.Millisecond // the head has waited in the buffer for so long, of a lane that holds largeQueue
	largeQueue = maxBuffered / 8
	// roomTime is how often a full buffer is looked through for such threads.
	roomTime = 25 * time.Millisecond
	// gatherTime is how long a commit waits for further completions while handlers run: one write then serves them all.
	gatherTime = 500 * time.Microsecond
	// gatherPerLane is added for each thread that waits, since a commit writes them all down.
	gatherPerLane = 2 * time.Microsecond
	// maxLanes is the number of threads with unhandled messages at which a partition reads no further. Each costs memory, and
	// a place in every commit.
	maxLanes = 100_000
)

// partition runs the lanes of one partition of a topic for one consumer group. One goroutine, in run, owns all of its
// fields; attempts, the reader and the commit run beside it and speak to it over channels.
type partition struct {
	sub    *subscription
	number int
	record *record
	owner  owner

	lanes    map[string]*lane
	ready    []*lane
	running  map[*lane]struct{}
	buffered int
	done     uint64 // what the next commit writes as progress.Done
	// careful: attempts at messages up to here are written down before they begin, since one of them may have ended the
	// process that held the partition before.
	careful uint64

	dirty      bool    // something is to be committed
	gathered   bool    // and has waited for others long enough
	committing bool    // a write is under way
	finished   []*lane // handled or declared heads that the next commit covers
	flushing   []*lane // those that the commit under way covers
	overfull   bool    // the record has become too large to read on
	lag        lag

	work    context.Context // ends when handlers must end
	endWork context.CancelFunc

	results chan result
	commits chan error
	wakes   chan *lane
	gather  *time.Timer
	room    *time.Timer   // while the buffer is full
	full    bool          // and room is set
	gone    chan struct{} // closed when run returns
}

func newPartition(sub *subscription, number int, rec *record, careful uint64) *partition {
	p := &partition{
		sub: sub, number: number, record: rec, careful: careful,
		lanes:   make(map[string]*lane),
		running: make(map[*lane]struct{}),
		results: make(chan result),
		commits: make(chan error, 1),
		wakes:   make(chan *lane),
		gather:  time.NewTimer(time.Hour),
		room:    time.NewTimer(time.Hour),
		gone:    make(chan struct{}),
	}
	p.owner.trusted = rec.trusted
	p.done = rec.state.Done
	for _, a := range rec.state.Arrears {
		l := &lane{subject: a.Lane, next: a.Next, last: a.Last, attempts: a.Attempts, started: a.Started, since: a.Since, spilled: true}
		p.lanes[l.subject] = l
		p.makeReady(l)
	}
	sub.metrics.lanes.WithLabelValues(sub.group).Add(float64(len(p.lanes)))
	return p
}

// signals end a partition's run.
type signals struct {
	release <-chan struct{} // closed: another member is to have it, at a good moment
	stop    <-chan struct{} // closed: the process is stopping
}

// run handles the partition until it is released, the process stops, the partition is lost, or ctx ends.
func (p *partition) run(ctx context.Context, incoming <-chan *stored, s signals) error {
	p.work, p.endWork = context.WithCancel(ctx)
	defer p.leave()
	pulse := time.NewTicker(p.sub.bus.cfg.LeaseTTL / 10)
	defer pulse.Stop()
	for {
		if p.owner.ending() && (len(p.running) == 0 || p.owner.forsake) && !p.committing {
			return p.record.commit(ctx, p.done, p.arrears(), true)
		}
		select {
		case m := <-p.want(incoming):
			p.take(m)
		case p.slot() <- struct{}{}:
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
		case <-p.room.C:
			p.full = false
			p.makeRoom(time.Now())
		case <-pulse.C:
			p.lag.report(p)
		case <-s.release:
			s.release = nil
			p.owner.askRelease()
		case <-s.stop:
			s.stop = nil
			p.owner.stop()
		case <-ctx.Done():
			return p.abandon(ctx)
		}
		p.watchOwnership(ctx)
		p.maybeCommit(ctx)
	}
}

// abandon leaves the partition with handlers still running: what is handled is committed, the rest will be handled again.
func (p *partition) abandon(ctx context.Context) error {
	if !p.committing {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = p.record.commit(last, p.done, p.arrears(), true) // the next owner waits for a TTL if this fails
	}
	return ctx.Err()
}

// want returns the channel to read from, or nil while nothing more can be taken.
func (p *partition) want(incoming <-chan *stored) <-chan *stored {
	if p.owner.ending() || p.overfull {
		return nil
	}
	if p.buffered < maxBuffered {
		return incoming
	}
	if !p.full {
		p.full = true
		p.room.Reset(roomTime)
	}
	return nil
}

// makeRoom spills the queues of threads that would keep the others' messages from being read, provided that there is a place
// for more handlers at all.
func (p *partition) makeRoom(now time.Time) {
	if p.buffered < maxBuffered || len(p.sub.slots) == cap(p.sub.slots) {
		return
	}
	for _, l := range p.lanes {
		if l.holdsUp(now) {
			p.buffered -= l.spill()
		}
	}
}

// slot returns where a place for one more handler is to be had, or nil while none is needed or may be used.
func (p *partition) slot() chan<- struct{} {
	if len(p.ready) == 0 || p.owner.ending() || !p.owner.mayStart() {
		return nil
	}
	return p.sub.slots
}

// take puts a message that was read at the end of its lane.
func (p *partition) take(m *stored) {
	p.lag.took(m)
	l := p.lanes[m.subject]
	if l == nil {
		l = &lane{subject: m.subject, next: m.sequence}
		p.lanes[m.subject] = l
		p.makeReady(l)
		p.sub.metrics.lanes.WithLabelValues(p.sub.group).Inc()
	}
	l.last = m.sequence
	if !l.spilled {
		m.taken = time.Now()
		l.queue = append(l.queue, m)
		p.buffered++
	}
}

func (p *partition) makeReady(l *lane) {
	l.state = laneReady
	p.ready = append(p.ready, l)
}

// leave ends what still waits on the partition.
func (p *partition) leave() {
	close(p.gone)
	p.endWork()
	p.gather.Stop()
	p.room.Stop()
	for _, l := range p.lanes {
		if l.timer != nil {
			l.timer.Stop()
		}
	}
	p.sub.metrics.lanes.WithLabelValues(p.sub.group).Sub(float64(len(p.lanes)))
	p.lag.forget(p)
	if p.overfull {
		p.sub.metrics.paused.WithLabelValues(p.sub.group, p.sub.topic).Dec()
	}
}
