package cometchat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.ThreadPoller = (*Connection)(nil)

// pollLimit is how many rows a poll asks for. It is well above maxSeen, so that each page gets on.
const pollLimit = 500

// CheckSource reports what is wrong with a source's name. The sources are "app" (everything that is said in the app),
// "user/<uid>" or a bare uid (what that user and the bot say to each other), "group/<guid>" and "thread/<id of its root>".
func (c *Connection) CheckSource(source string) error {
	_, err := c.source(source)
	return err
}

// ThreadSource names the source of a thread, "thread/<id of its root>". There is none of another connection's.
func (c *Connection) ThreadSource(t event.ThreadRef) (string, bool) {
	root, err := messageID(text(t.Root))
	if err != nil || t.Connection != c.id {
		return "", false
	}
	return "thread/" + root, true
}

// Poll reads one page of a source: GET /messages in the app's name, GET /users/{uid}/messages and GET /groups/{guid}/messages
// in the bot's, or GET /messages/{id}/thread in the app's. It goes by message ids, which rise app-wide, and sorts by them
// whatever the order of the answer. Edits and deletes come as the action messages that record them. The events are those of
// the webhooks, with the same ids; a message that cannot be read is Other.
//
// An id may be committed late, behind higher ones. So what was read in the last minute is read again, at least once, and what
// is new among it is told; the cursor has the ids that are known. A message that moderation holds is Other, and is asked for
// again, ever more rarely and for a day at most, until moderation has decided: then its events are part of a page.
//
// The first page tells no events if Since is zero, and else what was said from that time on. It finds the place by
// "fromTimestamp" and "toTimestamp", or by halving the ids where these make no difference; in a thread it passes over what is
// older.
func (c *Connection) Poll(ctx context.Context, r relay.PollRequest) (relay.Page, error) {
	src, err := c.source(r.Source)
	if err != nil {
		return relay.Page{}, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: poll: %w", err)}
	}
	p := poll{c: c, ctx: ctx, src: src, now: c.now()}
	if r.After == "" {
		err = p.begin(r.Since)
	} else if err = p.at.decode(r.After); err != nil {
		return relay.Page{}, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: poll %s: cursor: %w", r.Source, err)}
	} else {
		p.at.settle(p.now)
		err = p.read()
	}
	if err != nil {
		return relay.Page{}, failure(fmt.Errorf("cometchat: poll %s: %w", r.Source, err), src.root != 0)
	}
	p.page.Next, p.page.Calls = p.at.encode(), max(1, p.page.Calls)
	return p.page, nil
}

// poll is one call of Poll.
type poll struct {
	c   *Connection
	ctx context.Context
	src source
	now time.Time

	at   pollCursor
	page relay.Page
}

// begin finds the place of the first page.
func (p *poll) begin(since time.Time) error {
	var err error
	switch {
	case since.IsZero():
		p.at.floor, err = p.newest()
		return err
	case p.src.root != 0:
		p.at.floor = p.src.root
	default:
		p.at.floor, err = p.before(since)
	}
	if err != nil {
		return err
	}
	p.at.from = since
	return p.read()
}

// read reads the rows behind the cursor's floor, and moves the cursor.
func (p *poll) read() error {
	rows, full, err := p.fetch(Cursor{Affix: Append, ID: p.at.floorID(), Limit: pollLimit}, MessageFilter{})
	if err != nil {
		return err
	}
	rows = beyond(rows, p.at.floor)
	last := p.at.last()
	var fresh bool
	for _, row := range rows {
		if !p.at.note(row.id, p.now) {
			continue
		}
		fresh = true
		if err := p.tell(row); err != nil {
			return err
		}
	}
	if err := p.recheck(); err != nil {
		return err
	}
	if !fresh && len(rows) > 0 && (full || rows[len(rows)-1].id < last) { // a page of nothing but known ids: go on behind it
		p.at.raise(rows[len(rows)-1].id)
		p.page.More = true
		return nil
	}
	if full && fresh {
		p.page.More = true
		if end := rows[len(rows)-1]; p.now.Sub(end.sentAt) > lateCommit { // far behind: nothing is committed there any more
			p.at.raise(end.id)
		}
	}
	p.at.age(p.now)
	return nil
}

// tell adds the events of a row.
func (p *poll) tell(row pollRow) error {
	if !row.sentAt.IsZero() && row.sentAt.Before(p.at.from) {
		return nil
	}
	if id := pendingID(row.raw); id != "" {
		p.at.wait(id, p.now)
	}
	events, err := p.c.eventsOf(row.raw)
	var shape *relay.ShapeError
	switch {
	case errors.As(err, &shape):
		events = []event.Event{p.c.unreadable(row, shape)}
	case err != nil:
		return err
	}
	p.page.Events = append(p.page.Events, events...)
	return nil
}

// unreadable returns the event of a row that is no message as this version knows them: nothing is lost.
func (c *Connection) unreadable(row pollRow, shape *relay.ShapeError) event.Event {
	return event.Event{
		Version: event.Version, ID: c.bodyID("poll", row.raw), Type: event.Other, Time: orEpoch(row.sentAt), Platform: platform,
		Thread: event.ThreadRef{Connection: c.id}, Self: c.self, Trigger: "poll/unreadable", Payload: shape.Payload,
	}
}
