package deliver

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// fallBack does what the policy says about a reply whose root is gone. gone is how that was told.
func (d *Deliverer) fallBack(ctx context.Context, j *job, gone error) (event.Receipt, error) {
	policy := j.line.policy.RootGone
	if policy == Dead {
		return event.Receipt{}, gone
	}
	if policy == NewRoot {
		r, err := d.replyToNewRoot(ctx, j)
		if !isKind(err, relay.RootGone) {
			return r, err
		}
	}
	a := j.now
	a.Type, a.Thread.Root = event.Post, ""
	r, err := d.carryInstead(ctx, j, a)
	r.Fallback = string(policy)
	return r, err
}

// replyToNewRoot replies to the message that took the root's place. If there is none, the error is of the kind RootGone.
func (d *Deliverer) replyToNewRoot(ctx context.Context, j *job) (event.Receipt, error) {
	e, revision, err := d.ledger.read(ctx, rootKey(j.now.Thread))
	if err != nil {
		return event.Receipt{}, d.unread("read", err)
	}
	if revision == 0 {
		return event.Receipt{}, &relay.Failure{Kind: relay.RootGone, Err: errors.New("nothing has taken its place")}
	}
	a := j.now
	a.Thread.Root = e.Message
	r, err := d.carryInstead(ctx, j, a)
	r.Fallback = string(NewRoot)
	return r, err
}

// carryInstead carries out what takes the place of a reply. An earlier attempt may have done that before.
func (d *Deliverer) carryInstead(ctx context.Context, j *job, a event.Action) (event.Receipt, error) {
	if d.mayBeThere(j) && !j.line.native {
		if r, found, err := d.find(ctx, j, a); err != nil || found {
			return r, err
		}
	}
	return d.carry(ctx, j, a)
}

// keepRoot writes down which message took the place of a root, for those that reply to it later. That comes after the entry
// of the reply itself, which would otherwise, after a crash in between, reply to its own message. early says that the ledger
// had the entry from before: then a later root stays.
func (d *Deliverer) keepRoot(ctx context.Context, j *job, early bool) error {
	r := j.receipt
	if r.Fallback != string(NewRoot) || r.Root != "" || r.Message == "" || j.now.Thread.Root == "" {
		return nil
	}
	data, err := json.Marshal(entry{Outcome: event.Done, Time: r.Time, Message: r.Message})
	if err != nil {
		return err
	}
	key := rootKey(j.now.Thread)
	if early {
		_, err = d.ledger.store.Update(ctx, key, bus.Change{Data: data})
	} else {
		_, err = d.ledger.store.Put(ctx, key, data, 0)
	}
	if err != nil && !errors.Is(err, bus.ErrConflict) {
		return d.unread("write", err)
	}
	return nil
}
