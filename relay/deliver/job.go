package deliver

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// job is an action on its way.
type job struct {
	delivery bus.Delivery
	lane     string
	replayed bool
	// action is what was published, and now what is to be carried out: with what it follows filled in.
	action, now event.Action
	// parts are the messages of the target, where it is more than one.
	parts []event.MessageID
	line  *line
	// revision is that of the entry in the ledger; 0 if there is none.
	revision uint64
	// receipt says what became of the action, once that is known, and written whether the ledger knows it too.
	receipt *event.Receipt
	written bool
}

// decode reads the action out of its message.
func (d *Deliverer) decode(ctx context.Context, m *message.Message) (*job, error) {
	a, err := bus.ReadAction(m)
	if err != nil {
		return nil, err
	}
	j := &job{action: a, now: a, lane: m.Metadata.Get(bus.LaneKey), replayed: m.Metadata.Get(bus.ReplayKey) != ""}
	j.delivery, _ = bus.DeliveryOf(ctx)
	if j.lane == "" {
		j.lane = bus.ActionLane(a)
	}
	return j, nil
}

// route finds the platform that an action is for.
func (d *Deliverer) route(j *job) error {
	l, ok := d.lines[j.action.Thread.Connection]
	if !ok {
		return refuse(kindNowhere, fmt.Errorf("deliver: action %s is for connection %q, which is not configured", j.action.ID, j.action.Thread.Connection))
	}
	j.line = l
	return nil
}

// settle takes note of what became of the action.
func (j *job) settle(r event.Receipt) {
	r.Action, r.Type, r.Thread, r.Bot = j.action.ID, j.action.Type, j.action.Thread, j.action.Bot
	if r.Outcome == "" {
		r.Outcome = event.Done
	}
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	r.Time = r.Time.UTC()
	j.receipt = &r
}

// made is when the action was made: by the bot's clock, or by that of the server that stored it if the bot's is ahead or says
// nothing.
func (j *job) made() time.Time {
	at, stored := j.action.Time, j.delivery.Stored
	if at.IsZero() || !stored.IsZero() && stored.Before(at) {
		return stored
	}
	return at
}

// changesParts reports whether the action changes a message that has several parts, each of which takes a call.
func (j *job) changesParts() bool {
	return len(j.parts) > 1 && (j.action.Type == event.Delete || j.action.Type == event.Edit)
}

// says reports whether an action says something new, so that it would be seen twice if it were carried out twice.
func says(t event.ActionType) bool { return t == event.Reply || t == event.Post }
