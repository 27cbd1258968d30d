package ingest

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

const (
	// maxHeld bounds the events of a source that are held back. With more, the next poll brings all of them instead.
	maxHeld = 1000
	// maxEars bounds the sources that something was heard of, though they are not polled.
	maxEars = 10_000
	// standing is how long a realtime connection must have stood for its loss not to count with those before.
	standing = time.Minute
)

// ears are how a connection is listened to, by the instance that polls it. What is heard of a source is held back after each
// (re)connection until the source was polled once more: what had happened before is stored first, and in order. Cursors know
// nothing of what was heard, so that nothing depends on it.
type ears struct {
	s        *session
	listener relay.Listener

	mu       sync.Mutex
	open     bool
	since    time.Time // of the state
	err      error     // why it is not open
	attempts int       // in a row that have failed
	deaf     map[string]SourceFault
	by       map[string]*ear
}

// ear is what was heard of one source.
type ear struct {
	// live: what is heard is passed on at once.
	live bool
	// round grows when another poll is needed: only one that begins later will do.
	round int
	held  []event.Event
}

func newEars(s *session, l relay.Listener) *ears {
	return &ears{s: s, listener: l, since: time.Now(), deaf: make(map[string]SourceFault), by: make(map[string]*ear)}
}

// run listens until ctx ends.
func (e *ears) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := e.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(e.closed(err))
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// listen opens one connection. That the platform's code panics is an error.
func (e *ears) listen(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.s.log.Error("listener panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("ingest: the platform's listener panicked: %v", p)
		}
	}()
	return e.listener.Listen(ctx, relay.ListenRequest{
		Sources: e.s.cfg.Sources,
		Open:    e.opened,
		Deaf:    e.deafened,
		Hear:    func(h relay.Heard) error { return e.hear(ctx, h) },
	})
}

// opened has all sources polled once more.
func (e *ears) opened() {
	e.mu.Lock()
	e.open, e.since, e.err = true, time.Now(), nil
	for _, ear := range e.by {
		ear.again()
	}
	attempts := e.attempts
	e.mu.Unlock()
	e.s.metrics.listens.WithLabelValues("opened").Inc()
	e.s.log.Info("listening", "attempts", attempts+1)
	e.s.schedule.urge(time.Now(), func(*source) bool { return true })
}

// closed takes note of the end of a connection, and returns how long to wait before the next.
func (e *ears) closed(err error) time.Duration {
	r := failed(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	stood := e.open && time.Since(e.since) >= standing
	if e.open || e.attempts == 0 {
		e.since = time.Now()
	}
	was := e.err
	e.open, e.err = false, err
	if stood {
		e.attempts = 0
	}
	e.attempts++
	clear(e.deaf)
	for _, ear := range e.by {
		ear.again()
	}
	wait := max(backoff(e.attempts), r.wait)
	if r.verdict == refused {
		wait = max(wait, around(refusedWait))
	}
	e.s.metrics.listens.WithLabelValues(r.outcome).Inc()
	if was == nil || failed(was).outcome != r.outcome {
		e.s.log.Warn("the realtime connection is not open, will be opened again", "error", err, "wait", wait.Round(time.Millisecond).String())
	}
	return wait
}

// again asks for another poll, which brings what was held back as well.
func (r *ear) again() {
	r.round++
	r.held = nil
	r.live = false
}

// deafened takes note of a source that is polled alone.
func (e *ears) deafened(source string, err error) {
	r := failed(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.deaf) < maxEars {
		e.deaf[source] = SourceFault{Source: source, Kind: r.outcome, Error: cut(err.Error()), Since: time.Now()}
	}
	e.s.log.Warn("source cannot be listened to, and is polled alone", "name", cut(source), "error", err)
}

// hear passes on what was heard, or holds it back.
func (e *ears) hear(ctx context.Context, h relay.Heard) error {
	now := time.Now()
	e.mu.Lock()
	ear, polled := e.ear(h.Source), e.s.schedule.has(h.Source)
	live := ear != nil && ear.live
	if ear != nil && !live {
		if ear.held = append(ear.held, h.Events...); len(ear.held) > maxHeld {
			ear.again()
		}
	}
	e.mu.Unlock()
	if !polled { // such as a room that was just joined: whoever stands for it finds it
		e.s.schedule.urge(now, func(src *source) bool { return src.stands })
	}
	e.s.schedule.hear(h.Source, now)
	if !live {
		return nil
	}
	return e.s.pass(ctx, h.Events)
}

// ear returns that of a source; nil if there are too many. The caller holds e.mu.
func (e *ears) ear(source string) *ear {
	found, ok := e.by[source]
	if !ok && len(e.by) < maxEars {
		found = &ear{}
		e.by[source] = found
	}
	return found
}

// begin returns the round in which a poll begins. It may be called on a nil ears.
func (e *ears) begin(src *source) int {
	if e == nil || src.thread || src.stands {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if ear := e.ear(src.name); ear != nil {
		return ear.round
	}
	return 0
}

// caughtUp passes on what was held back, once a poll that began in the current round has read to the end, or has shown that
// the source cannot be read. It may be called on a nil ears.
func (e *ears) caughtUp(ctx context.Context, src *source, round int, r result) {
	if e == nil || src.thread || src.stands || r.more || r.verdict != fine && r.verdict != refused {
		return
	}
	for {
		e.mu.Lock()
		ear := e.by[src.name]
		if ear == nil || !e.open || ear.live || ear.round != round {
			e.mu.Unlock()
			return
		}
		held := ear.held
		ear.held = nil
		ear.live = len(held) == 0
		e.mu.Unlock()
		if len(held) == 0 {
			return
		}
		if err := e.s.pass(ctx, held); err != nil {
			e.s.log.Warn("what was heard could not be stored, and is left to the next poll", "name", src.name, "error", err)
			e.mu.Lock()
			ear.again()
			e.mu.Unlock()
			e.s.schedule.urge(time.Now(), func(other *source) bool { return other == src })
			return
		}
	}
}

// pass stores what was heard, as what webhooks bring.
func (s *session) pass(ctx context.Context, events []event.Event) error {
	if len(events) == 0 {
		return nil
	}
	fresh, err := s.keeper.keep(ctx, events)
	if err != nil {
		return err
	}
	stored := 0
	for _, is := range fresh {
		if is {
			stored++
		}
	}
	s.metrics.heard.WithLabelValues("stored").Add(float64(stored))
	s.metrics.heard.WithLabelValues("duplicate").Add(float64(len(events) - stored))
	s.holes.hooked(events)
	remember(s.memory, events)
	s.heard(events, true)
	return nil
}
