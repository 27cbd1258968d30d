package deliver

import (
	"context"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// coalesce leaves an edit out if the next action of the lane edits the same message again, so that a text that is written
// piece by piece catches up at once. It asks the stream only when something is known to wait behind the edit. If the later edit
// fails in the end, the message keeps what it said before both.
func (d *Deliverer) coalesce(ctx context.Context, j *job) error {
	if j.action.Type != event.Edit {
		return nil
	}
	m, err := j.delivery.Next(ctx)
	if err != nil {
		d.cfg.Log.Debug("cannot look at what follows an edit", "action", j.action.ID, "error", err)
		return nil // it can do without
	}
	if m == nil || bus.SkipReplay(Group, m.Metadata) {
		return nil
	}
	later, err := bus.ReadAction(m)
	if err != nil || !replaces(later, j.action) {
		return nil //nolint:nilerr // it is told when that action's turn comes
	}
	j.settle(event.Receipt{Outcome: event.Superseded, Message: j.now.Target})
	d.count(j, "superseded")
	return nil
}

// replaces reports whether after a later action nothing is left of an edit.
func replaces(later, a event.Action) bool {
	return later.Type == event.Edit && later.Thread.Connection == a.Thread.Connection && later.Bot == a.Bot && later.As == a.As &&
		later.Target == a.Target && later.TargetAction == a.TargetAction && (later.Follows == "" || later.Follows == a.Follows) &&
		(len(a.Metadata) == 0 || len(later.Metadata) > 0) && (len(a.Tags) == 0 || len(later.Tags) > 0)
}
