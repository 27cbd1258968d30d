package budget

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// crowd is threads of one sender, which have more to send than they can.
func crowd(n int, first uint64) []thread {
	var all []thread
	for i := range n {
		all = append(all, thread{name: fmt.Sprint(first, "-", i), sender: "helper", actions: 1 << 30, key: (first+uint64(i))<<32 + 1})
	}
	return all
}

// TestInstancesShareALimit has several instances, whose clocks differ from the server's, flood a platform together.
func TestInstancesShareALimit(t *testing.T) {
	for _, l := range []struct {
		n, instances int
		per          time.Duration
	}{{10, 2, time.Minute}, {30, 2, time.Minute}, {30, 5, time.Minute}, {1000, 2, time.Minute}, {20000, 2, time.Minute}, {20, 3, 2 * time.Second}} {
		for _, k := range []kind{fixed, rolling} {
			t.Run(fmt.Sprintf("%d instances %s %d per %s", l.instances, k, l.n, l.per), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					way := min(l.per/100, 200*time.Millisecond)
					p := &platform{kind: k, sender: l.n, per: l.per, way: way}
					store := newMemory(min(way, 5*time.Millisecond), 7*time.Second)
					ctx, cancel := context.WithCancel(t.Context())
					var all sync.WaitGroup
					for i := range l.instances {
						b := newBudget(t, func(c *Config) {
							c.Documented, c.State, c.Instance = documents(l.n, l.per), store, fmt.Sprint("instance-", i)
						})
						b.epoch = b.epoch.Add(time.Duration(3*i) * time.Second)
						stop := start(b)
						defer stop()
						for _, th := range crowd(max(20, l.n/100), uint64(100*i+100)) {
							th.name = fmt.Sprint(i)
							all.Go(func() { th.run(ctx, b, p) })
						}
					}
					time.Sleep(4 * l.per)
					learned := time.Now()
					periods := 10
					if l.n > 1000 {
						periods = 2
					}
					time.Sleep(time.Duration(periods) * l.per)
					now := time.Now()
					got, refused := p.rate(learned, now), p.after(learned)
					cancel()
					all.Wait()
					shares := make(map[string]int)
					for _, s := range p.said {
						if !s.at.Before(learned) && s.at.Before(now) {
							shares[s.thread]++
						}
					}
					t.Logf("%d calls in %d periods, %d refusals; shares %v, %d writes", got, periods, refused, shares, store.written("use/support/sender/helper"))
					if refused > 0 {
						t.Errorf("%d refusals after learning", refused)
					}
					least := periods * l.n * 9 / 10
					if l.per < 10*time.Second { // what the way to the store takes counts for more
						least = periods * l.n * 85 / 100
					}
					if got < least || got > periods*l.n {
						t.Errorf("%d calls in %d periods, want %d to %d", got, periods, least, periods*l.n)
					}
					for name, n := range shares {
						if n < got/l.instances*3/4 {
							t.Errorf("instance %s made %d of %d calls", name, n, got)
						}
					}
					if writes := store.written("use/support/sender/helper"); l.n >= 1000 && writes > 3*got/10 {
						t.Errorf("%d writes for %d calls", writes, got)
					}
				})
			})
		}
	}
}
