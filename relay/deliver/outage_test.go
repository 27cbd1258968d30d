package deliver_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// A platform that is away for many times what the retry budget allows kills no action: the breaker has them wait. That it can
// be read meanwhile makes no difference.
func TestAnOutageCostsNoAttempts(t *testing.T) {
	for name, readable := range map[string]bool{"away": false, "takes nothing": true} {
		t.Run(name, func(t *testing.T) { outage(t, readable) })
	}
}

func outage(t *testing.T, readable bool) {
	const threads = 20
	srv := newStage(t)
	var away atomic.Bool
	away.Store(true)
	p := &chat{faults: func(int, event.Action) fault {
		if away.Load() {
			return before
		}
		return fine
	}, lookups: func(int) fault {
		if away.Load() && !readable {
			return before
		}
		return fine
	}}
	retry := bus.Retry{Attempts: 3, Min: time.Millisecond, Max: time.Millisecond}
	d := srv.deliver(t, deliver.Config{Connections: p.connections(), Default: deliver.Policy{
		Retry: retry, Breaker: deliver.Breaker{Failures: 3, Over: time.Nanosecond, Min: time.Millisecond, Max: 4 * time.Millisecond},
	}})
	got := receipts(t, srv.bus)
	var all []event.Action
	for i := range threads {
		all = append(all, reply(fmt.Sprint(i), "x"))
	}
	publish(t, srv.bus, all...)
	d.await(t, func(s deliver.Status) bool { return s.Breaker != "closed" && s.Failures > 10*threads })
	if n := srv.Count(bus.DeadStream); n > 3 {
		t.Errorf("%d dead letters", n)
	}
	away.Store(false)
	d.await(t, func(s deliver.Status) bool { return s.Breaker == "closed" && s.Failures == 0 })
	dead := 0
	for _, r := range await(t, got, ids(all...)...) {
		if r.Outcome == event.Failed {
			dead++
		}
	}
	if dead > 3 { // of the attempts that opened it
		t.Errorf("%d actions failed", dead)
	}
	for i := range threads {
		if seen := p.seen(event.MessageID(fmt.Sprint(i))); strings.Count(seen, "x") > 1 {
			t.Errorf("thread %d: %q", i, seen)
		}
	}
}

// await waits until the connection is as wanted.
func (r *running) await(t *testing.T, fits func(deliver.Status) bool) {
	t.Helper()
	ctx := bustest.Context(t)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !fits(r.deliverer.Status()["support"]) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("status %+v", r.deliverer.Status())
		}
	}
}

// A call that is cut off because the process was away from NATS for too long counts as no attempt, and nobody else had the
// thread meanwhile. It may have been carried out all the same.
func TestACallThatIsCutOffIsLookedFor(t *testing.T) {
	srv := newStage(t)
	entered, cut := make(chan struct{}, 10), make(chan struct{}, 1)
	var calls atomic.Int32
	p := &chat{faults: func(n int, _ event.Action) fault {
		if n == 1 {
			return after
		}
		return fine
	}, during: func(ctx context.Context) {
		entered <- struct{}{}
		if calls.Add(1) == 1 {
			<-ctx.Done()
			cut <- struct{}{}
		}
	}}
	srv.deliver(t, deliver.Config{Connections: p.connections()})
	one := reply("a", "one")
	publish(t, srv.bus, one)
	bustest.Receive(t, entered)
	srv.Stop()
	bustest.Receive(t, cut)
	srv.Start()
	if r := await(t, receipts(t, srv.bus), one.ID)[one.ID]; r.Message != "m1" {
		t.Errorf("receipt %+v", r)
	}
	if p.sends(one.ID) != 1 || p.looked() == 0 {
		t.Errorf("%d calls, %d look-ups", p.sends(one.ID), p.looked())
	}
}
