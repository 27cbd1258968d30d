package bots

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// store publishes messages, and returns once they are stored.
type store func(ctx context.Context, topic string, m ...*message.Message) ([]bus.Ack, error)

// outbox collects what a handler asks for, in order. The ids of the actions follow from the cause, the bot and their place, so
// that a handler that runs twice asks for the same actions.
type outbox struct {
	bot   *Bot
	cause event.ID // what the ids are derived from
	// event is the cause as it stands in the actions; empty if they have none.
	event   event.ID
	store   store
	actions []event.Action
	left    int // how many of them have been flushed
}

// add completes an action and takes it.
func (o *outbox) add(a event.Action) event.Action {
	a.ID = event.NewActionID(o.cause, o.bot.name, len(o.actions))
	a.Time, a.Bot, a.Cause = time.Now().UTC(), o.bot.name, o.event
	if a.As == "" {
		a.As = o.bot.as
	}
	o.actions = append(o.actions, a)
	return a
}

// messages is what has yet to leave, ready to be published. If one of the actions cannot travel, none does.
func (o *outbox) messages() ([]*message.Message, error) {
	var out []*message.Message
	for _, a := range o.actions[o.left:] {
		m, err := bus.ActionMessage(a)
		if err != nil {
			return nil, Permanent(fmt.Errorf("bots: %s: %w", o.bot.name, err))
		}
		out = append(out, m)
	}
	return out, nil
}

// flush publishes what has yet to leave.
func (o *outbox) flush(ctx context.Context) error {
	out, err := o.messages()
	if err != nil || len(out) == 0 {
		return err
	}
	if _, err := o.store(ctx, bus.Actions, out...); err != nil {
		return fmt.Errorf("bots: %s: %w", o.bot.name, err)
	}
	o.left = len(o.actions)
	return nil
}
