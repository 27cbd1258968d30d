package budget

import (
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

func TestWindowForgets(t *testing.T) {
	w := newWindow(40 * time.Second) // slots of a second
	start := time.Unix(1_000_000, 0)
	for second := range 50 {
		w.advance(start.Add(time.Duration(second) * time.Second))
		w.add(w.newest, 1)
	}
	if w.sum != ring {
		t.Errorf("%d calls are remembered, want %d", w.sum, ring)
	}
	for _, c := range []struct {
		n    int
		want time.Duration
	}{{0, 0}, {1, time.Second}, {2, 2 * time.Second}, {ring, ring * time.Second}, {ring + 1, ring * time.Second}} {
		if got := w.freed(start.Add(49*time.Second), ring, c.n); got != c.want {
			t.Errorf("%d calls fit after %s, want %s", c.n, got, c.want)
		}
	}
	w.advance(start.Add(time.Hour))
	if w.sum != 0 || !w.empty() {
		t.Errorf("an hour later %d are", w.sum)
	}
}

func TestRetimedWindowKeepsTheCalls(t *testing.T) {
	w := newWindow(time.Minute)
	now := time.Unix(1_700_000_000, 0)
	w.advance(now.Add(-30 * time.Second))
	w.add(w.newest, 3)
	w.advance(now)
	w.add(w.newest, 4)
	for per, want := range map[time.Duration]int{time.Hour: 7, 2 * time.Minute: 7, time.Minute: 7, 20 * time.Second: 4, time.Second: 4} {
		other := w.retimed(newWindow(per).width)
		other.advance(now)
		if other.sum != want {
			t.Errorf("%d calls in %s, want %d", other.sum, per, want)
		}
	}
}

// TestPace has calls made at the even pace, and looks whether the limit is ever met.
func TestPace(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	w := newWindow(time.Minute)
	w.advance(now)
	w.add(w.newest, 15)
	if got := w.pace(now, 30); got < 15/w.memory().Seconds() || got > 30/w.memory().Seconds() {
		t.Errorf("the pace after half of the limit is %v a second", got)
	}
	last := now
	for n := range 200 {
		at := last.Add(time.Duration(float64(time.Second) / w.pace(last, 30)))
		w.advance(at)
		if w.sum >= 30 {
			t.Fatalf("call %d at %s meets the limit", n, at.Sub(now))
		}
		w.add(w.newest, 1)
		last = at
	}
	if took := last.Sub(now); took > 500*time.Second {
		t.Errorf("200 calls at 30 per minute took %s", took)
	}
}

func TestRecordOfAWrongClock(t *testing.T) {
	now := newWindow(time.Minute)
	now.advance(time.Unix(1_700_000_000, 0))
	for _, c := range []struct {
		ahead  time.Duration
		newest int64
	}{{0, 0}, {9 * time.Second, 6}, {time.Hour, 0}} {
		other := newWindow(time.Minute)
		other.advance(time.Unix(1_700_000_000, 0).Add(c.ahead))
		other.add(other.newest, 9)
		r := record{Width: other.width, Newest: other.newest, Used: other.counts()}
		got := r.window(now.width, now.newest)
		if got.sum != 9 || got.newest-now.newest != c.newest {
			t.Errorf("a clock that is %s ahead: %d calls, %d slots ahead", c.ahead, got.sum, got.newest-now.newest)
		}
	}
}

// FuzzRecord reads records that somebody else may have written.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{`{"width":1500000000,"newest":1133333333,"used":[3,0,2],"next":1700000000000000000,"by":{"a":{"slot":5}}}`,
		`{"width":1,"newest":-9223372036854775808,"used":[1]}`, `{"width":9223372036854775807,"newest":9223372036854775807,"used":[-5,5]}`, `{}`, `null`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBudget(t, func(c *Config) {
			c.Configured = []event.Budget{{Scope: Sender, N: 30, Per: time.Minute}}
		})
		ana := charge(Sender, "ana", 1)
		b.adopt(b.group(ana.Group, b.now()), bus.Value{Data: data, Revision: 1})
		if wait := b.Take(t.Context(), 1, ana); wait > 2*time.Minute {
			t.Errorf("a record has a call wait %s", wait)
		}
	})
}
