package bots

import (
	"context"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Members answers whether a user belongs to a conversation.
type members func(context.Context, event.MembershipQuery) (bool, error)

// sees reports whether a bot is shown an event: a new message of somebody else, said to the bot itself or to a group that it
// belongs to. Where nobody can say whether it belongs there, it is shown the message, and the platform has the last word
// when the bot answers.
func (b *Bot) sees(ctx context.Context, e event.Event, ask members) bool {
	if e.Type != event.MessageCreated || e.Message.Sender.System || e.Message.Marker != nil {
		return false
	}
	self := b.as
	if self == "" {
		self = e.Self
	}
	switch {
	case e.Message.Sender.ID == self || e.Message.Sender.ID == e.Self:
		return false
	case e.Message.Direct():
		return e.Message.Recipient == self
	}
	member, err := ask(ctx, event.MembershipQuery{Connection: e.Thread.Connection, Conversation: e.Thread.Conversation, User: self})
	return member || err != nil
}
