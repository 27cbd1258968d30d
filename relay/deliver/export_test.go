package deliver

import (
	"context"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// Store is the bucket of the ledger, and Publish how receipts are published.
type (
	Store   = store
	Publish = func(ctx context.Context, topic string, m ...*message.Message) ([]bus.Ack, error)
)

// Intercept puts something between a deliverer that has yet to run and what it writes to. Each may be nil.
func (d *Deliverer) Intercept(ctx context.Context, wrapStore func(Store) Store, wrapPublish func(Publish) Publish) error {
	state, err := d.cfg.Bus.State(ctx, bus.Ledger)
	if err != nil {
		return err
	}
	d.ledger = &ledger{store: state}
	if wrapStore != nil {
		d.ledger.store = wrapStore(state)
	}
	if wrapPublish != nil {
		d.publish = wrapPublish(d.publish)
	}
	return nil
}

// ActionKey is where the ledger's entry of an action stands.
func ActionKey(c event.ConnectionID, id event.ActionID) string { return actionKey(c, id) }
