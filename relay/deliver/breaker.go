package deliver

import (
	"math/rand/v2"
	"sync"
	"time"
)

// health is what a call tells about its connection.
type health int

const (
	unclear health = iota
	alive
	failing
)

// breaker keeps calls from a connection that fails throughout. While it is open, one call is let through after each pause: the
// probe. If that one succeeds, as any call that began before, it closes.
type breaker struct {
	cfg Breaker
	now func() time.Time

	mu       sync.Mutex
	failures int       // in a row
	since    time.Time // when the first of them was
	open     bool
	probing  bool
	pause    time.Duration
	until    time.Time // while open
}

func newBreaker(cfg Breaker, now func() time.Time) *breaker { return &breaker{cfg: cfg, now: now} }

// enter asks for a call. It may be made if wait is 0; its outcome has to be told to leave, with probe.
func (b *breaker) enter() (probe bool, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait = b.shut(); wait > 0 || !b.open {
		return false, wait
	}
	b.probing = true
	return true, 0
}

// barred is how long no call can be made, as far as that is known; 0 if one may be. It is for those who would have to pay for a
// call before they enter.
func (b *breaker) barred() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shut()
}

// shut is how long to wait while no call is let through. The caller holds the lock.
func (b *breaker) shut() time.Duration {
	if left := b.until.Sub(b.now()); b.open && (left > 0 || b.probing) {
		return max(left, 0) + spread(b.pause)
	}
	return 0
}

// spread keeps those that wait from coming all at once: a quarter of the pause, and up to that much more.
func spread(pause time.Duration) time.Duration {
	quarter := max(pause/4, time.Millisecond)
	return quarter + rand.N(quarter) //nolint:gosec // spreads retries, guards nothing
}

// leave takes note of how a call went.
func (b *breaker) leave(probe bool, went health) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch went {
	case alive:
		b.failures, b.open, b.pause = 0, false, 0
	case failing:
		b.fail(probe)
	case unclear:
	}
}

func (b *breaker) fail(probe bool) {
	now := b.now()
	if b.failures == 0 {
		b.since = now
	}
	b.failures++
	switch {
	case b.open && probe:
		b.pause = min(2*b.pause, b.cfg.Max)
	case !b.open && b.cfg.Failures > 0 && b.failures >= b.cfg.Failures && now.Sub(b.since) >= b.cfg.Over:
		b.open, b.pause = true, b.cfg.Min
	default:
		return
	}
	b.until = now.Add(b.pause)
}

// wait is how long an action whose call has failed should wait because the breaker is open; 0 if it is not.
func (b *breaker) wait() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return 0
	}
	return max(b.until.Sub(b.now()), 0) + spread(b.pause)
}

// status describes the breaker.
func (b *breaker) status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Status{Breaker: "closed", Failures: b.failures}
	if b.failures > 0 {
		s.Failing = b.since
	}
	if b.open {
		s.Breaker = "open"
		if b.probing {
			s.Breaker = "half-open"
		}
	}
	return s
}
