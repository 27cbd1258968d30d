package deliver

import (
	"context"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// send has the platform carry the action out.
func (d *Deliverer) send(ctx context.Context, j *job) error {
	r, err := d.carry(ctx, j, j.now)
	if isKind(err, relay.RootGone) && j.now.Type == event.Reply {
		r, err = d.fallBack(ctx, j, err)
	}
	if err == nil {
		err = d.carryRest(ctx, j)
	}
	if err != nil {
		return err
	}
	j.settle(r)
	d.count(j, "done")
	return nil
}

// carry makes one call, and remembers that it was made unless the platform says that it has done nothing.
func (d *Deliverer) carry(ctx context.Context, j *job, a event.Action) (event.Receipt, error) {
	var r event.Receipt
	err := j.line.call(ctx, func() (err error) {
		before := d.traces.of(j.delivery.Sequence).begun
		d.traces.change(j.delivery.Sequence, func(t *trace) { t.begun = true })
		r, err = j.line.sender.Send(ctx, a)
		if isKind(err, relay.RateLimited, relay.Denied, relay.Rejected, relay.RootGone) {
			d.traces.change(j.delivery.Sequence, func(t *trace) { t.begun = before })
		}
		d.note(a, r, err)
		return err
	})
	if a.Type == event.Reply {
		r.Root = a.Thread.Root
	}
	return r, err
}

// carryRest makes a change good for the further parts of its target: what is deleted is deleted as a whole, and of what is
// edited the first part says it all.
func (d *Deliverer) carryRest(ctx context.Context, j *job) error {
	if !j.changesParts() {
		return nil
	}
	for _, part := range j.parts[1:] {
		a := j.now
		a.Type, a.Target = event.Delete, part
		a.Text, a.Mentions, a.Tags, a.Metadata = "", nil, nil, nil
		if _, err := d.carry(ctx, j, a); err != nil {
			return err
		}
	}
	return nil
}
