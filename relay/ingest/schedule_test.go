package ingest

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Ten thousand sources, forty of them live, at 300 requests a minute of a platform that takes no more.
func TestTenThousandSourcesWithinTheBudget(t *testing.T) {
	const all, active, warm, measured = 10_000, 40, 5 * time.Minute, 30 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), newMemory()
		w.limit, w.latency = 300, 150*time.Millisecond
		sources := names(all)
		for _, name := range sources[:active] {
			w.happen(name, said(name, -1))
		}
		start := time.Now()
		s, stop := open(t, w, m, PollConfig{Sources: sources, Budget: 300, Backfill: time.Minute})
		said := talk(w, sources[:active], warm+measured)
		time.Sleep(warm + measured + time.Minute)
		var late []time.Duration
		for _, e := range said {
			if e.Time.Before(start.Add(warm)) {
				continue
			}
			at, ok := m.at(e.ID)
			if !ok {
				t.Fatalf("%s was never seen", e.ID)
			}
			late = append(late, at.Sub(e.Time))
		}
		st := s.schedule.status(time.Now())
		if err := stop(); err == nil {
			t.Error("the session ended by itself")
		}
		slices.Sort(late)
		t.Logf("%d events of %d live sources seen after p50 %s, p99 %s, max %s; %d requests, %d idle sources polled, status %+v",
			len(late), active, late[len(late)/2], late[len(late)*99/100], late[len(late)-1], len(w.requests), len(w.asked)-active, st)
		if most := late[len(late)-1]; most > 10*time.Second {
			t.Errorf("an event was seen after %s", most)
		}
		if st.Live != active {
			t.Errorf("%d sources are live, want %d", st.Live, active)
		}
		for _, name := range sources[active:] {
			if n := len(w.asked[name]); n > 1 {
				t.Errorf("%s was polled %d times while others were not polled at all", name, n)
			}
		}
		if n := len(w.asked) - active; n < 29*int((warm+measured)/time.Minute)*9/10 {
			t.Errorf("only %d idle sources were polled", n)
		}
		w.wantNoFaults(t)
	})
}

// talk has somebody say something in each source about once in 40 seconds, and returns what.
func talk(w *world, sources []string, during time.Duration) (all []moment) {
	for i, name := range sources {
		for n := 0; ; n++ {
			at := time.Duration(n)*40*time.Second + time.Duration(i*977%40_000)*time.Millisecond + time.Duration(n*613%7000)*time.Millisecond
			if at > during {
				break
			}
			e := said(name, n)
			e.Time = time.Now().Add(at)
			time.AfterFunc(at, func() { w.happen(name, e) })
			all = append(all, moment{e.ID, e.Time})
		}
	}
	return all
}

// With nothing going on, every source is polled once before any is polled twice, and the budget is used up.
func TestIdleSourcesTakeTurns(t *testing.T) {
	const all, minutes = 10_000, 40
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit = 300
		_, stop := open(t, w, newMemory(), PollConfig{Sources: names(all), Budget: 300})
		time.Sleep(minutes * time.Minute)
		_ = stop()
		if n := len(w.requests); n < 285*minutes || n > 300*minutes {
			t.Errorf("%d requests in %d minutes at 300 a minute", n, minutes)
		}
		least, most := all, 0
		for _, n := range w.counts() {
			least, most = min(least, n), max(most, n)
		}
		if len(w.asked) != all || most-least > 1 {
			t.Errorf("%d sources were polled, each %d to %d times", len(w.asked), least, most)
		}
		w.wantNoFaults(t)
	})
}

// Pages that cost several requests are paid for in full.
func TestDearPagesStayWithinTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit, w.cost, w.latency = 300, 3, 50*time.Millisecond
		_, stop := open(t, w, newMemory(), PollConfig{Sources: names(200), Budget: 300})
		time.Sleep(20 * time.Minute)
		_ = stop()
		if n := len(w.requests); n < 20*90 {
			t.Errorf("%d pages in 20 minutes, want nearly 100 in each", n)
		}
		w.wantNoFaults(t)
	})
}

// A source slows down by and by to twelve times the interval, comes back to it with an event, and keeps it for two minutes.
func TestIdleSourcesSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), newMemory()
		_, stop := open(t, w, m, PollConfig{Sources: []string{"app"}, Interval: 5 * time.Second})
		time.Sleep(20 * time.Minute)
		polls := w.polls("app")
		var waits []time.Duration
		for i := 1; i < len(polls); i++ {
			waits = append(waits, polls[i].Sub(polls[i-1]))
		}
		for i, want := range []time.Duration{7500, 11250, 16875, 25312, 37968, 56953, 60000, 60000, 60000} {
			if want *= time.Millisecond; !about(waits[i], want) {
				t.Errorf("wait %d is %s, want about %s", i, waits[i], want)
			}
		}
		w.happen("app", said("app", 0))
		time.Sleep(70 * time.Second)
		if _, ok := m.at("app-0"); !ok {
			t.Fatal("the event was not seen within twelve intervals")
		}
		seen := len(w.polls("app"))
		time.Sleep(50 * time.Second)
		if n := len(w.polls("app")) - seen; n < 9 || n > 11 {
			t.Errorf("%d polls in 50 s after an event, want 10", n)
		}
		time.Sleep(10 * time.Minute)
		polls = w.polls("app")
		if last := polls[len(polls)-1].Sub(polls[len(polls)-2]); !about(last, time.Minute) {
			t.Errorf("ten minutes later the wait is %s", last)
		}
		_ = stop()
		w.wantNoFaults(t)
	})
}

// about reports whether d is within the spread of want.
func about(d, want time.Duration) bool {
	return d >= want*94/100 && d <= want*106/100+time.Millisecond
}

// A webhook tells where something is going on: its source is polled at the interval from then on.
func TestWebhooksWakeSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s, stop := open(t, w, newMemory(), PollConfig{Sources: names(3), Interval: 5 * time.Second})
		time.Sleep(10 * time.Minute)
		before := w.counts()
		s.heard([]event.Event{said("group/00001", 0)}, false)
		time.Sleep(time.Minute)
		after := w.counts()
		_ = stop()
		for i, name := range names(3) {
			n, least, most := after[name]-before[name], 0, 2
			if i == 1 {
				least, most = 11, 13
			}
			if n < least || n > most {
				t.Errorf("%s was polled %d times in a minute, want %d to %d", name, n, least, most)
			}
		}
	})
}

// A source with a long past is read page by page, beside live ones that are still polled in time.
func TestCatchUpStarvesNobody(t *testing.T) {
	const pages = 300
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), newMemory()
		w.limit, w.page = 300, 10
		sources := names(20)
		long := sources[19]
		_, stop := open(t, w, m, PollConfig{Sources: sources, Budget: 300, Backfill: time.Hour})
		for i := range pages * w.page {
			w.happen(long, said(long, i))
		}
		talk(w, sources[:10], 10*time.Minute)
		time.Sleep(time.Minute)
		start := time.Now()
		time.Sleep(4 * time.Minute)
		end := time.Now()
		time.Sleep(5 * time.Minute)
		_ = stop()
		if gap := w.gaps(sources[:10], start, end); gap > 8*time.Second {
			t.Errorf("a live source was not polled for %s", gap)
		}
		if gap := w.gaps(sources[10:19], start, end); gap > 90*time.Second {
			t.Errorf("an idle source was not polled for %s", gap)
		}
		n := 0
		for _, id := range m.ids() {
			if id == said(long, n).ID {
				n++
			}
		}
		if n != pages*w.page {
			t.Errorf("%d of %d events came in order", n, pages*w.page)
		}
		w.wantNoFaults(t)
	})
}

// moment is when an event happened.
type moment struct {
	ID   event.ID
	Time time.Time
}

func TestTurns(t *testing.T) {
	cases := map[string]struct {
		wants [classes]bool
		want  [classes]int // of 600 turns
	}{
		"all":             {[classes]bool{true, true, true, true}, [classes]int{540, 30, 20, 10}},
		"live and idle":   {[classes]bool{live: true, idle: true}, [classes]int{live: 540, idle: 60}},
		"live alone":      {[classes]bool{live: true}, [classes]int{live: 600}},
		"idle alone":      {[classes]bool{idle: true}, [classes]int{idle: 600}},
		"none live":       {[classes]bool{behind: true, idle: true, threads: true}, [classes]int{behind: 300, idle: 200, threads: 100}},
		"idle and thread": {[classes]bool{idle: true, threads: true}, [classes]int{idle: 400, threads: 200}},
	}
	for name, c := range cases {
		var turns turns
		var got [classes]int
		var run, longest int // of turns without a live source
		for range 600 {
			chosen := turns.next(c.wants)
			got[chosen]++
			if run++; chosen == live {
				run = 0
			}
			longest = max(longest, run)
		}
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if c.wants[live] && longest > 1 {
			t.Errorf("%s: %d turns in a row without a live source", name, longest)
		}
	}
}

// No window of a minute holds more calls than the budget, however they are bunched.
func TestBudgetHoldsInEveryMinute(t *testing.T) {
	for _, perMinute := range []int{minBudget, 60, 300, 3000} {
		t.Run(fmt.Sprint(perMinute), func(t *testing.T) {
			now := time.Unix(0, 0)
			b, rested := newBudget(perMinute, now), now
			var calls []time.Time
			for end := now.Add(10 * time.Minute); now.Before(end); {
				wait := b.wait(now)
				if wait == 0 {
					cost := 1 + len(calls)%3 // what a call costs is known beforehand
					b.spend(cost)
					for range cost {
						calls = append(calls, now)
					}
				}
				if now.Sub(rested) > 2*time.Minute { // so that a burst is saved up
					wait += 30 * time.Second
					rested = now
				}
				now = now.Add(wait)
			}
			first, most := 0, 0
			for i, at := range calls {
				for at.Sub(calls[first]) >= time.Minute {
					first++
				}
				most = max(most, i-first+1)
			}
			if most > perMinute+2 || most < perMinute*9/10 { // the last call may cost two more than was left
				t.Errorf("%d calls within a minute", most)
			}
		})
	}
}
