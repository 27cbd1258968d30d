package ingest

import (
	"container/list"
	"math/rand/v2"
	"sync"
	"time"
)

// class says how urgent a source is.
type class int

// The classes. When several have a source that is due, live ones get 9 of 10 calls, and the others share the rest by their
// weights: none gets nothing, and what a class does not need the others get. So 40 live sources are each polled every 9.2
// seconds at 300 calls a minute, however many others want to be.
const (
	live    class = iota // had events lately
	behind               // holds more pages that are known of
	idle                 // had no events lately
	threads              // reconciled beside the sources
	classes
)

// liveWeight is the share of live sources if that of all others together is 1.
const liveWeight = 9

// weight is a class's share of what live sources leave.
func (c class) weight() int { return [classes]int{0, 3, 2, 1}[c] }

func (c class) String() string { return [classes]string{"live", "behind", "idle", "thread"}[c] }

const (
	// activeFor is how long after its last event a source counts as live.
	activeFor = 2 * time.Minute
	// slowest is how many times the interval passes at most between two polls of an idle source that the budget allows.
	slowest = 12
	// spread is the part of an interval by which polls are spread at random, so that sources do not march in step.
	spread = 0.05
)

// scheduleConfig is what a schedule needs.
type scheduleConfig struct {
	Interval time.Duration
	Budget   int
	Now      time.Time
}

// schedule decides which source is polled next, and when. All sources are kept within one budget. A step costs O(log n).
type schedule struct {
	interval time.Duration
	wake     chan struct{} // has a token after a change that may make something due earlier

	mu      sync.Mutex
	budget  *budget
	paused  time.Time // until when the platform wants to be left alone
	queues  [classes]queue
	turns   turns
	sources map[string]*source
	recent  *list.List // the threads' *source, the one that was heard of last in front
	lagging int        // sources that are behind, those being polled included
}

func newSchedule(cfg scheduleConfig) *schedule {
	return &schedule{
		interval: cfg.Interval, wake: make(chan struct{}, 1), budget: newBudget(cfg.Budget, cfg.Now),
		sources: make(map[string]*source), recent: list.New(),
	}
}

// add takes a source in, due at once, unless there is one of its name already. It returns the one that is polled.
func (s *schedule) add(src source, now time.Time) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.sources[src.name]; ok && !known.thread {
		return known
	}
	src.class, src.due, src.interval, src.calls, src.polled, src.place, src.mark = idle, now, s.interval, 1, now, away, &marker{}
	s.sources[src.name] = &src
	s.queues[idle].add(&src)
	s.rouse()
	return &src
}

// drop forgets a source that is not there any more.
func (s *schedule) drop(src *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src.gone {
		return
	}
	src.gone = true
	if s.sources[src.name] == src {
		delete(s.sources, src.name)
	}
	if src.place != away {
		s.queues[src.class].remove(src)
	}
	if src.class == behind {
		s.lagging--
	}
}

// urge has sources polled once more, from now on. Those that are being polled at this moment are polled again.
func (s *schedule) urge(now time.Time, which func(*source) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, src := range s.sources {
		switch {
		case src.thread || !which(src):
		case src.place == away:
			src.again = true
		case (src.trouble.kind == "" || src.trouble.refused) && src.due.After(now): // those that back off come anyway
			s.queues[src.class].remove(src)
			src.due = now
			s.queues[src.class].add(src)
		}
	}
	s.rouse()
}

// pace bounds the calls per minute from now on.
func (s *schedule) pace(perMinute int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget.set(perMinute, now)
	s.rouse()
}

// never is the wait when nothing at all is scheduled.
const never = 24 * time.Hour

// take returns the source to poll now, which is to be given to done afterwards, or how long to wait before asking again.
func (s *schedule) take(now time.Time) (*source, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if wait := s.paused.Sub(now); wait > 0 {
		return nil, wait
	}
	if wait := s.untilDue(now); wait > 0 {
		return nil, wait
	}
	if wait := s.budget.wait(now); wait > 0 {
		return nil, wait
	}
	src := s.queues[s.choose(now)].take()
	s.budget.spend(src.calls)
	return src, 0
}

// untilDue returns how long it is until any source is due.
func (s *schedule) untilDue(now time.Time) time.Duration {
	wait := never
	for c := range classes {
		if at, ok := s.queues[c].due(); ok && s.served(c) {
			wait = min(wait, at.Sub(now))
		}
	}
	return wait
}

// served reports whether a class is polled at this moment. Threads wait while a source is behind: what a thread holds may be
// on a page of that source which comes later, and would overtake it.
func (s *schedule) served(c class) bool { return c != threads || s.lagging == 0 }

// choose returns the class whose turn it is, among those with a source that is due.
func (s *schedule) choose(now time.Time) class {
	var wants [classes]bool
	for c := range classes {
		at, ok := s.queues[c].due()
		wants[c] = ok && !at.After(now) && s.served(c)
	}
	return s.turns.next(wants)
}

// done takes a source back with what its poll brought, and returns what has changed about it.
func (s *schedule) done(src *source, r result, now time.Time) change {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.calls > 0 {
		s.budget.spend(r.calls - src.calls)
		src.calls = r.calls
	}
	was := src.trouble
	src.note(r, now)
	if r.verdict == limited {
		s.paused = later(s.paused, now.Add(r.wait))
	}
	s.settle(src, r, now)
	s.rouse()
	return change{from: was.kind, to: src.trouble.kind, lasted: now.Sub(was.since)}
}

// giveBack takes a source back whose poll was cut off by the end of the tenure.
func (s *schedule) giveBack(src *source, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src.gone {
		return
	}
	src.due = now
	s.enqueue(src, src.class)
}

// settle puts a source into the queue that its last poll says, or drops it.
func (s *schedule) settle(src *source, r result, now time.Time) {
	switch {
	case src.gone:
		return
	case src.thread && (r.verdict == refused || now.Sub(src.heard) > threadFor):
		s.forget(src)
		return
	case src.thread:
		src.dueAfterThread(r, s.interval, now)
		s.enqueue(src, threads)
		return
	}
	c := src.dueAfter(r, s.interval, now)
	if src.again && (r.verdict == fine || r.verdict == refused) {
		src.again, src.due = false, now
	}
	s.enqueue(src, c)
}

func (s *schedule) enqueue(src *source, c class) {
	s.reclass(src, c)
	s.queues[c].add(src)
}

// reclass changes the class of a source that is in no queue.
func (s *schedule) reclass(src *source, c class) {
	if src.class == behind {
		s.lagging--
	}
	if c == behind {
		s.lagging++
	}
	src.class = c
}

// hear takes note that something happened in a source, found out by other means than its poll: it is polled as a live one.
func (s *schedule) hear(name string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src, ok := s.sources[name]
	if !ok || src.thread {
		return
	}
	src.heard = later(src.heard, now)
	if src.class != idle || src.place == away || src.trouble.kind != "" {
		return
	}
	s.queues[idle].remove(src)
	src.interval = s.interval
	if soon := now.Add(s.interval); soon.Before(src.due) {
		src.due = soon
	}
	s.enqueue(src, live)
	s.rouse()
}

// has reports whether a source is polled.
func (s *schedule) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	src, ok := s.sources[name]
	return ok && !src.thread
}

// rouse has whoever waits for take's answer ask again.
func (s *schedule) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// around returns d, a little more or a little less.
func around(d time.Duration) time.Duration {
	return d + time.Duration((2*rand.Float64()-1)*spread*float64(d)) //nolint:gosec // spreads polls, guards nothing
}
