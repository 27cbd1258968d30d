package relaytest

import (
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// reader polls a source of a bench on and on.
type reader struct {
	b      *bench
	l      *link
	source string
	after  string
	since  time.Time
	// cursors are all of them, the first page's first, and pages their events.
	cursors []string
	pages   [][]event.Event
}

func (b *bench) read(source string) *reader { return &reader{b: b, l: b.link, source: source} }

// page polls once and notes what came.
func (r *reader) page() (relay.Page, error) {
	page, err := r.l.poll(r.b.ctx, relay.PollRequest{Source: r.source, After: r.after, Since: r.since})
	if err != nil {
		return page, err
	}
	if page.Next == "" {
		r.b.t.Fatalf("%s: a page without a cursor", r.source)
	}
	r.after = page.Next
	r.cursors, r.pages = append(r.cursors, page.Next), append(r.pages, page.Events)
	return page, nil
}

// manyPages are more than a check's few messages can need, whatever the size of a page.
const manyPages = 300

// drain polls until there is no more, and returns what came.
func (r *reader) drain() []event.Event {
	r.b.t.Helper()
	var events []event.Event
	for range manyPages {
		before := r.after
		page, err := r.page()
		r.b.must(err)
		events = append(events, page.Events...)
		if !page.More || page.Next == before {
			return events
		}
	}
	r.b.t.Fatalf("%s: after %d pages there is still more", r.source, manyPages)
	return nil
}
