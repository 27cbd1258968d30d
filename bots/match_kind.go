package bots

import "github.com/threadrelay/threadrelay/bus/event"

// Kind matches events of the types, such as [event.MessageCreated]. New messages are what handlers are shown unless another
// type is asked for, and then only together with it if they are asked for too: Any(Created(), Edited()).
func Kind(types ...event.Type) Matcher {
	m := matching(func(m *Message) bool {
		for _, t := range types {
			if m.Event.Type == t {
				return true
			}
		}
		return false
	})
	m.asks.types = types
	return m
}

// Created matches new messages.
func Created() Matcher { return Kind(event.MessageCreated) }

// Edited matches messages that were changed; the text is the new one.
func Edited() Matcher { return Kind(event.MessageEdited) }

// Deleted matches messages that were taken back. They have no text any more.
func Deleted() Matcher { return Kind(event.MessageDeleted) }

// Reacted matches reactions with one of the emoji, with any if none is named. Emoji are compared as the platform writes them,
// with or without the colons of a name.
func Reacted(emoji ...string) Matcher { return reaction(event.ReactionAdded, emoji) }

// Unreacted matches reactions that were taken away again.
func Unreacted(emoji ...string) Matcher { return reaction(event.ReactionRemoved, emoji) }

func reaction(t event.Type, emoji []string) Matcher {
	m := matching(func(m *Message) bool { return m.Event.Type == t && isEmoji(m, emoji) })
	m.asks.types = []event.Type{t}
	return m
}

// FromBots matches what other bots of this relay say. A bot that answers bots should know when to stop.
func FromBots() Matcher {
	m := matching(func(m *Message) bool { return m.origin() == ofBots })
	m.asks.bots = true
	return m
}

// Own matches what the bot itself says and does, and what its user does.
func Own() Matcher {
	m := matching(func(m *Message) bool { return m.origin() == ofItself })
	m.asks.own = true
	return m
}

// FromSystem matches what the platform says by itself.
func FromSystem() Matcher {
	m := matching(func(m *Message) bool { return m.origin() == ofSystem })
	m.asks.system = true
	return m
}
