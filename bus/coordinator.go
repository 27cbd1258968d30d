package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// coordinator decides which partitions of a topic this process holds for its group: its share among the members that are
// alive, of which it takes those that are free or whose owner is dead, and gives up those that are somebody else's share.
type coordinator struct {
	sub     *subscription
	members *membership
	fresh   progress
	held    map[int]*holding
	moved   bool // held has changed since the intake was told
	lapsed  bool // this member is not heard by itself, so that others may take it for dead
	ended   chan ended
	tasks   sync.WaitGroup

	mu    sync.Mutex
	short map[string]time.Time // since when a record has been ahead of the stream
}

// holding is a partition that runs.
type holding struct {
	release   chan struct{} // closed to ask for it back
	releasing bool
}

type ended struct {
	number int
	err    error
}

// run holds partitions until stop is closed and the last one is released. ctx bounds that: when it ends, everything is
// dropped as it is.
func (c *coordinator) run(ctx context.Context, stop <-chan struct{}) {
	tick := time.NewTicker(c.members.ttl / 6)
	defer tick.Stop()
	defer c.beat()()
	defer c.tasks.Wait()
	stopping := false
	for !stopping || len(c.held) > 0 {
		select {
		case <-tick.C:
			c.watchTrust()
		case <-c.members.changed:
		case e := <-c.ended:
			c.gone(e)
		case <-stop:
			stopping, stop = true, nil
			c.members.drain()
		}
		c.balance(ctx, stopping)
	}
	c.members.beat(heartbeat{Released: true})
}

// beat sends heartbeats, however long a server takes to answer, until the returned function is called.
func (c *coordinator) beat() (stop func()) {
	done := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		tick := time.NewTicker(c.members.ttl / 6)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.members.beat(heartbeat{})
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		beating.Wait()
	}
}

// watchTrust tells the log, once, that handlers have to end because of an outage, and that it is over.
func (c *coordinator) watchTrust() {
	lapsed := len(c.held) > 0 && !c.trusted()
	switch {
	case lapsed && !c.lapsed:
		c.sub.log.Warn("connection lost for too long: handlers are told to end, and wait", "partitions", len(c.held))
	case c.lapsed && !lapsed:
		c.sub.log.Info("connected again: handlers go on", "partitions", len(c.held))
	}
	c.lapsed = lapsed
}

// gone takes note that a partition has ended.
func (c *coordinator) gone(e ended) {
	delete(c.held, e.number)
	c.moved = true
	c.sub.metrics.partitions.WithLabelValues(c.sub.group, c.sub.topic).Set(float64(len(c.held)))
	if e.err != nil && !errors.Is(e.err, context.Canceled) {
		c.sub.log.Warn("partition lost", "partition", e.number, "error", e.err)
	}
	c.members.beat(heartbeat{Released: true})
}

// balance gives up what is not this member's share, and takes what is.
func (c *coordinator) balance(ctx context.Context, stopping bool) {
	defer c.tellIntake()
	var wanted []int
	if !stopping {
		if !c.sub.bus.cfg.Exclusive && !c.members.connected() {
			return
		}
		for n, owner := range share(c.sub.bus.cfg.Partitions, c.members.alive()) {
			if owner == c.members.self {
				wanted = append(wanted, n)
			}
		}
	}
	for n, h := range c.held {
		if !slices.Contains(wanted, n) && !h.releasing {
			h.releasing = true
			close(h.release)
		}
	}
	c.acquire(ctx, slices.DeleteFunc(wanted, func(n int) bool { return c.held[n] != nil }))
}

// tellIntake has the partitions that are held by now read.
func (c *coordinator) tellIntake() {
	if c.moved {
		c.moved = false
		c.sub.intake.replan()
	}
}

// acquire takes those of the partitions that are free, all at a time, and starts them.
func (c *coordinator) acquire(ctx context.Context, numbers []int) {
	if ctx.Err() != nil {
		return
	}
	taken := make([]*partition, len(numbers))
	var taking sync.WaitGroup
	for i, n := range numbers {
		taking.Go(func() {
			var err error
			if taken[i], err = c.take(ctx, n); err != nil {
				c.sub.log.Warn("cannot take a partition over, will be repeated", "partition", n, "error", err)
			}
		})
	}
	taking.Wait()
	for _, p := range taken {
		if p != nil {
			c.start(ctx, p)
		}
	}
}

// take makes this member the owner of a partition and returns it, or nil if it is not free.
func (c *coordinator) take(ctx context.Context, n int) (*partition, error) {
	limit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	rec := &record{
		kv: c.sub.bus.progress, key: fmt.Sprintf("%s.%s.%d", c.sub.group, c.sub.topic, n), owner: c.members.self,
		trusted: c.trusted,
	}
	taken, unclean, err := rec.takeOver(limit, c.fresh, c.free)
	if err != nil || !taken {
		return nil, err
	}
	info, err := c.sub.stream.Info(limit)
	if err == nil && rec.state.Done > info.State.LastSeq {
		err = c.lostEnd(limit, rec, info.State.LastSeq)
	}
	if err != nil {
		return nil, errors.Join(err, rec.commit(limit, rec.state.Done, rec.state.Arrears, true))
	}
	var careful uint64
	if unclean {
		careful = info.State.LastSeq
	}
	return newPartition(c.sub, n, rec, careful), nil
}

// start runs a partition.
func (c *coordinator) start(ctx context.Context, p *partition) {
	h := &holding{release: make(chan struct{})}
	c.held[p.number] = h
	c.moved = true
	c.sub.metrics.partitions.WithLabelValues(c.sub.group, c.sub.topic).Set(float64(len(c.held)))
	p.open(ctx)
	c.sub.intake.add(p)
	c.tasks.Go(func() { c.work(ctx, p, h) })
}

// errShort says that a stream may have lost its end.
var errShort = errors.New("bus: the stream ends before what is on record as handled")

// lostEnd decides about a stream that ends before what is on record as handled. In a cluster a new leader may just not have
// come to it yet: it has a TTL to do so.
func (c *coordinator) lostEnd(ctx context.Context, rec *record, end uint64) error {
	if c.sub.bus.cfg.Replicas > 1 {
		c.mu.Lock()
		since, known := c.short[rec.key]
		if !known {
			since = time.Now()
			c.short[rec.key] = since
		}
		c.mu.Unlock()
		if time.Since(since) < c.members.ttl {
			return errShort
		}
	}
	return c.rewind(ctx, rec, end)
}

// rewind takes back what is on record beyond the end of the stream, which has lost messages then, in a power cut without
// fsync perhaps, and gives their numbers to new ones. What was stored after the record was written cannot be handled.
func (c *coordinator) rewind(ctx context.Context, rec *record, end uint64) error {
	before, err := sequenceBefore(ctx, c.sub.stream, rec.found)
	if err != nil {
		return err
	}
	c.sub.log.Error("the stream has lost messages that are on record as handled; what was stored since is handled",
		"record", rec.key, "on_record", rec.state.Done, "stream_ends", end, "from", before+1)
	rec.trim(before)
	return nil
}

// work runs a partition until it ends.
func (c *coordinator) work(ctx context.Context, p *partition, h *holding) {
	err := p.run(ctx, signals{release: h.release, stop: c.sub.stop})
	c.sub.intake.remove(p.number)
	c.ended <- ended{p.number, err}
}

// free reports whether a record's owner is nobody, or dead.
func (c *coordinator) free(owner string) bool {
	if owner == "" || owner == c.members.self {
		return true
	}
	if c.sub.bus.cfg.Exclusive && !c.sub.bus.isOwn(owner) {
		return true // of a process that ran on this store before
	}
	return c.members.dead(owner)
}

// trusted reports whether nobody else can have taken over what this member holds.
func (c *coordinator) trusted() bool {
	return c.members.trusted()
}
