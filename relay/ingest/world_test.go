package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// world is a platform of sources with events in them, a rate limit and a script of failures. A cursor is a number of events.
type world struct {
	mu      sync.Mutex
	events  map[string][]event.Event
	limit   int           // requests within any minute; 0 is none
	latency time.Duration // of each request
	cost    int           // requests that a page costs; default 1
	page    int           // events per page at most; default 1000
	overlap int           // events that a page repeats of the one before
	fail    func(r relay.PollRequest) error

	window   []time.Time // of the last minute's requests
	asked    map[string][]time.Time
	requests []relay.PollRequest
	refusals int // 429s
	busy     map[string]bool
	faults   []string // what a poller must never be asked
}

func newWorld() *world {
	return &world{events: make(map[string][]event.Event), asked: make(map[string][]time.Time), busy: make(map[string]bool), page: 1000, cost: 1}
}

// happen adds an event to a source.
func (w *world) happen(source string, e event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events[source] = append(w.events[source], e)
}

// said is the n-th message in a source, said now.
func said(source string, n int) event.Event {
	id := fmt.Sprintf("%s-%d", source, n)
	return event.Event{
		ID: event.ID(id), Type: event.MessageCreated, Time: time.Now(), Platform: "world",
		Thread:  event.ThreadRef{Connection: "support", Conversation: event.ConversationID(source), Root: event.MessageID(id)},
		Message: &event.Message{ID: event.MessageID(id), Sender: event.User{ID: "ana"}, Text: "hi"},
	}
}

func (w *world) CheckSource(source string) error {
	if strings.HasPrefix(source, "bad") {
		return fmt.Errorf("world: source %q: no such kind", source)
	}
	return nil
}

func (w *world) Poll(ctx context.Context, r relay.PollRequest) (relay.Page, error) {
	if err := w.arrive(r); err != nil {
		return relay.Page{}, err
	}
	defer w.leave(r.Source)
	if w.latency > 0 {
		select {
		case <-time.After(w.latency):
		case <-ctx.Done():
			return relay.Page{}, ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.events[r.Source]
	from, begin := 0, 0
	switch {
	case r.After != "":
		from, _ = strconv.Atoi(r.After)
		begin = max(0, from-w.overlap)
	case r.Since.IsZero():
		from, begin = len(all), len(all)
	default:
		for from < len(all) && all[from].Time.Before(r.Since) {
			from++
		}
		begin = from
	}
	to := min(len(all), from+w.page)
	return relay.Page{Events: slices.Clone(all[begin:to]), Next: strconv.Itoa(to), More: to < len(all), Calls: w.cost}, nil
}

// arrive counts a request, and refuses it if the script or the limit says so.
func (w *world) arrive(r relay.PollRequest) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.busy[r.Source] {
		w.faults = append(w.faults, "two polls of "+r.Source+" at the same time")
	}
	w.asked[r.Source] = append(w.asked[r.Source], now)
	w.requests = append(w.requests, r)
	if w.fail != nil {
		if err := w.fail(r); err != nil {
			return err
		}
	}
	for len(w.window) > 0 && now.Sub(w.window[0]) >= time.Minute {
		w.window = w.window[1:]
	}
	if w.limit > 0 && len(w.window)+w.cost > w.limit {
		w.refusals++
		return &relay.Failure{Kind: relay.RateLimited, After: 15 * time.Second, Err: errors.New("too many requests")}
	}
	for range w.cost {
		w.window = append(w.window, now)
	}
	w.busy[r.Source] = true
	return nil
}

func (w *world) leave(source string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, source)
}

// all returns the requests so far.
func (w *world) all() []relay.PollRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.requests)
}

// polls returns when a source was polled.
func (w *world) polls(source string) []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked[source])
}

// memory is a bus of nothing but memory: it keeps events and bookmarks.
type memory struct {
	mu     sync.Mutex
	stored map[event.ID]time.Time
	order  []event.ID
	marks  map[string]bookmark
	failed error // what storing events fails with
	saving error // what saving a bookmark fails with
}

func newMemory() *memory {
	return &memory{stored: make(map[event.ID]time.Time), marks: make(map[string]bookmark)}
}

func (m *memory) keep(_ context.Context, events []event.Event) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed != nil {
		return nil, m.failed
	}
	fresh := make([]bool, len(events))
	for i, e := range events {
		if _, ok := m.stored[e.ID]; !ok {
			fresh[i], m.stored[e.ID], m.order = true, time.Now(), append(m.order, e.ID)
		}
	}
	return fresh, nil
}

func (m *memory) load(_ context.Context, source string, fresh bookmark) (bookmark, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.marks[source]; ok {
		return b, nil
	}
	m.marks[source] = fresh
	return fresh, nil
}

func (m *memory) save(_ context.Context, source string, b bookmark) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.saving != nil {
		return m.saving
	}
	m.marks[source] = b
	return nil
}

// at returns when an event was stored, and false if it was not.
func (m *memory) at(id event.ID) (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.stored[id]
	return t, ok
}

// mark returns a source's bookmark; the zero one if there is none.
func (m *memory) mark(source string) bookmark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.marks[source]
}

func (m *memory) ids() []event.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.order)
}

// names returns the names of n sources.
func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("group/%05d", i)
	}
	return out
}

// open makes a session that polls a world into a memory. It runs until stop is called.
func open(t *testing.T, p relay.Poller, m *memory, cfg PollConfig) (s *session, stop func() error) {
	t.Helper()
	cfg.Connection, cfg.Poller = "support", p
	cfg.setDefaults()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	metrics := newPollMetrics("support", func() PollStatus { return PollStatus{} })
	s = newSession(sessionConfig{Poll: cfg, Keeper: m, Marks: m, Metrics: metrics, Holes: newHoles(metrics.filled), Begun: func() {}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	return s, sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
}

// wantNoFaults checks what the platform has seen.
func (w *world) wantNoFaults(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.faults) > 0 {
		t.Errorf("%d faults, the first: %s", len(w.faults), w.faults[0])
	}
	if w.refusals > 0 {
		t.Errorf("%d requests were answered 429", w.refusals)
	}
}

// gaps returns the longest time between two polls of any of the sources, and between start and the first.
func (w *world) gaps(sources []string, start, end time.Time) (longest time.Duration) {
	for _, name := range sources {
		last := start
		for _, at := range append(w.polls(name), end) {
			if at.Before(start) {
				continue
			}
			longest = max(longest, at.Sub(last))
			last = at
		}
	}
	return longest
}

// counts returns how many requests there were for each of the sources.
func (w *world) counts() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make(map[string]int)
	for name := range maps.Keys(w.asked) {
		out[name] = len(w.asked[name])
	}
	return out
}
