package budget

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestTheLineAgainstASlice does at random what can be done to a line, and compares it with a plain list.
func TestTheLineAgainstASlice(t *testing.T) {
	type place struct {
		seat  *seat
		calls int
	}
	random := rand.New(rand.NewPCG(1, 2))
	var l line
	var all []*place
	now := time.Now()
	for step := range 20_000 {
		switch n := random.IntN(10); {
		case n < 4 || len(all) == 0:
			p := &place{seat: &seat{due: now.Add(time.Hour)}}
			l.join(p.seat)
			all = append(all, p)
		case n < 8:
			p := all[random.IntN(len(all))]
			p.calls, p.seat.due = random.IntN(4), now.Add(time.Hour)
			l.hold(p.seat, p.calls)
		case n < 9 && random.IntN(3) == 0:
			at := random.IntN(len(all))
			l.leave(all[at].seat)
			all = slices.Delete(all, at, at+1)
		default: // whoever is in front is overdue
			for _, p := range all {
				if p.calls > 0 {
					p.seat.due, p.calls = now.Add(-2*patience), 0
					break
				}
			}
			l.pass(now)
		}
		ahead := 0
		for _, p := range all {
			if got := l.ahead(p.seat); got != ahead {
				t.Fatalf("step %d: %d calls are ahead of a seat, want %d", step, got, ahead)
			}
			ahead += p.calls
		}
		if l.ahead(nil) != ahead || l.live != len(all) {
			t.Fatalf("step %d: %d calls are held and %d live, want %d and %d", step, l.ahead(nil), l.live, ahead, len(all))
		}
		if len(l.seats) > 4*len(all)+64 {
			t.Fatalf("step %d: %d seats for %d who wait", step, len(l.seats), len(all))
		}
	}
}
