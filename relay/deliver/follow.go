package deliver

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// Between two looks for the receipt of an action that another one waits for, the time doubles within these bounds. Each look
// is one read of the ledger.
const (
	minFollow = 50 * time.Millisecond
	maxFollow = 5 * time.Second
	// behindEach is at which look, and then at each so many further ones, it is made sure that what is waited for is not behind
	// the one that waits. The first is after about a second and a half.
	behindEach = 6
)

// follow fills in what the action takes from others: the root of the thread that another one opens, the message that another
// one sends. It waits for them without holding anything but its own lane, and ends like them if they end as dead letters.
func (d *Deliverer) follow(ctx context.Context, j *job) error {
	missing, err := d.fillIn(ctx, j)
	if err != nil || missing == "" {
		return err
	}
	return d.wait(ctx, j, missing)
}

// fillIn is follow without the waiting: it returns the action that has not been carried out, if there is one.
func (d *Deliverer) fillIn(ctx context.Context, j *job) (missing event.ActionID, err error) {
	a := &j.now
	if a.Follows != "" {
		before, there, err := d.outcome(ctx, j, a.Follows)
		if err != nil || !there {
			return a.Follows, err
		}
		if a.Type == event.Reply && a.Thread.Root == "" {
			a.Thread.Root = cmp.Or(before.Root, before.Message)
		}
		if a.Type == event.Reply && a.Thread.Root == "" {
			return "", refuse(kindFollows, fmt.Errorf("deliver: action %s is to reply to what action %s sent, which is no message", a.ID, a.Follows))
		}
	}
	if a.TargetAction == "" {
		return "", nil
	}
	before, there, err := d.outcome(ctx, j, a.TargetAction)
	if err != nil || !there {
		return a.TargetAction, err
	}
	if before.Message == "" {
		return "", refuse(kindFollows, fmt.Errorf("deliver: action %s is to %s what action %s sent, which is no message", a.ID, a.Type, a.TargetAction))
	}
	a.Target, a.TargetAction, j.parts = before.Message, "", before.partsFor(a.Type)
	return "", nil
}

// outcome returns the entry of an action that another one waits for, and whether it has been carried out.
func (d *Deliverer) outcome(ctx context.Context, j *job, id event.ActionID) (e entry, there bool, err error) {
	if id == j.action.ID {
		return entry{}, false, refuse(kindFollows, fmt.Errorf("deliver: action %s waits for itself", id))
	}
	e, revision, err := d.ledger.read(ctx, actionKey(j.line.id, id))
	switch {
	case err != nil:
		return entry{}, false, d.unread("read", err)
	case revision != 0 && e.Outcome == event.Failed:
		return entry{}, false, refuse(kindFollows, fmt.Errorf("deliver: action %s, for which action %s waits, has failed: %s", id, j.action.ID, e.Reason))
	}
	return e, revision != 0, nil
}

// wait has the lane wait for another action. The time is counted by this process, and anew by another: what waits in the stream
// while nobody delivers has not waited for that action.
//
// What stands behind it in its own lane would never come, and is not waited for.
func (d *Deliverer) wait(ctx context.Context, j *job, id event.ActionID) error {
	now := d.now()
	var t trace
	d.traces.change(j.delivery.Sequence, func(known *trace) {
		if known.waiting.IsZero() {
			known.waiting = now
		}
		known.waits++
		t = *known
	})
	err := fmt.Errorf("deliver: action %s waits for action %s, of which nothing is known", j.action.ID, id)
	if now.Sub(t.waiting) >= j.line.policy.Retry.Age {
		return refuse(kindFollows, err)
	}
	if t.waits%behindEach == 0 {
		there, lookErr := d.cfg.Bus.Holds(ctx, bus.Copies{Topic: bus.Actions, Lane: j.lane, IDs: []string{string(id)}, Since: j.delivery.Stored})
		if lookErr == nil && there[string(id)] {
			return refuse(kindFollows, fmt.Errorf("deliver: action %s waits for action %s, which stands behind it in the same lane", j.action.ID, id))
		}
	}
	return bus.After(min(minFollow<<min(t.waits-1, 10), maxFollow), err)
}
