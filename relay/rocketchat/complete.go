package rocketchat

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Completer = (*Connection)(nil)

// Complete finds out what a report left out: from what [Connection.Remember] was told, or by asking for the message
// (chat.getMessage) and, where that matters, for the kind of its room (rooms.info). It returns a whole event as it is.
//
// An edit gets the time of the message's latest edit, and the text that the message has now: that of an earlier edit is gone,
// and the two become one event. A deletion costs no call, since the message cannot be asked for any more: if nothing is
// remembered of it, it is told as that of a message of its own.
//
// Its error is a [*relay.Failure]; the kind RootGone means that the message does not exist any more.
func (c *Connection) Complete(ctx context.Context, e event.Event) (event.Event, error) {
	if !e.Incomplete {
		return e, nil
	}
	if e.Thread.Connection != c.id || e.Message == nil || checkID(string(e.Message.ID)) != nil {
		return event.Event{}, rejected(fmt.Errorf("complete %s: it is not about a message of connection %q", e.ID, c.id))
	}
	if whole, ok := c.recall(e); ok {
		return whole, nil
	}
	whole, err := c.ownSaid(ctx, e)
	if whole.ID == "" && err == nil {
		whole, err = c.ask(ctx, e)
	}
	if err != nil {
		err = fmt.Errorf("rocketchat: complete %s: %w", e.ID, err)
		if IsNoMessage(err) || errors.Is(err, errGone) {
			return event.Event{}, &relay.Failure{Kind: relay.RootGone, Err: err}
		}
		return event.Event{}, failure(err)
	}
	return whole, nil
}

// recall completes an event from memory, if that suffices. What is stored already needs no more than its id.
func (c *Connection) recall(e event.Event) (event.Event, bool) {
	k, _ := c.memory.get(string(e.Message.ID))
	id := event.ID(strings.TrimSuffix(string(e.ID), incompleteSuffix))
	placed := k.thread.Root != ""
	switch e.Type {
	case event.MessageDeleted:
		if !placed {
			k.thread = e.Thread
			k.thread.Root = e.Message.ID
		}
	case event.MessageCreated:
		if !placed || !k.created {
			return e, false
		}
	case event.MessageEdited:
		if !placed || k.edited == 0 || k.text != digest(e.Message.Text) {
			return e, false
		}
		e.Time = timeOf(k.edited)
		id = c.editID(string(e.Message.ID), e.Time)
	default:
		return e, false
	}
	e = k.fill(e)
	e.ID, e.Incomplete = id, false
	return e, true
}

// ownSaid completes a message of our own that this process has sent, and whose text says all, without asking for it: its
// marker is all that the report left out. It returns nothing if that does not suffice.
func (c *Connection) ownSaid(ctx context.Context, e event.Event) (event.Event, error) {
	k, _ := c.memory.get(string(e.Message.ID))
	if e.Type != event.MessageCreated || k.marker == nil || e.Message.Sender.ID != c.self || !saysAll(e.Message.Text) {
		return event.Event{}, nil
	}
	room, err := c.room(ctx, e.Thread.Conversation)
	if err != nil {
		return event.Event{}, err
	}
	m := *e.Message
	m.Recipient, _ = recipient(room, c.self)
	m.Marker = k.marker
	e.ID, e.Message, e.Incomplete = c.eventID(string(m.ID), idCreated), &m, false
	return e, nil
}

// errGone means that a message was deleted, and has left a tombstone.
var errGone = errors.New("the message is deleted")

// ask completes an event by asking for its message.
func (c *Connection) ask(ctx context.Context, e event.Event) (event.Event, error) {
	m, err := c.client.Message(ctx, string(e.Message.ID))
	switch {
	case err != nil:
		return event.Event{}, err
	case m.ID != string(e.Message.ID) || checkID(m.RoomID) != nil:
		return event.Event{}, fmt.Errorf("the answer is about message %q in room %q", m.ID, m.RoomID)
	case m.Deleted():
		return event.Event{}, errGone
	}
	room, err := c.room(ctx, event.ConversationID(m.RoomID))
	if err != nil {
		return event.Event{}, err
	}
	c.learn(&m)
	if e.Type != event.MessageEdited {
		return c.created(&m, room), nil
	}
	if m.EditedAt.IsZero() { // there is no edit to tell of that would not be told otherwise
		m.EditedAt = m.UpdatedAt
	}
	return c.edited(&m, room), nil
}
