package deliver

import (
	"context"
	"fmt"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// lookBack is how long before it was made an action may have been carried out, by clocks that differ.
const lookBack = time.Minute

// lookUp asks the platform for what the action may have left there. It comes before every attempt that may not be the first
// one: the bus counts no attempts that were cut off, and none of another process.
func (d *Deliverer) lookUp(ctx context.Context, j *job) error {
	if !d.looksFirst(j) {
		return nil
	}
	r, found, err := d.find(ctx, j, j.now)
	if err != nil {
		return err
	}
	if found {
		j.settle(r)
		d.count(j, "found")
	}
	return nil
}

// looksFirst reports whether the action is looked for before it is sent. The change of several messages is made again as a whole.
func (d *Deliverer) looksFirst(j *job) bool {
	return d.mayBeThere(j) && !j.line.native && !j.changesParts()
}

// mayBeThere reports whether an earlier attempt may have carried the action out.
func (d *Deliverer) mayBeThere(j *job) bool {
	return j.replayed || j.delivery.Inherited || j.delivery.Attempt > 1 || d.traces.of(j.delivery.Sequence).begun
}

// find looks for what an action has left. Where that is not possible the policy decides: not found, or an error.
func (d *Deliverer) find(ctx context.Context, j *job, a event.Action) (event.Receipt, bool, error) {
	if j.line.finder == nil {
		return event.Receipt{}, false, d.unknown(j, fmt.Errorf("connection %s cannot tell", j.line.id))
	}
	var r event.Receipt
	var found bool
	err := j.line.ask(ctx, func() (err error) {
		r, found, err = j.line.finder.Find(ctx, a, j.made().Add(-lookBack))
		return err
	})
	switch {
	case isKind(err, relay.RootGone): // whether that is the end the call itself will tell
		return event.Receipt{}, false, nil
	case isKind(err, relay.Denied, relay.Rejected):
		return event.Receipt{}, false, d.unknown(j, err)
	case err != nil:
		return event.Receipt{}, false, fmt.Errorf("deliver: look for what action %s has left: %w", a.ID, err)
	}
	answer := "missing"
	if found {
		answer = "found"
		if a.Type == event.Reply {
			r.Root = a.Thread.Root
		}
	}
	d.metrics.unknown.WithLabelValues(string(j.line.id), answer).Inc()
	return r, found, nil
}

// unknown decides about an action that may have been carried out, and cannot be looked for.
func (d *Deliverer) unknown(j *job, cause error) error {
	answer := "resent"
	park := j.line.policy.Unknown == Park && says(j.action.Type) && !j.replayed // who replays it has decided
	if park {
		answer = "parked"
	}
	d.metrics.unknown.WithLabelValues(string(j.line.id), answer).Inc()
	if park {
		return refuse(kindParked, fmt.Errorf("deliver: it is not known whether action %s was carried out: %w", j.action.ID, cause))
	}
	return nil
}
