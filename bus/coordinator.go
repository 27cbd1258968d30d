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
	stopping := false
	for !stopping || len(c.held) > 0 {
		select {
		case <-tick.C:
			c.members.beat(heartbeat{})
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
	for _, n := range wanted {
		if c.held[n] != nil || ctx.Err() != nil {
			continue
		}
		if err := c.acquire(ctx, n); err != nil {
			c.sub.log.Warn("cannot take a partition over, will be repeated", "partition", n, "error", err)
			return
		}
	}
}

// tellIntake has the partitions that are held by now read.
func (c *coordinator) tellIntake() {
	if c.moved {
		c.moved = false
		c.sub.intake.replan()
	}
}

// acquire takes a partition if it is free, and starts it.
func (c *coordinator) acquire(ctx context.Context, n int) error {
	limit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	rec := &record{
		kv: c.sub.bus.progress, key: fmt.Sprintf("%s.%s.%d", c.sub.group, c.sub.topic, n), owner: c.members.self,
		trusted: c.trusted,
	}
	taken, unclean, err := rec.takeOver(limit, c.fresh, c.free)
	if err != nil || !taken {
		return err
	}
	info, err := c.sub.stream.Info(limit)
	if err != nil {
		return errors.Join(err, rec.commit(limit, rec.state.Done, rec.state.Arrears, true))
	}
	if rec.state.Done > info.State.LastSeq {
		if err := c.rewind(limit, rec, info.State.LastSeq); err != nil {
			return errors.Join(err, rec.commit(limit, rec.state.Done, rec.state.Arrears, true))
		}
	}
	var careful uint64
	if unclean {
		careful = info.State.LastSeq
	}
	h := &holding{release: make(chan struct{})}
	c.held[n] = h
	c.moved = true
	c.sub.metrics.partitions.WithLabelValues(c.sub.group, c.sub.topic).Set(float64(len(c.held)))
	p := newPartition(c.sub, n, rec, careful)
	p.open(ctx)
	c.sub.intake.add(p)
	c.tasks.Go(func() { c.work(ctx, p, h) })
	return nil
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
