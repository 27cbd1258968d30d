package deliver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// try makes a call and reports whether it was let through.
func (b *breaker) try(t *testing.T, went health) bool {
	t.Helper()
	probe, wait := b.enter()
	if wait > 0 {
		return false
	}
	b.leave(probe, went)
	return true
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(Breaker{Failures: 3, Over: time.Second, Min: time.Second, Max: 3 * time.Second}, time.Now)
		want := func(state string, failures int) {
			t.Helper()
			if s := b.status(); s.Breaker != state || s.Failures != failures || s.Failing.IsZero() != (failures == 0) {
				t.Fatalf("status %+v, want %s after %d failures", s, state, failures)
			}
		}
		for range 9 {
			b.try(t, failing)
		}
		want("closed", 9) // not for long enough
		time.Sleep(time.Second)
		b.try(t, alive)
		want("closed", 0)
		b.try(t, failing)
		b.try(t, unclear)
		time.Sleep(time.Second)
		b.try(t, failing)
		want("closed", 2)
		b.try(t, failing)
		want("open", 3)
		for _, pause := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second} {
			const moment = time.Millisecond
			time.Sleep(pause - moment)
			if b.barred() <= 0 {
				t.Fatalf("who asks before the pause of %s is over is not kept back", pause)
			}
			if wait := b.wait(); b.try(t, alive) || wait <= moment || wait > moment+pause/2 {
				t.Fatalf("let through before the pause of %s was over, or has to wait %s", pause, wait)
			}
			time.Sleep(moment)
			if wait := b.barred(); wait != 0 {
				t.Fatalf("who asks for the probe has to wait %s", wait)
			}
			probe, _ := b.enter()
			want("half-open", b.failures)
			if b.barred() <= 0 {
				t.Fatal("who asks during the probe is not kept back")
			}
			if !probe || b.try(t, alive) {
				t.Fatalf("a probe is let through: %t, and another call too", probe)
			}
			b.leave(probe, failing)
		}
		time.Sleep(3 * time.Second)
		if probe, _ := b.enter(); probe { // one that says nothing leaves the place to the next
			b.leave(probe, unclear)
		}
		if !b.try(t, alive) {
			t.Error("the next probe is not let through")
		}
		want("closed", 0)
		if b.wait() != 0 {
			t.Error("closed, and there is something to wait for")
		}
	})
}

// Calls that began before it opened close it when they succeed, and change nothing when they fail.
func TestBreakerHearsLateCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(Breaker{Failures: 1, Over: 0, Min: time.Minute, Max: time.Hour}, time.Now)
		late, _ := b.enter()
		b.try(t, failing)
		until := b.until
		b.leave(late, failing)
		if !b.until.Equal(until) || b.status().Breaker != "open" {
			t.Errorf("until %s, was %s", b.until, until)
		}
		b.leave(late, alive)
		if !b.try(t, alive) {
			t.Error("it stays open")
		}
		never := newBreaker(Breaker{Failures: -1}, time.Now)
		for range 100 {
			never.try(t, failing)
		}
		if never.status().Breaker != "closed" {
			t.Error("one that never opens is open")
		}
	})
}

func TestHowItWent(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	fail := func(k relay.Kind) error { return &relay.Failure{Kind: k, Err: errors.New("x")} }
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want health
	}{
		"success":           {t.Context(), nil, alive},
		"temporary":         {t.Context(), fail(relay.Temporary), failing},
		"an error":          {t.Context(), errors.New("x"), failing},
		"rate limited":      {t.Context(), fail(relay.RateLimited), alive},
		"rejected":          {t.Context(), fail(relay.Rejected), alive},
		"cut off by us":     {over, fail(relay.Temporary), unclear},
		"refused, then cut": {over, fail(relay.Denied), alive},
	} {
		if got := howItWent(c.ctx, c.err); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
