package query

import (
	"context"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// How long a page of history and a user count, and how many are remembered. A page is out of date with the next message: it
// is remembered for the sake of several bots that are woken by the same one.
const (
	pageTTL  = 2 * time.Second
	userTTL  = 5 * time.Minute
	maxPages = 200
	maxUsers = 10_000
)

// Bounds of a page, in messages. What would not fit into a message of the bus is refused, and asked for in smaller pages.
const (
	defaultPage = 50
	maxPage     = 100
)

// Thread returns a page of a thread.
func (d *Desk) Thread(ctx context.Context, q event.HistoryQuery) (event.HistoryAnswer, error) {
	return d.history(ctx, q, d.threads, relay.Reader.Thread)
}

// Conversation returns a page of a conversation, with what was said in its threads.
func (d *Desk) Conversation(ctx context.Context, q event.HistoryQuery) (event.HistoryAnswer, error) {
	q.Thread.Root = "" // makes no difference
	return d.history(ctx, q, d.conversations, relay.Reader.Conversation)
}

// reading is one of a reader's ways to read.
type reading func(r relay.Reader, ctx context.Context, t event.ThreadRef, p relay.PageRequest) (relay.History, error)

func (d *Desk) history(ctx context.Context, q event.HistoryQuery, m *memory[event.HistoryQuery, event.HistoryAnswer], read reading) (event.HistoryAnswer, error) {
	p, err := platform(d.cfg.Readers, q.Thread.Connection)
	if err != nil {
		return event.HistoryAnswer{}, err
	}
	if q.Limit <= 0 {
		q.Limit = defaultPage
	}
	q.Limit = min(q.Limit, maxPage)
	page, err := m.ask(ctx, q, func(ctx context.Context, q event.HistoryQuery) (event.HistoryAnswer, time.Duration, error) {
		h, err := read(p, ctx, q.Thread, relay.PageRequest{Limit: q.Limit, Cursor: q.Cursor, OldestFirst: q.OldestFirst})
		return event.HistoryAnswer{Messages: h.Messages, Next: h.Next}, pageTTL, err
	})
	if err != nil {
		return event.HistoryAnswer{}, refused("read "+q.Thread.String(), err, relay.RootGone)
	}
	return page, nil
}

// User returns a user.
func (d *Desk) User(ctx context.Context, q event.UserQuery) (event.User, error) {
	p, err := platform(d.cfg.Readers, q.Connection)
	if err != nil {
		return event.User{}, err
	}
	user, err := d.users.ask(ctx, q, func(ctx context.Context, q event.UserQuery) (event.User, time.Duration, error) {
		u, err := p.User(ctx, q.User)
		return u, userTTL, err
	})
	if err != nil {
		return event.User{}, refused("user "+string(q.User), err, relay.Denied)
	}
	return user, nil
}
