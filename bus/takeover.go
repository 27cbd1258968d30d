package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// attemptToTake is how a take-over ended.
type attemptToTake struct {
	record    *record
	taken     bool
	partition *partition // nil if it is not to be started, or cannot be yet
	err       error
}

// acquire takes those of the partitions that are free, all at a time, and starts them. Of those that it took and could not
// start c.claims knows.
func (c *coordinator) acquire(ctx context.Context, numbers []int) {
	if ctx.Err() != nil {
		return
	}
	attempts := make([]attemptToTake, len(numbers))
	var taking sync.WaitGroup
	for i, n := range numbers {
		taking.Go(func() { attempts[i] = c.take(ctx, n) })
	}
	taking.Wait()
	for i, a := range attempts {
		c.claims.note(numbers[i], a.record, a.taken, a.err)
		if a.err != nil {
			c.sub.log.Warn("cannot take a partition over, will be repeated", "partition", numbers[i], "error", a.err)
		}
		if a.partition != nil {
			c.start(ctx, a.partition)
		}
	}
}

// take makes this member the owner of a partition, if it is free.
func (c *coordinator) take(ctx context.Context, n int) attemptToTake {
	limit, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	a := attemptToTake{record: c.record(n)}
	var unclean bool
	a.taken, unclean, a.err = a.record.takeOver(limit, c.fresh, c.free)
	if a.err != nil || !a.taken {
		return a
	}
	end, err := c.streamEnd(limit)
	if err == nil && a.record.state.Done > end {
		err = c.lostEnd(limit, a.record, end)
	}
	if err != nil {
		a.err = err
		return a
	}
	a.partition = newPartition(c.sub, n, a.record, taking{end: end, unclean: unclean})
	return a
}

// streamEnd returns the stream's last sequence. It asks again: between two leaders a question is never answered.
func (c *coordinator) streamEnd(ctx context.Context) (uint64, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, repeatAfter)
		info, err := c.sub.stream.Info(attempt)
		late := attempt.Err() != nil
		cancel()
		if err == nil {
			return info.State.LastSeq, nil
		}
		if !late || ctx.Err() != nil {
			return 0, fmt.Errorf("bus: end of the stream: %w", err)
		}
	}
}

func (c *coordinator) record(n int) *record {
	return &record{
		kv: c.sub.bus.progress, key: fmt.Sprintf("%s.%s.%d", c.sub.group, c.sub.topic, n), owner: c.members.self,
		trusted: c.trusted,
	}
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
