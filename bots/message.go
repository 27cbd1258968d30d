package bots

import (
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// Message is a chat message that a handler reacts to. It belongs to the handler that it was given to.
type Message struct {
	// Event is all that is known of it.
	Event event.Event
	// Sender is who said it.
	Sender event.User
	// Text is what was said; empty for a message that is a picture, say.
	Text string
	// Thread is where it was said, and where to answer.
	Thread *Thread
}

// Reply answers in the message's thread, and starts it if the message is not in one. Arguments are handled as by
// fmt.Sprintf.
func (m *Message) Reply(format string, args ...any) {
	m.Thread.Reply(format, args...)
}

// Thread is a thread of a conversation, or the message that one may start from.
type Thread struct {
	// Ref names it.
	Ref event.ThreadRef

	bot     *Bot
	ask     pages
	cause   event.ID
	actions []event.Action
}

// Reply says something in the thread. Arguments are handled as by fmt.Sprintf.
func (t *Thread) Reply(format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	t.actions = append(t.actions, event.Action{
		ID:     event.NewActionID(t.cause, t.bot.name, len(t.actions)),
		Type:   event.Reply,
		Time:   time.Now().UTC(),
		Thread: t.Ref,
		As:     t.bot.as,
		Text:   text,
		Bot:    t.bot.name,
		Cause:  t.cause,
	})
}

func newMessage(b *Bot, e event.Event, ask pages) *Message {
	return &Message{
		Event:  e,
		Sender: e.Message.Sender,
		Text:   e.Message.Text,
		Thread: &Thread{Ref: e.Thread, bot: b, ask: ask, cause: e.ID},
	}
}

// output is what the handler asked for, ready to be published.
func (m *Message) output() ([]*message.Message, error) {
	var out []*message.Message
	for _, a := range m.Thread.actions {
		msg, err := bus.ActionMessage(a)
		if err != nil {
			return nil, Permanent(fmt.Errorf("bots: %s: %w", m.Thread.bot.name, err))
		}
		out = append(out, msg)
	}
	return out, nil
}
