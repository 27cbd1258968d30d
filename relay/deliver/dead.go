package deliver

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// maxReason bounds the reason in a receipt and in the ledger, in bytes. The dead letter has more of it.
const maxReason = 500

// lastLooks is how often it is tried to look for what an action has left that is about to be given up. The bus leaves half a
// second between two of them.
const lastLooks = 4

// dying writes down that an action becomes a dead letter, before it does: for those that follow it, in the ledger, and for the
// bots. If it turns out to have been carried out, that is written down, and it becomes none. Of what is no action nobody can be
// told.
func (d *Deliverer) dying(m *message.Message, reason error) error {
	ctx := m.Context()
	j, err := d.decode(ctx, m)
	if err != nil {
		return nil //nolint:nilerr // that is the reason
	}
	key := actionKey(j.action.Thread.Connection, j.action.ID)
	there, revision, err := d.ledger.read(ctx, key)
	if err != nil {
		return d.unread("read", err)
	}
	j.revision = revision
	last := entry{Outcome: event.Failed, Kind: kindOf(reason), Reason: shorten(reason.Error()), Time: time.Now()}
	switch {
	case revision != 0 && there.Outcome != event.Failed: // it was done, and that could not be told
		return d.spare(ctx, j, there)
	case revision != 0 && there.Kind == last.Kind && there.Reason == last.Reason:
		last = there
	default:
		if found, err := d.lastLook(ctx, j, reason); err != nil || found {
			return cmp.Or(err, bus.ErrSpared)
		}
		if last, err = d.replaceFailed(ctx, key, last, revision); err != nil {
			return err
		}
		if last.Outcome != event.Failed { // another process was there first
			return d.spare(ctx, j, last)
		}
	}
	j.settle(last.receipt())
	if err := d.tell(ctx, j); err != nil {
		return err
	}
	d.traces.forget(j.delivery.Sequence)
	d.count(j, "failed")
	return nil
}

// spare tells of an action that the ledger knows to have been carried out, and keeps it from becoming a dead letter.
func (d *Deliverer) spare(ctx context.Context, j *job, there entry) error {
	j.settle(there.receipt())
	if err := d.tell(ctx, j); err != nil {
		return err
	}
	d.traces.forget(j.delivery.Sequence)
	return bus.ErrSpared
}

// lastLook looks for what an action has left that is given up though its last attempt may have carried it out, because the
// process ended during it, or the answer did not come. What is found is written down. If it cannot be looked for again and
// again, it is given up all the same: a replay looks first.
func (d *Deliverer) lastLook(ctx context.Context, j *job, reason error) (found bool, err error) {
	var own *refusal // which comes before a call
	if errors.As(reason, &own) || !errors.Is(reason, bus.ErrCrashed) && !d.traces.of(j.delivery.Sequence).begun {
		return false, nil
	}
	if d.route(j) != nil || j.line.finder == nil {
		return false, nil //nolint:nilerr // nobody can be asked
	}
	missing, err := d.fillIn(ctx, j)
	switch {
	case kindOf(err) == kindFollows, err == nil && (missing != "" || j.changesParts()):
		return false, nil //nolint:nilerr // it was not sent, or is of several calls that do no harm when they are made again
	case err != nil:
		return false, err
	}
	r, found, err := d.find(ctx, j, j.now)
	if err != nil {
		return false, d.lookAgain(j, err)
	}
	if !found {
		return false, nil
	}
	j.settle(r)
	d.count(j, "found")
	return true, d.record(ctx, j)
}

// lookAgain decides whether an action is looked for again. A platform that asks for a pause will answer in the end.
func (d *Deliverer) lookAgain(j *job, err error) error {
	looks := 0
	d.traces.change(j.delivery.Sequence, func(t *trace) {
		if !isKind(err, relay.RateLimited) {
			t.looks++
		}
		looks = t.looks
	})
	var own *refusal // the policy is not to send again what cannot be looked for
	if errors.As(err, &own) || looks >= lastLooks {
		return nil
	}
	return err
}

func (d *Deliverer) replaceFailed(ctx context.Context, key string, last entry, revision uint64) (entry, error) {
	there, err := d.ledger.write(ctx, key, last, revision)
	if err != nil {
		return last, d.unread("write", err)
	}
	return there, nil
}

// shorten makes a reason one line of bounded length.
func shorten(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}
