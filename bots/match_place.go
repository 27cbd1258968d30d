package bots

import (
	"slices"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Direct matches messages that were said to the bot alone.
func Direct() Matcher { return matching((*Message).Direct) }

// InGroup matches messages that were said to a group.
func InGroup() Matcher { return Not(Direct()) }

// InThread matches replies in a thread, and with Not what may start one.
func InThread() Matcher { return matching((*Message).InThread) }

// Connection matches what comes by one of the connections.
func Connection(ids ...event.ConnectionID) Matcher {
	return matching(func(m *Message) bool { return slices.Contains(ids, m.Event.Thread.Connection) })
}

// Conversation matches what was said in one of the conversations, each in the words of its platform, such as "group/eng".
func Conversation(ids ...event.ConversationID) Matcher {
	return matching(func(m *Message) bool { return slices.Contains(ids, m.Event.Thread.Conversation) })
}

// From matches what one of the users has said or done.
func From(ids ...event.UserID) Matcher {
	return matching(func(m *Message) bool { return slices.Contains(ids, m.Sender.ID) })
}
