package ingest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

const (
	// pollTime bounds one call of a Poller.
	pollTime = 30 * time.Second
	// hookTime is how long a webhook has to bring an event before its poll counts as having filled a hole.
	hookTime = 10 * time.Second
	// justNow is how old an event may be to show that a source is live. It leaves room for the platform's clock to be wrong.
	justNow = 10 * time.Minute
)

// read reads one page of a source: its cursor, the platform, the bus, and the cursor again, in this order.
func (s *session) read(ctx context.Context, src *source) result {
	at, err := src.mark.get(ctx, func(ctx context.Context) (bookmark, error) { return s.load(ctx, src) })
	if err != nil {
		return result{verdict: passing, outcome: "no_cursor", err: err}
	}
	page, err := s.ask(ctx, at.request(src.name, time.Now()))
	if err != nil {
		return failed(err)
	}
	r := result{outcome: "empty", calls: max(page.Calls, 1)}
	if len(page.Events) > 0 {
		r.outcome = "events"
		fresh, err := s.keeper.keep(ctx, page.Events)
		if err != nil {
			r.verdict, r.outcome, r.err = passing, "not_stored", err
			return r
		}
		s.count(page.Events, fresh, at)
		remember(s.memory, page.Events)
	}
	next, moved := at.advance(page, time.Now())
	if moved {
		if err := s.save(ctx, src, next); err != nil {
			r.verdict, r.outcome, r.err = passing, "cursor_not_saved", err
			return r
		}
		r.fresh, r.more = isRecent(page.Events), page.More
		s.heard(page.Events, true)
	}
	return r
}

// load reads a source's bookmark, or makes its first one.
func (s *session) load(ctx context.Context, src *source) (bookmark, error) {
	return s.marks.load(ctx, src.name, src.fresh)
}

// save moves a source's bookmark. That a later holder has written ends this one's session.
func (s *session) save(ctx context.Context, src *source, b bookmark) error {
	if !src.thread {
		if err := s.marks.save(ctx, src.name, b); err != nil {
			if errors.Is(err, bus.ErrFenced) {
				s.end(err)
			}
			return err
		}
	}
	src.mark.set(b)
	return nil
}

// ask calls the platform. That its code panics is an error.
func (s *session) ask(ctx context.Context, r relay.PollRequest) (page relay.Page, err error) {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("poller panicked", "name", r.Source, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("ingest: the platform's poller panicked: %v", p)
		}
	}()
	return s.cfg.Poller.Poll(ctx, r)
}

// count takes note of what was stored: of new events, those that a webhook should have brought by now.
func (s *session) count(events []event.Event, fresh []bool, at bookmark) {
	var stored int
	for i, e := range events {
		if !fresh[i] {
			continue
		}
		stored++
		if s.cfg.HooksOn && e.Type != event.Other && e.Time.After(at.Began) {
			s.holes.polled(e)
		}
	}
	s.metrics.events.WithLabelValues("stored").Add(float64(stored))
	s.metrics.events.WithLabelValues("duplicate").Add(float64(len(events) - stored))
}

// remember tells a platform what was stored, so that it need not ask for that later. memory may be nil.
func remember(memory relay.Rememberer, events []event.Event) {
	if memory == nil {
		return
	}
	for _, e := range events {
		memory.Remember(e)
	}
}

// isRecent reports whether any of the events happened a short while ago.
func isRecent(events []event.Event) bool {
	for _, e := range events {
		if time.Since(e.Time) < justNow {
			return true
		}
	}
	return false
}

// failed is the result of a poll that the platform did not answer as it should.
func failed(err error) result {
	var f *relay.Failure
	if !errors.As(err, &f) {
		return result{verdict: passing, outcome: relay.Temporary.String(), err: err}
	}
	r := result{verdict: passing, outcome: f.Kind.String(), err: err, wait: min(max(f.After, 0), maxPause)}
	switch f.Kind {
	case relay.RateLimited:
		r.verdict = limited
		if r.wait == 0 {
			r.wait = unknownPause
		}
	case relay.Denied, relay.Rejected, relay.RootGone:
		r.verdict = refused
	case relay.Temporary:
	}
	return r
}
