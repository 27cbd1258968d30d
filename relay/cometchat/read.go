package cometchat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Reader = (*Connection)(nil)

// Bounds of a page of history.
const (
	historySize = 50
	maxHistory  = 500
)

// Thread returns a page of a thread, its root among the messages (GET /messages/{id}/thread, GET /messages/{id}), in the
// app's name. Each page is one call, and one more where the root belongs.
func (c *Connection) Thread(ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	src, err := c.source("thread/" + string(t.Root))
	if err != nil {
		return relay.History{}, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: read %s: %w", t, err)}
	}
	h, err := c.thread(ctx, src, p)
	if err != nil {
		return relay.History{}, failure(fmt.Errorf("cometchat: read %s: %w", t, err), true)
	}
	return h, nil
}

func (c *Connection) thread(ctx context.Context, src source, p relay.PageRequest) (relay.History, error) {
	limit := historyLimit(p.Limit)
	var root []relay.Said
	if p.OldestFirst && p.Cursor == "" {
		m, err := c.client.Message(ctx, strconv.FormatUint(src.root, 10))
		if err != nil {
			return relay.History{}, err
		}
		root = c.said(m.Raw)
		if limit--; limit == 0 {
			return relay.History{Messages: root, Next: m.ID}, nil
		}
	}
	h, err := c.history(ctx, src, relay.PageRequest{Limit: limit, Cursor: p.Cursor, OldestFirst: p.OldestFirst})
	if err != nil {
		return relay.History{}, err
	}
	h.Messages = append(root, h.Messages...)
	if p.OldestFirst || h.Next != "" {
		return h, nil
	}
	m, err := c.client.Message(ctx, strconv.FormatUint(src.root, 10))
	if refused := (*APIError)(nil); errors.As(err, &refused) && isNoMessage(refused.Code) {
		return h, nil
	}
	h.Messages = append(h.Messages, c.said(m.Raw)...)
	return h, err
}

// Conversation returns a page of a conversation (GET /groups/{guid}/messages in the app's name, GET /users/{uid}/messages in
// that of one of the two). Each page is one call.
func (c *Connection) Conversation(ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error) {
	src, err := c.talk(t.Conversation)
	if err != nil {
		return relay.History{}, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: read: %w", err)}
	}
	h, err := c.history(ctx, src, p)
	if err != nil {
		return relay.History{}, failure(fmt.Errorf("cometchat: read %s: %w", t.Conversation, err), false)
	}
	return h, nil
}

// talk returns where a conversation is read.
func (c *Connection) talk(conversation event.ConversationID) (source, error) {
	as := string(c.self)
	if pair, ok := strings.CutPrefix(string(conversation), usersPrefix); ok {
		as, _, _ = strings.Cut(pair, usersSep)
	}
	to, kind, err := receiver(conversation, as)
	if err != nil {
		return source{}, err
	}
	if kind == "group" {
		return source{path: []string{"groups", to, "messages"}, guid: to}, nil
	}
	if as, err = uid(as); err != nil {
		return source{}, fmt.Errorf("conversation %q: connection %q has no BotUID, whose conversation it would be", conversation, c.id)
	}
	return source{path: []string{"users", to, "messages"}, as: as, uid: to}, nil
}

// User returns a user (GET /users/{uid}).
func (c *Connection) User(ctx context.Context, id event.UserID) (event.User, error) {
	name, err := uid(string(id))
	if err != nil {
		return event.User{}, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: user %q: %w", id, err)}
	}
	u, err := c.client.User(ctx, name)
	if err != nil {
		return event.User{}, failure(fmt.Errorf("cometchat: user %q: %w", id, err), false)
	}
	return c.user(event.UserID(u.UID), wireUser{Name: u.Name, Avatar: u.Avatar}), nil
}

// history reads a page. Its cursor is the id of the last row, said or not.
func (c *Connection) history(ctx context.Context, src source, p relay.PageRequest) (relay.History, error) {
	at := Cursor{Affix: Prepend, ID: p.Cursor, Limit: historyLimit(p.Limit)}
	if p.OldestFirst {
		at.Affix = Append
		if at.ID == "" && src.root != 0 {
			at.ID = strconv.FormatUint(src.root, 10)
		}
	}
	if at.ID != "" {
		if _, err := messageID(text(at.ID)); err != nil {
			return relay.History{}, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: read: cursor %q: %w", p.Cursor, err)}
		}
	}
	rows, full, _, err := c.rows(ctx, src, at, MessageFilter{})
	if err != nil {
		return relay.History{}, err
	}
	rows = slices.DeleteFunc(rows, func(r pollRow) bool { return !at.before(strconv.FormatUint(r.id, 10)) })
	if !p.OldestFirst {
		slices.Reverse(rows)
	}
	var h relay.History
	for _, row := range rows {
		h.Messages = append(h.Messages, c.said(row.raw)...)
	}
	if full && len(rows) > 0 {
		h.Next = strconv.FormatUint(rows[len(rows)-1].id, 10)
	}
	return h, nil
}

// said returns what a row says: one message, or none.
func (c *Connection) said(row []byte) []relay.Said {
	events, err := c.eventsOf(row)
	if err != nil {
		return nil // which the poller tells
	}
	var said []relay.Said
	for _, e := range events {
		switch {
		case e.Type == event.MessageCreated && e.Message != nil:
			said = append(said, relay.Said{Message: *e.Message, Thread: e.Thread, Time: e.Time})
		case e.Type == event.MessageEdited && len(said) > 0:
			said[0].Edited = e.Time
		}
	}
	return said
}

func historyLimit(n int) int {
	if n <= 0 {
		n = historySize
	}
	return min(n, maxHistory)
}
