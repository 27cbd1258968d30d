package bots

import (
	"context"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Message is what a handler reacts to: a message that was said, edited or deleted, or a reaction to one. It belongs to the
// handler that it was given to, and must not be used after that one has returned.
type Message struct {
	// Event is all that is known of it.
	Event event.Event
	// Sender is who said it, or who reacted.
	Sender event.User
	// Text is what was said; empty for a message that is a picture, say, and for what is no message.
	Text string
	// Groups are the named groups of the [Text] pattern that matched, those that took part in the match.
	Groups map[string]string
	// Thread is where it was said, and where to answer.
	Thread *Thread
}

func newMessage(b *Bot, e event.Event, w World) *Message {
	m := &Message{
		Event:  e,
		Thread: &Thread{Ref: e.Thread, out: &outbox{bot: b, world: w, cause: e.ID, event: e.ID}},
	}
	switch {
	case e.Reaction != nil:
		m.Sender = e.Reaction.By
	case e.Message != nil:
		m.Sender, m.Text = e.Message.Sender, e.Message.Text
	}
	return m
}

// ID is the message's id at its platform; of a reaction, that of the message that was reacted to.
func (m *Message) ID() event.MessageID {
	switch {
	case m.Event.Reaction != nil:
		return m.Event.Reaction.Message
	case m.Event.Message != nil:
		return m.Event.Message.ID
	}
	return ""
}

// Direct reports whether it was said to one user instead of a group.
func (m *Message) Direct() bool { return m.Event.Message != nil && m.Event.Message.Direct() }

// InThread reports whether it is a reply in a thread.
func (m *Message) InThread() bool { return m.Event.Message != nil && m.Event.Message.Parent != "" }

// Reply answers in the message's thread, and starts it if the message is not in one. Arguments are handled as by
// fmt.Sprintf; without any, the format is the text as it is.
func (m *Message) Reply(format string, args ...any) *Sent { return m.Thread.Reply(format, args...) }

// Post says something in the message's conversation, outside of any thread.
func (m *Message) Post(format string, args ...any) *Sent { return m.Thread.Post(format, args...) }

// React adds a reaction to the message: a Unicode emoji, or a name such as ":tada:".
func (m *Message) React(emoji string) { m.Thread.Message(m.ID()).React(emoji) }

// Unreact takes the bot's reaction to the message away.
func (m *Message) Unreact(emoji string) { m.Thread.Message(m.ID()).Unreact(emoji) }

// In is another thread, or with an empty root another conversation, to speak in because of this message.
func (m *Message) In(ref event.ThreadRef) *Thread {
	return &Thread{Ref: ref, out: m.Thread.out}
}

// Flush has what was said so far leave now: see [Thread.Flush].
func (m *Message) Flush(ctx context.Context) error { return m.Thread.Flush(ctx) }
