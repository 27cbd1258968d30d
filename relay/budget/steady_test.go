package budget

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestNoRefusalsOnceTheLimitIsKnown floods platforms of all kinds, and looks at what happens once the limit was learned.
func TestNoRefusalsOnceTheLimitIsKnown(t *testing.T) {
	type limits struct {
		n   int
		per time.Duration
		way time.Duration
	}
	for _, l := range []limits{{1, time.Second, 10 * time.Millisecond}, {5, time.Second, 20 * time.Millisecond}, {10, time.Minute, time.Second},
		{30, time.Minute, 1400 * time.Millisecond}, {100, time.Minute, time.Second}, {2000, time.Minute, time.Second}, {1000, time.Hour, time.Second}} {
		for _, k := range []kind{fixed, aligned, rolling} {
			for _, silent := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d per %s silent %t", k, l.n, l.per, silent), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						p := &platform{kind: k, sender: l.n, per: l.per, way: l.way, silent: silent}
						b := newBudget(t, func(c *Config) { c.Documented = documents(l.n, l.per) })
						ctx, cancel := context.WithCancel(t.Context())
						var all sync.WaitGroup
						for i := range 40 {
							th := thread{name: fmt.Sprint(i), sender: "helper", actions: 1 << 30, key: uint64(i+1) << 32}
							all.Go(func() { th.run(ctx, b, p) })
						}
						time.Sleep(4 * l.per)
						learned := time.Now()
						time.Sleep(10 * l.per)
						got := p.rate(learned, time.Now())
						cancel()
						all.Wait()
						t.Logf("%d calls in 10 periods, %d refusals, %d before", got, p.after(learned), p.after(time.Time{})-p.after(learned))
						if n := p.after(learned); n > 0 {
							t.Errorf("%d refusals after learning", n)
						}
						if min := 9 * l.n; got < min || got > 10*l.n {
							t.Errorf("%d calls in 10 periods, want %d to %d", got, min, 10*l.n)
						}
					})
				})
			}
		}
	}
}
