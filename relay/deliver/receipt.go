package deliver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// settleTime is how long after the end of its context an action that was carried out may still be written down. It is shorter
// than what a worker waits for its handlers after their time is over.
const settleTime = 800 * time.Millisecond

// record writes down what became of the action: in the ledger, if it is not there yet, and then for the bots. What was carried
// out is remembered until that is done.
func (d *Deliverer) record(ctx context.Context, j *job) error {
	ctx, cancel := outlive(ctx, settleTime)
	defer cancel()
	early := j.written
	if !j.written {
		d.traces.change(j.delivery.Sequence, func(t *trace) { t.receipt = j.receipt })
		if err := d.enter(ctx, j); err != nil {
			return err
		}
	}
	if err := d.keepRoot(ctx, j, early); err != nil {
		return err
	}
	if err := d.tell(ctx, j); err != nil {
		return err
	}
	d.traces.forget(j.delivery.Sequence)
	return nil
}

// enter writes the receipt into the ledger. If another process was there first, its receipt counts.
func (d *Deliverer) enter(ctx context.Context, j *job) error {
	own := entryOf(*j.receipt)
	there, err := d.ledger.write(ctx, actionKey(j.line.id, j.action.ID), own, j.revision)
	if err != nil {
		return d.unread("write", err)
	}
	if there.Message != own.Message && own.Outcome == event.Done {
		d.metrics.duplicates.WithLabelValues(string(j.line.id)).Inc()
		d.cfg.Log.Warn("another process has carried out the same action: there are two messages", "action", j.action.ID, "thread", j.action.Thread,
			"message", own.Message, "other", there.Message)
	}
	j.settle(there.receipt())
	j.written = true
	return nil
}

// tell publishes the receipt for the bots.
func (d *Deliverer) tell(ctx context.Context, j *job) error {
	r := *j.receipt
	r.ID = receiptID(r, j.delivery.Sequence)
	m, err := bus.ReceiptMessage(r, j.lane)
	if err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	if _, err := d.publish(ctx, bus.Receipts, m); err != nil {
		d.metrics.ledger.WithLabelValues("receipt").Inc()
		return bus.After(ledgerPause, fmt.Errorf("deliver: cannot store the receipt: %w", err))
	}
	return nil
}

// receiptID names a receipt. An action is done once, and may fail again each time that its dead letter is replayed.
func receiptID(r event.Receipt, sequence uint64) string {
	id := string(r.Action) + ":" + string(r.Outcome)
	if r.Outcome == event.Failed {
		id += fmt.Sprintf(":%d", sequence)
	}
	return strings.NewReplacer("\r", "%0D", "\n", "%0A").Replace(id)
}

// outlive is a context that ends a while after another one.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() {
		unhook()
		cancel()
	}
}
