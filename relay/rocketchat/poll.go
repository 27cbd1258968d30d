package rocketchat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Poll reads what has changed in a room (chat.syncMessages), replies in threads, edits and deletions included, or in a thread
// (chat.syncThreadMessages). It tells what it finds in the order in which it happened, with the ids that webhooks and the
// realtime stream give it.
//
// A poll costs one call: it asks for all that changed since the latest change that it knows, and a little before, because
// changes may show late. After a long pause there may be too much for one answer: then it goes forward page by page, at two
// calls each. A source's first poll, and one every ten minutes, cost a call or two more for finding its room; naming who has
// reacted may cost one for each user that was not heard of.
//
// Reactions are told by comparing documents: see [reactedMessages] for how far back. What the server has marked as changed
// for other reasons is not told again, and neither is what was sent long before it showed, such as an import of old messages.
func (c *Connection) Poll(ctx context.Context, r relay.PollRequest) (relay.Page, error) {
	src, err := c.source(r.Source)
	if err != nil {
		return relay.Page{}, rejected(fmt.Errorf("poll: %w", err))
	}
	p := poll{c: c, ctx: ctx, src: src, now: c.now()}
	if r.After != "" {
		if err := p.at.decode(r.After); err != nil {
			return relay.Page{}, rejected(fmt.Errorf("poll %s: cursor: %w", r.Source, err))
		}
	}
	if err := p.run(r); err != nil {
		return relay.Page{}, p.failure(err)
	}
	p.page.Next, p.page.Calls = p.at.encode(), max(1, p.page.Calls)
	return p.page, nil
}

// poll is one call of Poll.
type poll struct {
	c    *Connection
	ctx  context.Context
	src  pollSource
	room Room
	now  time.Time
	// theirs is the time by the server's clock.
	theirs time.Time

	at   pollCursor
	page relay.Page
	// lookups are how many users were looked up.
	lookups int
}

func (p *poll) run(r relay.PollRequest) error {
	there, err := p.find()
	if err != nil {
		return err
	}
	p.theirs = p.c.client.pace.theirs(p.now)
	first := r.After == ""
	if first && !r.Since.IsZero() {
		p.at.from = p.c.client.pace.theirs(r.Since).UnixMilli()
		p.at.floor, p.at.paged = max(0, p.at.from-1), p.src.root == ""
		p.at.reacted.below = p.at.from - 1
	}
	switch {
	case !there: // nobody has said anything there yet
		if first && r.Since.IsZero() {
			p.at.from = p.theirs.UnixMilli()
			p.at.floor, p.at.paged = p.at.from, true
		}
		return nil
	case first && r.Since.IsZero():
		return p.begin()
	}
	return p.read()
}

// find finds the room that the source names. It returns false for a direct room that is not there yet.
func (p *poll) find() (bool, error) {
	if p.src.root != "" {
		return true, nil
	}
	room, there, err := p.c.resolve(p.ctx, p.src.room, &p.page.Calls)
	if err != nil || !there {
		return false, err
	}
	p.room = room
	p.c.reads(p.src.name, event.ConversationID(room.ID))
	return true, nil
}

// begin reads where the source stands, and tells nothing.
func (p *poll) begin() error {
	rows, err := p.newest()
	if err != nil {
		return err
	}
	var last int64
	for _, row := range rows {
		last = max(last, row.at)
	}
	p.at.advance(last, rows, p.theirs)
	p.at.from, p.at.reacted.below = last, last
	for _, row := range rows {
		if !row.gone {
			p.c.learn(&row.m)
			_, state := compare(nil, &row.m, nil)
			p.at.reacted.put(&row.m, state)
			p.c.reactionsKnown(&row.m, state)
		}
	}
	p.at.touch(p.now)
	return nil
}

// read reads a page, and tells what is news in it.
func (p *poll) read() error {
	floor := p.at.floor
	rows, end, err := p.fetch()
	if err != nil {
		return err
	}
	if err := p.tell(rows); err != nil {
		return err
	}
	p.at.advance(end, rows, p.theirs)
	p.at.touch(p.now)
	p.page.More = p.at.paged && p.at.floor != floor
	return nil
}

// failure returns what an error means for the source.
func (p *poll) failure(err error) error {
	f := failure(fmt.Errorf("rocketchat: poll %s: %w", p.src.name, err))
	if f.Kind == relay.Rejected && IsNoMessage(err) && p.src.root != "" {
		f.Kind = relay.RootGone
	}
	if p.src.room != "" && errors.As(err, new(*APIError)) {
		p.c.known.rooms.forget(p.src.room) // its name may be another's by now
	}
	return f
}
