package budget

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// TestAFloodDelaysNobodyByMoreThanARound has one thread with 1,000 actions and 20 with 5 each share a sender's limit.
func TestAFloodDelaysNobodyByMoreThanARound(t *testing.T) {
	for _, late := range []time.Duration{20 * time.Second, time.Minute, 3 * time.Minute} {
		t.Run(late.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &platform{kind: rolling, sender: 60, per: time.Minute, way: 100 * time.Millisecond}
				b := newBudget(t, func(c *Config) { c.Configured = []event.Budget{{Scope: Sender, N: 60, Per: time.Minute}} })
				threads := []thread{{name: "flood", sender: "helper", actions: 1000, key: 1}}
				for i := range 20 {
					threads = append(threads, thread{name: fmt.Sprint("small", i), sender: "helper", actions: 5, key: uint64(i+2) << 32, start: late})
				}
				var all sync.WaitGroup
				for _, th := range threads {
					all.Go(func() { th.run(t.Context(), b, p) })
				}
				all.Wait()
				p.wantOrder(t, threads)
				if n := len(p.refused); n > 0 {
					t.Errorf("%d refusals", n)
				}
				wantRounds(t, p.said)
				if len(b.waiters) != 0 {
					t.Errorf("%d heads still wait", len(b.waiters))
				}
			})
		})
	}
}

// wantRounds checks that between two actions of a small thread no other thread has more than its turn: one of those before it,
// and one of those behind it.
func wantRounds(t *testing.T, all []said) {
	t.Helper()
	between := make(map[string]map[string]int)
	for _, s := range all {
		if others, ok := between[s.thread]; ok && s.thread != "flood" {
			for other, n := range others {
				if n > 2 {
					t.Errorf("%d actions of %s came between %d and %d of %s", n, other, s.number-1, s.number, s.thread)
				}
			}
		}
		for _, others := range between {
			others[s.thread]++
		}
		between[s.thread] = make(map[string]int)
	}
}

func charge(scope, key string, calls int) relay.Charge {
	return relay.Charge{Group: relay.Group{Scope: scope, Key: key}, Calls: calls}
}

func TestWhoWaitsForASenderTakesNothingFromTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, func(c *Config) {
			c.Configured = []event.Budget{{Scope: Sender, N: 1, Per: time.Minute}, {Scope: Connection, N: 20, Per: time.Minute}}
		})
		ask := func(key uint64, sender string) time.Duration {
			return b.Take(t.Context(), key, charge("", "", 1), charge(Sender, sender, 1))
		}
		if wait := ask(1, "ana"); wait != 0 {
			t.Fatalf("the first call waits %s", wait)
		}
		for key := range uint64(50) {
			if wait := ask(key+2, "ana"); wait < time.Second {
				t.Fatalf("the second call of a minute waits %s", wait)
			}
		}
		for i := range 10 { // the rest of the half that can be had at once, and the first paced one
			if wait := ask(0, fmt.Sprint("other", i)); wait != 0 {
				t.Errorf("call %d of another sender waits %s", i, wait)
			}
		}
		if wait := ask(100, "another"); wait <= 0 || wait > 10*time.Second {
			t.Errorf("then the connection's pace is %s", wait)
		}
	})
}

func TestAPauseIsOfOneGroupAndExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, nil)
		ana, bob := charge(Sender, "ana", 1), charge(Sender, "bob", 1)
		take := func(c relay.Charge) time.Duration { return b.Take(t.Context(), 7, charge("", "", 1), c) }
		b.Observe(relay.Reading{Group: ana.Group, Limit: -1, Remaining: -1, Pause: 37 * time.Second})
		b.Pause(ana.Group, 5*time.Second) // a shorter one changes nothing
		for _, c := range []struct {
			after time.Duration
			ana   time.Duration
		}{{0, 37 * time.Second}, {30 * time.Second, 7 * time.Second}, {7*time.Second - 1, 1}, {1, 0}} {
			time.Sleep(c.after)
			if got := take(ana); got != c.ana {
				t.Errorf("who was asked to wait waits %s, want %s", got, c.ana)
			}
			if got := take(bob); got != 0 {
				t.Errorf("another sender waits %s", got)
			}
		}
		b.Pause(relay.Group{}, 1000*time.Hour)
		if got := b.Take(t.Context(), 8, bob); got != 0 {
			t.Errorf("calls outside of the group wait %s", got)
		}
		wait := take(bob)
		for waited := wait; ; waited += wait {
			time.Sleep(wait)
			if wait = take(bob); wait == 0 {
				if waited != maxPause {
					t.Errorf("an absurd pause is %s", waited)
				}
				break
			}
		}
	})
}

// TestAPauseKeepsTheLine lets many wait for the end of a pause, of a group whose limit is known.
func TestAPauseKeepsTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, func(c *Config) { c.Configured = []event.Budget{{Scope: Sender, N: 10, Per: time.Minute}} })
		ana := charge(Sender, "ana", 1)
		b.Pause(ana.Group, time.Minute)
		began := time.Now()
		var order []uint64
		var mu sync.Mutex
		var all sync.WaitGroup
		for key := range uint64(12) {
			time.Sleep(time.Millisecond)
			all.Go(func() {
				for wait := b.Take(t.Context(), key+1, ana); wait > 0; wait = b.Take(t.Context(), key+1, ana) {
					time.Sleep(wait)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, key)
				if since := time.Since(began); key == 0 && since.Round(10*time.Millisecond) != time.Minute || since < time.Minute {
					t.Errorf("%d went after %s", key, since)
				}
			})
		}
		all.Wait()
		for i := 5; i < len(order); i++ { // the first half goes at once
			if order[i] != uint64(i) {
				t.Fatalf("they went in the order %v", order)
			}
		}
	})
}

func TestWhoDoesNotComeBackIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, func(c *Config) { c.Configured = []event.Budget{{Scope: Sender, N: 2, Per: time.Minute}} })
		ana := charge(Sender, "ana", 1)
		if wait := b.Take(t.Context(), 1, charge(Sender, "ana", 2)); wait != 0 {
			t.Fatal(wait)
		}
		gone := b.Take(t.Context(), 2, ana)
		next := b.Take(t.Context(), 3, ana)
		if gone <= 0 || next < gone {
			t.Fatalf("the second waits %s, the third %s", gone, next)
		}
		began := time.Now()
		for wait := next; wait > 0; wait = b.Take(t.Context(), 3, ana) {
			time.Sleep(wait)
		}
		if waited := time.Since(began); waited > time.Minute+35*time.Second { // a turn is 32 seconds
			t.Errorf("behind one who is gone waits %s", waited)
		}
		time.Sleep(2 * absence)
		b.Take(t.Context(), 4, charge(Sender, "ana", 2))
		if wait := b.Take(t.Context(), 5, ana); wait <= 0 || b.waiters[2] != nil || len(b.waiters) != 1 {
			t.Errorf("waits %s; waiters %v", wait, b.waiters)
		}
	})
}

func TestWhatIsSpared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, func(c *Config) { c.Configured = []event.Budget{{Scope: Connection, N: 20, Per: time.Minute}} })
		taken := 0
		for b.TakeSpare(t.Context(), 0.7, charge("", "", 1)) == 0 {
			taken++
		}
		if taken != 6 {
			t.Errorf("%d calls of 20 were made by what leaves 7 of 10 to others", taken)
		}
		if wait := b.Take(t.Context(), 1, charge("", "", 1)); wait != 0 {
			t.Errorf("what has to be done waits %s", wait)
		}
	})
}
