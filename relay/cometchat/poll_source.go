package cometchat

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay/egress"
)

// source is something that can be polled.
type source struct {
	path []string
	// as is in whose name it is read; empty for the app's.
	as string
	// root is the thread's root, if it is a thread.
	root uint64
	// uid or guid is set if it is a user or a group.
	uid, guid string
}

// source reads a source's name.
func (c *Connection) source(name string) (source, error) {
	kind, id, named := strings.Cut(name, "/")
	if !named && name != "app" {
		kind, id = "user", name
	}
	switch {
	case name == "app":
		return source{path: []string{"messages"}}, nil
	case kind == "user":
		return c.userSource(name, id)
	case kind == "group":
		guid, err := uid(id)
		if err != nil {
			return source{}, fmt.Errorf("source %q: %w", name, err)
		}
		return source{path: []string{"groups", guid, "messages"}, as: string(c.self), guid: guid}, nil
	case kind == "thread":
		root, err := messageID(text(id))
		if err != nil {
			return source{}, fmt.Errorf("source %q: %w", name, err)
		}
		n, err := strconv.ParseUint(root, 10, 64)
		if err != nil {
			return source{}, fmt.Errorf("source %q: the message id is too large", name)
		}
		return source{path: []string{"messages", root, "thread"}, root: n}, nil
	}
	return source{}, fmt.Errorf("source %q: want app, user/<uid>, group/<guid> or thread/<id>", name)
}

func (c *Connection) userSource(name, id string) (source, error) {
	other, err := uid(id)
	switch {
	case err != nil:
		return source{}, fmt.Errorf("source %q: %w", name, err)
	case c.self == "":
		return source{}, fmt.Errorf("source %q: connection %q has no BotUID, whose conversation with the user it would be", name, c.id)
	case other == string(c.self):
		return source{}, fmt.Errorf("source %q: that is the bot itself; name the user at the other side", name)
	}
	return source{path: []string{"users", other, "messages"}, as: string(c.self), uid: other}, nil
}

// query returns the parameters of a page. Replies in threads must not be hidden, and nothing is counted.
func (s source) query(at Cursor, f MessageFilter) url.Values {
	switch {
	case s.root != 0:
		return ThreadOptions{Cursor: at, PerPage: at.Limit}.Values()
	case s.uid != "":
		return UserMessageOptions{Cursor: at, MessageFilter: f, PerPage: at.Limit}.Values()
	case s.guid != "":
		return GroupMessageOptions{Cursor: at, MessageFilter: f}.Values()
	}
	return MessageOptions{Cursor: at, MessageFilter: f}.Values()
}

// pollRow is a message of a page.
type pollRow struct {
	id     uint64
	sentAt time.Time
	raw    json.RawMessage
}

// fetch returns a page of the source, and whether more may follow.
func (p *poll) fetch(at Cursor, f MessageFilter) (rows []pollRow, full bool, err error) {
	rows, full, calls, err := p.c.rows(p.ctx, p.src, at, f)
	p.page.Calls += calls
	return rows, full, err
}

// rows returns a page of a source, sorted by ids, each once; whether more may follow; and how many calls it took. A page that
// is too long is asked for again with fewer rows.
func (c *Connection) rows(ctx context.Context, src source, at Cursor, f MessageFilter) (rows []pollRow, full bool, calls int, err error) {
	if at.Affix == Append && at.ID == "" {
		at.SentAt = time.Unix(1, 0) // see walk
	}
	var page RawPage
	for {
		calls++
		err = c.client.As(src.as).call(ctx, Request{Method: http.MethodGet, Path: src.path, Query: src.query(at, f)}, &page)
		if !errors.Is(err, egress.ErrAnswerTooLong) || at.Limit <= 1 {
			break
		}
		at.Limit /= 2
	}
	if err != nil {
		return nil, false, calls, err
	}
	for _, raw := range page.Rows {
		if row, ok := readPollRow(raw); ok {
			rows = append(rows, row)
		}
	}
	if len(page.Rows) > 0 && len(rows) == 0 {
		return nil, false, calls, fmt.Errorf("none of the page's %d rows has a message's id", len(page.Rows))
	}
	slices.SortStableFunc(rows, func(a, b pollRow) int { return cmp.Compare(a.id, b.id) })
	rows = slices.CompactFunc(rows, func(a, b pollRow) bool { return a.id == b.id })
	size := at.Limit
	if page.Meta.Limit > 0 {
		size = min(size, page.Meta.Limit) // the platform may go by a smaller one
	}
	return rows, len(page.Rows) >= size, calls, nil
}

func readPollRow(raw json.RawMessage) (pollRow, bool) {
	var w struct {
		ID     loose            `json:"id"`
		SentAt lenient[instant] `json:"sentAt"`
	}
	if decodeObject(raw, &w) != nil {
		return pollRow{}, false
	}
	id, err := strconv.ParseUint(string(w.ID), 10, 64)
	return pollRow{id: id, sentAt: timeOf(w.SentAt), raw: raw}, err == nil && id > 0
}

// beyond returns the rows behind an id.
func beyond(rows []pollRow, floor uint64) []pollRow {
	i, _ := slices.BinarySearchFunc(rows, floor, func(r pollRow, floor uint64) int {
		if r.id <= floor {
			return -1
		}
		return 1
	})
	return rows[i:]
}
