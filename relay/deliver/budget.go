package deliver

import (
	"context"
	"errors"
	"fmt"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay"
)

// budget waits for its turn within the rate limits: the lane does, and no handler. Lanes are served in the order of their
// arrival, and a thread has one action in line, whatever waits behind it.
func (d *Deliverer) budget(ctx context.Context, j *job) error {
	if j.line.budget == nil {
		return nil
	}
	if wait := j.line.breaker.barred(); wait > 0 { // a call that is not made must not count
		return bus.After(wait, j.line.leftAlone())
	}
	wait := j.line.budget.Take(ctx, j.delivery.Sequence, d.charges(j)...)
	if wait <= 0 {
		return nil
	}
	return bus.After(wait, fmt.Errorf("deliver: action %s waits for a rate limit of connection %s", j.action.ID, j.line.id))
}

// charges is what carrying an action out uses up: what the platform says, and one call of the connection if it says nothing; that
// for each part of what it changes, and one call more where it is looked for first.
func (d *Deliverer) charges(j *job) []relay.Charge {
	all := []relay.Charge{{Calls: 1}}
	if j.line.metered != nil {
		all = j.line.metered.Charges(j.now)
	}
	if j.changesParts() {
		for i := range all {
			all[i].Calls *= len(j.parts)
		}
	}
	if d.looksFirst(j) && j.line.finder != nil {
		all = append(all, relay.Charge{Calls: 1})
	}
	return all
}

// pause has all wait that charge the group of calls which the platform has refused. A metered platform has told that itself, if
// it knew for how long.
func (l *line) pause(err error) {
	var f *relay.Failure
	if l.budget == nil || !errors.As(err, &f) || f.Kind != relay.RateLimited {
		return
	}
	switch {
	case f.After <= 0:
		l.budget.Pause(f.Group, unknownPause)
	case l.metered == nil:
		l.budget.Pause(f.Group, f.After)
	}
}
