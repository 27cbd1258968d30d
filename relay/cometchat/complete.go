package cometchat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var (
	_ relay.Completer  = (*Connection)(nil)
	_ relay.Rememberer = (*Connection)(nil)
)

// Complete finds out in which thread the message of an incomplete event stands: from what [Connection.Remember] was told or
// an earlier call found out, else by GET /messages/{id} in the app's own name, which sees every conversation. Concurrent
// questions about one message are one call.
//
// Where it was found makes no difference to the event: it has the thread of its message (the parent's, if that is a reply),
// and the id that it came with less ":incomplete". So a delete whose webhook says nothing but the message's id gets the id
// that the poller's has. Complete returns a whole event as it is.
//
// Its error is a [*relay.Failure]; the kind RootGone means that the message does not exist any more. A delete never ends so:
// if all of the message is gone, it is told as that of a message of its own in the conversation that the webhook named.
func (c *Connection) Complete(ctx context.Context, e event.Event) (event.Event, error) {
	if !e.Incomplete {
		return e, nil
	}
	id, err := c.subjectOf(e)
	if err != nil {
		return event.Event{}, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: complete %s: %w", e.ID, err)}
	}
	at, err := c.placeOf(ctx, id)
	if err != nil {
		f := failure(fmt.Errorf("cometchat: complete %s: %w", e.ID, err), true)
		if f.Kind != relay.RootGone || e.Type != event.MessageDeleted {
			return event.Event{}, f
		}
		at = placed{id: id, sender: e.Message.Sender.ID, recipient: e.Message.Recipient, thread: e.Thread}
		at.thread.Root = id
	}
	return whole(e, at), nil
}

// Remember takes note of where a whole event's message stands.
func (c *Connection) Remember(e event.Event) {
	m := e.Message
	if m == nil || e.Incomplete || e.Thread.Connection != c.id || e.Thread.Conversation == "" || e.Thread.Root == "" {
		return
	}
	c.places.put(placed{id: m.ID, parent: m.Parent, sender: m.Sender.ID, recipient: m.Recipient, thread: e.Thread}, c.now())
}

// subjectOf returns the message that an event is about.
func (c *Connection) subjectOf(e event.Event) (event.MessageID, error) {
	if e.Thread.Connection != c.id {
		return "", fmt.Errorf("it is of connection %q, this is %q", e.Thread.Connection, c.id)
	}
	var subject event.MessageID
	switch {
	case e.Reaction != nil:
		subject = e.Reaction.Message
	case e.Message != nil:
		subject = e.Message.ID
	}
	id, err := messageID(text(subject))
	return event.MessageID(id), err
}

// whole returns the event with what it left out.
func whole(e event.Event, at placed) event.Event {
	e.Incomplete = false
	e.ID = event.ID(strings.TrimSuffix(string(e.ID), incompleteSuffix))
	e.Thread = at.thread
	if e.Message == nil {
		return e
	}
	m := *e.Message
	m.Parent, m.Recipient = at.parent, at.recipient
	if m.Sender.ID != at.sender {
		m.Sender = event.User{ID: at.sender, System: at.sender == systemUID}
	}
	e.Message = &m
	return e
}

// placeOf returns where a message stands. Whoever waits for the answer may give up alone: the call goes on for the others.
func (c *Connection) placeOf(ctx context.Context, id event.MessageID) (placed, error) {
	if at, ok := c.places.get(id, c.now()); ok {
		return at, nil
	}
	if err := ctx.Err(); err != nil {
		return placed{}, err
	}
	answer := c.places.calls.DoChan(string(id), func() (any, error) {
		if at, ok := c.places.get(id, c.now()); ok { // since the look above
			return at, nil
		}
		at, err := c.lookUp(context.WithoutCancel(ctx), id)
		if err == nil {
			c.places.put(at, c.now())
		}
		return at, err
	})
	select {
	case <-ctx.Done():
		return placed{}, ctx.Err()
	case r := <-answer:
		if r.Err != nil {
			return placed{}, r.Err
		}
		at, ok := r.Val.(placed)
		if !ok {
			return placed{}, errors.New("the look-up returned nothing")
		}
		return at, nil
	}
}

// lookUp asks the platform where a message stands.
func (c *Connection) lookUp(ctx context.Context, id event.MessageID) (placed, error) {
	var w wirePlace
	if err := c.client.call(ctx, Request{Method: http.MethodGet, Path: []string{"messages", string(id)}}, &w); err != nil {
		return placed{}, err
	}
	at, err := c.place(w)
	if err != nil {
		return placed{}, fmt.Errorf("answer: data: %w", err)
	}
	if at.id != id {
		return placed{}, fmt.Errorf("answer: data: it is about message %s", at.id)
	}
	return at, nil
}
