package bots

import (
	"context"
	"fmt"

	"github.com/threadrelay/threadrelay/bus/event"
)

// outbox collects what a handler asks for, in order. The ids of the actions follow from the cause, the bot and their place, so
// that a handler that runs twice asks for the same actions.
type outbox struct {
	bot   *Bot
	world World
	cause event.ID // what the ids are derived from
	// event is the cause as it stands in the actions; empty if they have none.
	event   event.ID
	actions []event.Action
	left    int // how many of them have been flushed
}

// add completes an action and takes it.
func (o *outbox) add(a event.Action) event.Action {
	a.ID = event.NewActionID(o.cause, o.bot.name, len(o.actions))
	a.Time, a.Bot, a.Cause = o.world.Now().UTC(), o.bot.name, o.event
	if a.As == "" {
		a.As = o.bot.as
	}
	o.actions = append(o.actions, a)
	return a
}

// rest is what has yet to leave.
func (o *outbox) rest() []event.Action { return o.actions[o.left:] }

// flush has leave what has yet to.
func (o *outbox) flush(ctx context.Context) error {
	if len(o.rest()) == 0 {
		return nil
	}
	if err := o.world.Store(ctx, o.rest()); err != nil {
		return fmt.Errorf("bots: %s: %w", o.bot.name, err)
	}
	o.left = len(o.actions)
	return nil
}
