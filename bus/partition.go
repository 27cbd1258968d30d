package bus

import (
	"context"
	"sync"
	"time"
)

const (
	// What follows chooses the threads whose messages are dropped from a full buffer, to be fetched one by one when their turn
	// comes: those that stand still, and at once or after a moment those that hold a large part of the buffer. Threads that
	// merely have much to do stay, since to read each of their messages twice would cost far more than waiting.
	stillTime  = 300 * time.Millisecond // the head is being handled for so long
	standTime  = 50 * time.Millisecond  // the same, of a lane that holds largeQueue
	queueTime  = 500 * time.Millisecond // the message behind the head has waited for so long, of a lane that holds largeQueue
	largeQueue = maxBuffered / 32
	// maxLanes is the number of threads with unhandled messages at which a partition reads no further. Each costs memory, and
	// a place in every commit.
	maxLanes = 100_000
)

// partition runs the lanes of one partition of a topic for one consumer group. Workers, the cursor that reads it, the commit
// under way and timers call its methods; whatever is not said to be constant is guarded by mu.
type partition struct {
	sub    *subscription
	number int
	// inherited is the stream's last sequence when the partition was taken over. It is constant.
	inherited uint64
	since     time.Time // when that was; constant
	record    *record   // of the commit under way, of run otherwise

	mu     sync.Mutex
	owner  owner
	lanes  map[string]*lane
	parked []*lane // ready, while handlers may not be started
	taken  uint64  // everything up to here was read
	done   uint64  // what the next commit writes as progress.Done
	// careful: attempts at messages up to here are written down before they begin, since one of them may have ended the
	// process that held the partition before.
	careful uint64
	queued  int  // lanes that wait for a worker
	running int  // lanes whose head is being handled
	ended   bool // run has returned

	dirty      bool    // something is to be committed
	gathered   bool    // and has waited for others long enough
	committing bool    // a write is under way
	finished   []*lane // handled or declared heads that the next commit covers
	flushing   []*lane // those that the commit under way covers
	took       time.Duration
	gather     *time.Timer
	overfull   bool // there are too many lanes to read on
	lag        lag

	ctx        context.Context // ends when handlers are not waited for any more
	work       context.Context // ends when handlers must end
	endWork    context.CancelFunc
	writing    context.Context // ends when the commit under way is not waited for any more
	endWriting context.CancelFunc

	settled chan struct{} // has an entry when something changed that the end may have waited for
	lost    chan error    // why a commit failed for good
	commits sync.WaitGroup
}

// taking is how a partition was taken over.
type taking struct {
	end     uint64 // the stream's last sequence then
	unclean bool   // the owner before did not release it
}

func newPartition(sub *subscription, number int, rec *record, t taking) *partition {
	p := &partition{
		sub: sub, number: number, record: rec, inherited: t.end, since: time.Now(),
		lanes: make(map[string]*lane), settled: make(chan struct{}, 1), lost: make(chan error, 1),
	}
	if t.unclean {
		p.careful = t.end
	}
	p.owner.trusted = rec.trusted
	p.done, p.taken = rec.state.Done, rec.state.Done
	for _, a := range rec.state.Arrears {
		p.lanes[a.Lane] = &lane{
			home: p, subject: a.Lane, next: a.Next, last: a.Last, attempts: a.Attempts, started: a.Started, since: a.Since, spilled: true,
		}
	}
	return p
}

// signals end a partition's run.
type signals struct {
	release <-chan struct{} // closed: another member is to have it, at a good moment
	stop    <-chan struct{} // closed: the process is stopping
}

// open makes the partition ready for messages and starts what is in arrears.
func (p *partition) open(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx = ctx
	p.work, p.endWork = context.WithCancel(ctx)
	p.writing, p.endWriting = context.WithCancel(context.WithoutCancel(ctx))
	p.gather = time.AfterFunc(time.Hour, p.gatheredEnough)
	p.sub.active.Add(float64(len(p.lanes)))
	for _, l := range p.lanes {
		p.makeReady(l)
	}
}

// run handles the partition, which is open, until it is released, the process stops, the partition is lost, or ctx ends.
func (p *partition) run(ctx context.Context, s signals) error {
	defer p.leave()
	pulse := time.NewTicker(p.sub.bus.cfg.LeaseTTL / 10)
	defer pulse.Stop()
	for {
		select {
		case <-p.settled:
		case err := <-p.lost:
			return err
		case <-pulse.C:
		case <-s.release:
			s.release = nil
			p.askRelease()
		case <-s.stop:
			s.stop = nil
			p.close()
		case <-ctx.Done():
			return p.abandon(ctx)
		}
		if p.look(ctx) {
			return p.record.commit(ctx, p.done, p.arrears(), true) // nobody else touches p any more
		}
	}
}

// look watches over the ownership and reports whether the partition can be left: then nothing of it changes any more.
func (p *partition) look(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lag.report(p)
	p.watchOwnership(ctx)
	if p.owner.closing && (p.running == 0 || p.owner.forsake) && !p.committing {
		p.ended = true
		return true
	}
	return false
}

// settle has run look whether it can end.
func (p *partition) settle() {
	if !p.owner.closing && p.owner.asked.IsZero() {
		return
	}
	select {
	case p.settled <- struct{}{}:
	default:
	}
}

// lastWrite bounds what is written when a partition is left with handlers still running.
const lastWrite = time.Second

// abandon leaves the partition with handlers still running: what is handled is committed, the rest will be handled again.
func (p *partition) abandon(ctx context.Context) error {
	p.mu.Lock()
	p.ended = true
	done, arrears := p.done, p.arrears()
	p.mu.Unlock()
	limit := time.AfterFunc(lastWrite, p.endWriting)
	defer limit.Stop()
	p.commits.Wait()                                    // the one under way, if there is one
	_ = p.record.commit(p.writing, done, arrears, true) //nolint:contextcheck // ctx has ended; the next owner waits for a TTL if this fails
	return ctx.Err()
}

// leave ends what still waits on the partition.
func (p *partition) leave() {
	p.mu.Lock()
	p.ended = true
	p.endWork()
	p.endWriting()
	p.gather.Stop()
	for _, l := range p.lanes {
		if l.timer != nil {
			l.timer.Stop()
		}
		p.uncare(l)
		p.drop(l.spill())
	}
	p.sub.active.Sub(float64(len(p.lanes)))
	p.lag.forget(p)
	if p.overfull {
		p.setOverfull(false)
	}
	p.mu.Unlock()
	p.commits.Wait()
}

func (p *partition) makeReady(l *lane) {
	l.state = laneReady
	p.queued++
	p.sub.workers.push(l)
}

// wake makes a lane ready whose pause is over.
func (p *partition) wake(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.makeReady(l)
	}
}
