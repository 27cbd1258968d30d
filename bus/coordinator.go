package bus

import (
	"context"
	"errors"
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
	claims  claims
	moved   bool // held has changed since the intake was told
	lapsed  bool // this member is not heard by itself, so that others may take it for dead
	ended   chan ended
	tasks   sync.WaitGroup

	mu    sync.Mutex
	short map[string]time.Time // since when a record has been ahead of the stream
}

func newCoordinator(sub *subscription, members *membership, fresh progress) *coordinator {
	return &coordinator{
		sub: sub, members: members, fresh: fresh, held: make(map[int]*holding), claims: make(claims),
		ended: make(chan ended), short: make(map[string]time.Time),
	}
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
	defer c.tasks.Wait()
	beating, silence := context.WithCancel(ctx)
	defer silence()
	c.tasks.Go(func() { c.members.beatOn(beating) })
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
	c.settle(ctx, wanted, stopping)
	c.acquire(ctx, slices.DeleteFunc(wanted, func(n int) bool { return c.held[n] != nil }))
}

// tellIntake has the partitions that are held by now read.
func (c *coordinator) tellIntake() {
	if c.moved {
		c.moved = false
		c.sub.intake.replan()
	}
}

// start runs a partition.
func (c *coordinator) start(ctx context.Context, p *partition) {
	h := &holding{release: make(chan struct{})}
	c.held[p.number] = h
	delete(c.claims, p.number)
	c.moved = true
	c.sub.metrics.partitions.WithLabelValues(c.sub.group, c.sub.topic).Set(float64(len(c.held)))
	p.open(ctx)
	c.sub.intake.add(p)
	c.tasks.Go(func() { c.work(ctx, p, h) })
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
