package bus

import (
	"context"
	"slices"
	"time"
)

// claimTimeout bounds the taking, or giving back, of one partition.
const claimTimeout = 5 * time.Second

// claims are the partitions that this member may be on record as the owner of, or become it yet, although it does not hold
// them: it sent its claim and no answer came, or something failed before it could start. Others wait for an owner that is
// alive, so that each of these has to be held or given back in the end, whosever share it has become meanwhile. The value is
// the record's revision that the claim was made on, or made.
type claims map[int]uint64

// note takes down how a take-over ended.
func (c claims) note(n int, rec *record, taken bool, err error) {
	switch {
	case taken, err != nil && rec.asked:
		c[n] = rec.revision
	case err == nil && c[n] != rec.revision: // somebody else's, and what was sent before comes too late
		delete(c, n)
	}
}

// settle gives back what was claimed and is not wanted any more. Whoever stops tries once: unheard, it does not count as an
// owner for long.
func (c *coordinator) settle(ctx context.Context, wanted []int, stopping bool) {
	for n := range c.claims {
		if slices.Contains(wanted, n) {
			continue // acquire goes on with it
		}
		err := c.giveBack(ctx, n)
		if err != nil {
			c.sub.log.Warn("cannot give a partition back that was taken half-way", "partition", n, "repeated", !stopping, "error", err)
		}
		if stopping {
			delete(c.claims, n)
		} else if err != nil {
			return
		}
	}
}

// giveBack makes sure that this member is not the owner of a partition. It takes over once more what is its own or nobody's,
// which puts an end to any claim that is still under way, and then releases it.
func (c *coordinator) giveBack(ctx context.Context, n int) error {
	limit, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	rec := c.record(n)
	taken, _, err := rec.takeOver(limit, c.fresh, func(owner string) bool { return owner == "" || owner == c.members.self })
	c.claims.note(n, rec, taken, err)
	if err != nil || !taken {
		return err
	}
	if err := rec.commit(limit, rec.state.Done, rec.state.Arrears, true); err != nil {
		return err
	}
	delete(c.claims, n)
	c.members.beat(heartbeat{Released: true})
	return nil
}
