package deliver

import (
	"context"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxReason bounds the reason in a receipt and in the ledger, in bytes. The dead letter has more of it.
const maxReason = 500

// dying writes down that an action becomes a dead letter, before it does: for those that follow it, in the ledger, and for the
// bots. Of what is no action nobody can be told.
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
	last := entry{Outcome: event.Failed, Kind: kindOf(reason), Reason: shorten(reason.Error()), Time: time.Now()}
	switch {
	case revision != 0 && there.Outcome != event.Failed: // it was done, and that could not be told
		last = there
	case revision != 0 && there.Kind == last.Kind && there.Reason == last.Reason:
		last = there
	default:
		if last, err = d.replaceFailed(ctx, key, last, revision); err != nil {
			return err
		}
	}
	j.settle(last.receipt())
	if err := d.tell(ctx, j); err != nil {
		return err
	}
	d.traces.forget(j.delivery.Sequence)
	if last.Outcome == event.Failed {
		d.count(j, "failed")
	}
	return nil
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
