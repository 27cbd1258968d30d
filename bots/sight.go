package bots

import (
	"context"

	"github.com/threadrelay/threadrelay/bus/event"
)

// members answers whether a user belongs to a conversation.
type members func(context.Context, event.MembershipQuery) (bool, error)

// listens reports whether an event is a new message of somebody who may be talked to.
func listens(e event.Event) bool {
	return e.Type == event.MessageCreated && !e.Message.Sender.System && e.Message.Marker == nil
}

// sees reports whether a bot is shown an event: a new message of somebody else, said to the bot itself or to a group that it
// belongs to. Where nobody can say whether it belongs there, it is shown the message, and the platform has the last word
// when the bot answers. The only error is that of a context that has ended.
func (b *Bot) sees(ctx context.Context, e event.Event, ask members) (bool, error) {
	if !listens(e) {
		return false, nil
	}
	self := b.as
	if self == "" {
		self = e.Self
	}
	switch {
	case e.Message.Sender.ID == self || e.Message.Sender.ID == e.Self:
		return false, nil
	case e.Message.Direct():
		return e.Message.Recipient == self, nil
	}
	member, err := ask(ctx, event.MembershipQuery{Connection: e.Thread.Connection, Conversation: e.Thread.Conversation, User: self})
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return member || err != nil, nil
}
