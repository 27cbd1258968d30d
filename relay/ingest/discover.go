package ingest

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/threadrelay/threadrelay/relay"
)

// discover finds out for which sources one stands, takes in those that are new and drops those that are gone. Its bookmark
// says when it was done last: what is found for the first time is read from then on, since it was not there before. All
// that is found has its own bookmark before this one moves.
func (s *session) discover(ctx context.Context, src *source) result {
	at, err := src.mark.get(ctx, func(ctx context.Context) (bookmark, error) { return s.load(ctx, src) })
	if err != nil {
		return result{verdict: passing, outcome: "no_cursor", err: err}
	}
	began := time.Now()
	d, err := s.find(ctx, src.name)
	if err != nil {
		return failed(err)
	}
	r := result{outcome: "discovered", calls: max(d.Calls, 1)}
	if err := s.adopt(ctx, src, d.Sources, firstMark(at)); err != nil {
		r.verdict, r.outcome, r.err = passing, "no_cursor", err
		return r
	}
	at.After, at.Found = began.UTC().Format(time.RFC3339Nano), began.UTC()
	if err := s.save(ctx, src, at); err != nil {
		r.verdict, r.outcome, r.err = passing, "cursor_not_saved", err
	}
	return r
}

// firstMark is the bookmark of a source that was found for the first time, by that of the discovery.
func firstMark(at bookmark) bookmark {
	last, err := time.Parse(time.RFC3339Nano, at.After)
	if err != nil {
		return bookmark{Version: bookmarkVersion, Since: at.Since, Began: at.Began}
	}
	return newBookmark(last, 0)
}

// find calls the platform. That its code panics is an error.
func (s *session) find(ctx context.Context, source string) (d relay.Discovery, err error) {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("poller panicked", "name", source, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("ingest: the platform's poller panicked: %v", p)
		}
	}()
	return s.finder.Discover(ctx, source)
}

// adopt has the sources polled that another stands for, and only these.
func (s *session) adopt(ctx context.Context, by *source, names []string, fresh bookmark) error {
	now := time.Now()
	found := make(map[string]*source, len(names))
	for i, name := range names {
		if len(name) > maxSource || s.cfg.Poller.CheckSource(name) != nil || s.finder.Discovers(name) {
			s.log.Warn("a source that was discovered is none", "name", cut(name), "by", by.name)
			continue
		}
		found[name] = s.schedule.add(source{name: name, fresh: fresh, found: by}, now.Add(time.Duration(i)))
	}
	for _, src := range s.schedule.all() {
		if src.found == by && found[src.name] == nil {
			s.schedule.drop(src)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loadAtOnce)
	for _, src := range found {
		group.Go(func() error {
			_, err := src.mark.get(ctx, func(ctx context.Context) (bookmark, error) { return s.load(ctx, src) })
			return err
		})
	}
	return group.Wait()
}
