package budget

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// sole is an instance with a store.
func sole(t *testing.T, store Store, name string) (*Budget, func()) {
	b := newBudget(t, func(c *Config) {
		c.Documented, c.State, c.Instance = documents(30, time.Minute), store, name
	})
	return b, start(b)
}

func TestNoLimitCostsNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(0, 0)
		b, stop := sole(t, store, "a")
		for key := range uint64(1000) {
			if wait := b.Take(t.Context(), key+1, charge("", "", 1), charge(Sender, "ana", 1)); wait != 0 {
				t.Fatalf("waits %s", wait)
			}
		}
		time.Sleep(10 * time.Minute)
		stop()
		if delete(store.writes, b.keys.clock); len(store.writes) != 0 {
			t.Errorf("written: %v", store.writes)
		}
	})
}

// TestARestartRemembers has a process learn a limit and use it up, and end; another one must not be refused even once.
func TestARestartRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(2*time.Millisecond, time.Second)
		p := &platform{kind: fixed, sender: 30, per: time.Minute, way: 200 * time.Millisecond}
		first, stop := sole(t, store, "a")
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		thread{name: "before", sender: "helper", actions: 100, key: 1}.run(ctx, first, p)
		cancel()
		stop()
		if n := len(p.said); n < 15 || len(p.refused) > 0 {
			t.Fatalf("%d calls, %d refusals", n, len(p.refused))
		}
		second, stop := sole(t, store, "b")
		defer stop()
		if s := second.Status(); len(s) != 1 || s[0].Limit != 30 || s[0].Source != Learned || s[0].Per != "1m0s" {
			t.Errorf("it knows %+v", s)
		}
		if wait := second.Take(t.Context(), 5, charge(Sender, "new", 16)); wait != 0 {
			t.Errorf("another sender waits %s", wait)
		}
		if wait := second.Take(t.Context(), 6, charge(Sender, "new", 16)); wait < 10*time.Second {
			t.Errorf("another sender, of whom nothing was told yet, is held to no limit: waits %s", wait)
		}
		var all sync.WaitGroup
		for i := range 10 {
			th := thread{name: fmt.Sprint(i), sender: "helper", actions: 10, key: uint64(i+1) << 32}
			all.Go(func() { th.run(t.Context(), second, p) })
		}
		all.Wait()
		if n := len(p.refused); n > 0 {
			t.Errorf("%d refusals after the restart", n)
		}
	})
}

// TestOthersAreTold has one instance learn of a limit and a pause, and another one hear of it.
func TestOthersAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(time.Millisecond, 0)
		a, stopA := sole(t, store, "a")
		defer stopA()
		b := newBudget(t, func(c *Config) { c.State, c.Instance = store, "b" })
		b.epoch = b.epoch.Add(-9 * time.Second) // its clock is wrong
		stopB := start(b)
		defer stopB()
		busy := charge(Sender, "someone", 1)
		b.Take(t.Context(), 1, busy)
		a.Observe(relay.Reading{Group: relay.Group{Scope: Route, Key: "post"}, Limit: 10, Remaining: 9, Reset: time.Now().Add(50 * time.Second)})
		a.Observe(relay.Reading{Group: relay.Group{Scope: Sender, Key: "ana"}, Limit: -1, Remaining: -1, Pause: 40 * time.Second})
		time.Sleep(2*readEach + time.Second)
		got := b.Take(t.Context(), 2, charge(Sender, "ana", 1))
		if want := 40*time.Second - 2*readEach - time.Second; got < want-100*time.Millisecond || got > want+100*time.Millisecond {
			t.Errorf("ana waits %s at the other instance, want %s", got, want)
		}
		if got := b.Take(t.Context(), 3, charge(Sender, "bob", 1)); got != 0 {
			t.Errorf("bob waits %s", got)
		}
		found := false
		for _, s := range b.Status() {
			found = found || s.Scope == Route && s.Route == "post" && s.Limit == 10 && s.Per == "1m0s"
		}
		if !found {
			t.Errorf("the other instance knows %+v", b.Status())
		}
	})
}

// TestAnOutageOfTheStore lets two instances of a known limit go on without the store: with half of it each.
func TestAnOutageOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(time.Millisecond, 0)
		p := &platform{kind: rolling, sender: 60, per: time.Minute, way: 50 * time.Millisecond}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 2 {
			b, stop := sole(t, store, fmt.Sprint("instance-", i))
			defer stop()
			for _, th := range crowd(10, uint64(100*i+100)) {
				all.Go(func() { th.run(ctx, b, p) })
			}
		}
		time.Sleep(5 * time.Minute)
		began := time.Now()
		store.setDown(true)
		time.Sleep(5 * time.Minute)
		store.setDown(false)
		over := time.Now()
		time.Sleep(5 * time.Minute)
		during, after, refused := p.rate(began, over), p.rate(over, time.Now()), p.after(began)
		cancel()
		all.Wait()
		t.Logf("%d calls during the outage and %d after it, %d refusals", during, after, refused)
		if during < 5*60*7/10 || after < 5*60*8/10 || refused > 0 {
			t.Errorf("%d calls during the outage and %d after it, %d refusals", during, after, refused)
		}
	})
}

// TestSomebodyElseUsesTheLimit has a program that we know nothing of make half of the calls.
func TestSomebodyElseUsesTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{kind: rolling, sender: 60, per: time.Minute, way: 50 * time.Millisecond}
		store := newMemory(time.Millisecond, 0)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			for i := 0; pause(ctx, 2*time.Second); i++ {
				p.call(said{thread: foreign, number: i, sender: "helper"})
			}
		})
		for i := range 2 {
			b, stop := sole(t, store, fmt.Sprint("instance-", i))
			defer stop()
			for _, th := range crowd(10, uint64(100*i+100)) {
				all.Go(func() { th.run(ctx, b, p) })
			}
		}
		time.Sleep(5 * time.Minute)
		learned := time.Now()
		time.Sleep(20 * time.Minute)
		got, refused := p.rate(learned, time.Now()), p.after(learned)
		cancel()
		all.Wait()
		t.Logf("%d calls in 20 minutes, %d refusals", got, refused)
		if refused > 20 || got < 20*60*8/10 {
			t.Errorf("%d calls in 20 minutes, %d refusals", got, refused)
		}
	})
}
