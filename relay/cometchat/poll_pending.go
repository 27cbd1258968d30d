package cometchat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Bounds of waiting for moderation: how many messages of a source are waited for, for how long, how often at first and at
// last, and how many are asked for in one poll.
const (
	maxPending    = 32
	pendingAge    = 24 * time.Hour
	pendingFirst  = 5 * time.Second
	pendingLast   = 5 * time.Minute
	pendingAtOnce = 4
)

// pendingMessage is one that moderation has yet to decide on.
type pendingMessage struct {
	id uint64
	// seen is when it was read first, and next when it is to be asked for again.
	seen, next time.Time
}

// wait adds a message to those that are waited for. If they are too many, the oldest is given up.
func (c *pollCursor) wait(id event.MessageID, now time.Time) {
	n, err := strconv.ParseUint(string(id), 10, 64)
	if err != nil || slices.ContainsFunc(c.pending, func(m pendingMessage) bool { return m.id == n }) {
		return
	}
	c.pending = append(c.pending, pendingMessage{id: n, seen: now, next: now.Add(pendingFirst)})
	if over := len(c.pending) - maxPending; over > 0 {
		c.pending = slices.Delete(c.pending, 0, over)
	}
}

// recheck asks for those of the messages whose time has come, and tells what became of them. A question that fails is asked
// again; only if the caller has given up, the poll is off.
func (p *poll) recheck() error {
	due := make([]*pendingMessage, 0, pendingAtOnce)
	for i := range p.at.pending {
		if m := &p.at.pending[i]; !m.next.After(p.now) && len(due) < pendingAtOnce {
			due = append(due, m)
		}
	}
	for _, m := range due {
		decided, err := p.decision(m)
		if err != nil {
			return err
		}
		if decided || p.now.Sub(m.seen) > pendingAge {
			m.id = 0
			continue
		}
		m.next = p.now.Add(min(pendingLast, max(pendingFirst, p.now.Sub(m.seen)))) // so the pause doubles
	}
	p.at.pending = slices.DeleteFunc(p.at.pending, func(m pendingMessage) bool { return m.id == 0 })
	return nil
}

// decision reports whether moderation has decided, and adds the events of the message if so.
func (p *poll) decision(m *pendingMessage) (bool, error) {
	var raw rawMessage
	p.page.Calls++
	err := p.c.client.call(p.ctx, Request{Method: http.MethodGet, Path: []string{"messages", strconv.FormatUint(m.id, 10)}}, &raw)
	var refused *APIError
	switch {
	case p.ctx.Err() != nil:
		return false, context.Cause(p.ctx)
	case errors.As(err, &refused):
		return isNoMessage(refused.Code), nil
	case err != nil:
		return false, nil //nolint:nilerr // it is asked again
	case pendingID(json.RawMessage(raw)) != "":
		return false, nil
	}
	events, err := p.c.eventsOf(json.RawMessage(raw))
	var shape *relay.ShapeError
	if errors.As(err, &shape) {
		events, err = []event.Event{p.c.unreadable(pollRow{id: m.id, raw: json.RawMessage(raw)}, shape)}, nil
	}
	p.page.Events = append(p.page.Events, events...)
	return true, err
}

// isNoMessage reports a code that says that a message does not exist.
func isNoMessage(code string) bool {
	return code == "ERR_MESSAGE_ID_NOT_FOUND" || code == "ERR_MSG_NOT_FOUND"
}
