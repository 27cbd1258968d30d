package rocketchat

import (
	"context"
	"fmt"
	"slices"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Reader = (*Connection)(nil)

// historySize is how many messages a page of history has if nothing is said.
const historySize = 50

// Thread returns a page of a thread: its root (chat.getMessage) and the replies (chat.getThreadMessages). Each page is one
// call, and one more where the root belongs. A root that was deleted and left a tombstone is left out, and its replies are
// there; one that was deleted without is gone.
func (c *Connection) Thread(ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	at, err := readAt(p)
	if err == nil {
		err = c.checkPlace(t, checkID(string(t.Root)))
	}
	if err != nil {
		return relay.History{}, rejected(fmt.Errorf("read %s: %w", t, err))
	}
	h, err := c.readThread(ctx, t, at)
	if err != nil {
		err = fmt.Errorf("rocketchat: read %s: %w", t, err)
		if IsNoMessage(err) {
			return relay.History{}, &relay.Failure{Kind: relay.RootGone, Err: err}
		}
		return relay.History{}, failure(err)
	}
	return h, nil
}

func (c *Connection) readThread(ctx context.Context, t event.ThreadRef, at place) (relay.History, error) {
	var h relay.History
	if at.start && at.oldestFirst {
		if err := c.readRoot(ctx, t, &h); err != nil {
			return relay.History{}, err
		}
		if at.limit--; at.limit == 0 {
			h.Next = "0"
			return h, nil
		}
	}
	if !at.root {
		rows, next, err := at.read(func(p Paging) (Page[Message], error) { return c.client.ThreadPage(ctx, string(t.Root), p) })
		if err != nil {
			return relay.History{}, err
		}
		rows = slices.DeleteFunc(rows, func(m Message) bool { return m.ID == string(t.Root) }) // which old servers have in it
		if err := c.retell(ctx, rows, &h); err != nil {
			return relay.History{}, err
		}
		h.Next = next
	}
	switch {
	case at.oldestFirst || h.Next != "":
		return h, nil
	case len(h.Messages) >= at.limit:
		h.Next = rootCursor
		return h, nil
	}
	return h, c.readRoot(ctx, t, &h)
}

// readRoot adds the root of a thread.
func (c *Connection) readRoot(ctx context.Context, t event.ThreadRef, h *relay.History) error {
	m, err := c.client.Message(ctx, string(t.Root))
	if err != nil {
		return err
	}
	return c.retell(ctx, []Message{m}, h)
}

// Conversation returns a page of a room (channels.messages, groups.messages or im.messages, by its kind), with what was said
// in its threads. Each page is one call, and the first of a room one or two more.
func (c *Connection) Conversation(ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	at, err := readAt(p)
	if err == nil {
		err = c.checkPlace(t, checkRoomName(string(t.Conversation)))
	}
	if err != nil {
		return relay.History{}, rejected(fmt.Errorf("read %q: %w", t.Conversation, err))
	}
	h, err := c.readRoom(ctx, t.Conversation, at)
	if err != nil {
		return relay.History{}, failure(fmt.Errorf("rocketchat: read %s: %w", t.Conversation, err))
	}
	return h, nil
}

// checkPlace reports a reference that leads elsewhere, or whose id is at fault.
func (c *Connection) checkPlace(t event.ThreadRef, fault error) error {
	if t.Connection != c.id {
		return fmt.Errorf("it is of connection %q, this is %q", t.Connection, c.id)
	}
	return fault
}

func (c *Connection) readRoom(ctx context.Context, conversation event.ConversationID, at place) (relay.History, error) {
	calls := 0
	room, there, err := c.resolve(ctx, string(conversation), &calls)
	if err != nil || !there {
		return relay.History{}, err
	}
	if _, err := room.Kind.family(); err != nil {
		return relay.History{}, rejected(fmt.Errorf("read %s: %w", conversation, err))
	}
	rows, next, err := at.read(func(p Paging) (Page[Message], error) { return c.client.MessagesPage(ctx, room.Kind, room.ID, p) })
	h := relay.History{Next: next}
	if err == nil {
		err = c.retell(ctx, rows, &h)
	}
	return h, err
}

// User returns a user (users.info), under the name that messages show.
func (c *Connection) User(ctx context.Context, id event.UserID) (event.User, error) {
	if err := checkID(string(id)); err != nil {
		return event.User{}, rejected(fmt.Errorf("user %q: %w", id, err))
	}
	u, err := c.client.User(ctx, string(id))
	if err != nil {
		err = fmt.Errorf("rocketchat: user %q: %w", id, err)
		if IsNoUser(err) {
			return event.User{}, &relay.Failure{Kind: relay.Denied, Err: err}
		}
		return event.User{}, failure(err)
	}
	return c.sender(&Message{User: UserRef{ID: u.ID, Username: u.Username, Name: u.Name}}), nil
}

// retell adds what documents say, less those that say nothing: what the system notes, tombstones and hidden copies.
func (c *Connection) retell(ctx context.Context, rows []Message, h *relay.History) error {
	for i := range rows {
		m := &rows[i]
		if m.Type != "" || m.Hidden || m.Private || m.Deleted() || checkID(m.ID) != nil {
			continue
		}
		room, err := c.room(ctx, event.ConversationID(m.RoomID))
		if err != nil {
			return err
		}
		to, _ := recipient(room, event.UserID(m.User.ID))
		h.Messages = append(h.Messages, relay.Said{Message: c.said(m, to), Thread: c.thread(m), Time: m.Time, Edited: m.EditedAt})
	}
	return nil
}
