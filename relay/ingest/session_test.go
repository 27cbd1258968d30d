package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// refusing makes a world refuse some sources while on is set.
type refusing struct {
	mu      sync.Mutex
	failure *relay.Failure
	on      bool
	only    string // a source, or all
}

func (f *refusing) fail(r relay.PollRequest) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.on && (f.only == "" || f.only == r.Source) {
		return f.failure
	}
	return nil
}

func (f *refusing) set(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = on
}

// A 429 pauses all sources of the connection, for as long as the platform said.
func TestA429PausesTheConnection(t *testing.T) {
	cases := map[string]struct{ after, pause time.Duration }{
		"seconds":     {42 * time.Second, 42 * time.Second},
		"unspecified": {0, unknownPause},
		"absurd":      {1000 * time.Hour, maxPause},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				f := &refusing{on: true, failure: &relay.Failure{Kind: relay.RateLimited, After: c.after, Err: errors.New("slow down")}}
				w.fail = f.fail
				start := time.Now()
				s, stop := open(t, w, newMemory(), PollConfig{Sources: names(5)})
				synctest.Wait()
				f.set(false)
				if got := s.schedule.status(time.Now()).PausedUntil; !got.Equal(start.Add(c.pause)) {
					t.Errorf("paused until %s, want %s", got.Sub(start), c.pause)
				}
				time.Sleep(c.pause + 30*time.Second)
				_ = stop()
				if n := len(w.requests); n < 6 {
					t.Fatalf("%d requests", n)
				}
				at := w.polls("group/00000")
				if len(at) < 2 || at[1].Sub(at[0]) < c.pause || at[1].Sub(at[0]) > c.pause+time.Second {
					t.Errorf("the source was asked at %v, want a pause of %s", since(start, at), c.pause)
				}
				for _, name := range names(5)[1:] {
					if first := w.polls(name)[0].Sub(start); first < c.pause {
						t.Errorf("%s was asked after %s, within the pause", name, first)
					}
				}
			})
		})
	}
}

func since(start time.Time, at []time.Time) (out []time.Duration) {
	for _, t := range at {
		out = append(out, t.Sub(start))
	}
	return out
}

// What may pass is tried again soon, and then ever later.
func TestPassingFailuresBackOff(t *testing.T) {
	cases := map[string]error{
		"temporary": &relay.Failure{Kind: relay.Temporary, Err: errors.New("502")},
		"unknown":   errors.New("no idea"),
	}
	for name, err := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.fail = func(r relay.PollRequest) error {
					if r.Source == "sick" {
						return err
					}
					return nil
				}
				s, stop := open(t, w, newMemory(), PollConfig{Sources: []string{"sick", "sound"}})
				time.Sleep(time.Hour)
				st := s.schedule.status(time.Now())
				_ = stop()
				at := w.polls("sick")
				for i, want := 1, backoffMin; i < len(at); i, want = i+1, min(2*want, backoffMax) {
					if wait := at[i].Sub(at[i-1]); wait < want/2 || wait > want+time.Second {
						t.Errorf("wait %d is %s, want %s to %s", i, wait, want/2, want)
					}
				}
				if n := len(at); n < 20 || n > 40 {
					t.Errorf("%d attempts within an hour", n)
				}
				if n := len(w.polls("sound")); n < 58 {
					t.Errorf("the sound source was polled %d times", n)
				}
				if st.Failing != 1 || st.Refused != 0 || len(st.Faults) != 1 || st.Faults[0].Kind != "temporary" || st.Faults[0].Source != "sick" {
					t.Errorf("status %+v", st)
				}
			})
		})
	}
}

// What only people can mend is asked for seldom, shown, and logged once.
func TestRefusalsAreSlowAndShown(t *testing.T) {
	for _, kind := range []relay.Kind{relay.Denied, relay.Rejected, relay.RootGone} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				w := newWorld()
				f := &refusing{on: true, only: "a", failure: &relay.Failure{Kind: kind, Err: errors.New("the group is private")}}
				w.fail = f.fail
				s, stop := open(t, w, newMemory(), PollConfig{Sources: []string{"a", "b"}, Log: slog.New(slog.NewTextHandler(&log, nil))})
				time.Sleep(time.Hour)
				st := s.schedule.status(time.Now())
				if n := len(w.polls("a")); n < 11 || n > 14 {
					t.Errorf("%d attempts within an hour, want one in five minutes", n)
				}
				if st.Refused != 1 || st.Failing != 0 || len(st.Faults) != 1 || st.Faults[0].Kind != kind.String() || !strings.Contains(st.Faults[0].Error, "private") {
					t.Errorf("status %+v", st)
				}
				f.set(false)
				time.Sleep(10 * time.Minute)
				st = s.schedule.status(time.Now())
				_ = stop()
				if st.Refused != 0 || len(st.Faults) != 0 {
					t.Errorf("status after the recovery: %+v", st)
				}
				lines := strings.Split(strings.TrimSpace(log.String()), "\n")
				if len(lines) != 2 || !strings.Contains(lines[0], "cannot be polled") || !strings.Contains(lines[0], "kind="+kind.String()) || !strings.Contains(lines[1], "polled again") {
					t.Errorf("logged:\n%s", log.String())
				}
			})
		})
	}
}

// A platform that is away fails all sources; the log does not drown in it.
func TestAnOutageIsLoggedInAFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := newWorld()
		f := &refusing{on: true, failure: &relay.Failure{Kind: relay.Temporary, Err: errors.New("503")}}
		w.fail = f.fail
		_, stop := open(t, w, newMemory(), PollConfig{Sources: names(1000), Budget: 3000, Log: slog.New(slog.NewTextHandler(&log, nil))})
		time.Sleep(5 * time.Minute)
		_ = stop()
		if n := strings.Count(log.String(), "\n"); n < 1 || n > 5*reportLines+reportLines {
			t.Errorf("%d lines in five minutes", n)
		}
	})
}

// A cursor moves only when the page behind it is stored; what fails in between is asked for again.
func TestTheCursorFollowsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), newMemory()
		m.failed = errors.New("the bus is away")
		w.happen("app", said("app", 0))
		s, stop := open(t, w, m, PollConfig{Sources: []string{"app"}, Backfill: time.Minute})
		time.Sleep(time.Minute)
		if after := m.mark("app").After; after != "" {
			t.Errorf("the cursor is %q while nothing is stored", after)
		}
		if st := s.schedule.status(time.Now()); st.Failing != 1 || st.Faults[0].Kind != "not_stored" {
			t.Errorf("status %+v", st)
		}
		m.mu.Lock()
		m.failed, m.saving = nil, errors.New("the bucket is away")
		m.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if st := s.schedule.status(time.Now()); st.Failing != 1 || st.Faults[0].Kind != "cursor_not_saved" {
			t.Errorf("status %+v", st)
		}
		for _, r := range w.all() {
			if r.After != "" {
				t.Errorf("asked behind %q, which was never saved", r.After)
			}
		}
		m.mu.Lock()
		m.saving = nil
		m.mu.Unlock()
		time.Sleep(5 * time.Minute)
		_ = stop()
		if got := m.ids(); len(got) != 1 || m.mark("app").After != "1" {
			t.Errorf("stored %v, cursor %q", got, m.mark("app").After)
		}
	})
}

// Another holder that has written ends the session: what this one would write is refused from then on.
func TestAFenceEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), newMemory()
		m.saving = fmt.Errorf("saving: %w", bus.ErrFenced)
		w.happen("app", said("app", 0))
		metrics := newPollMetrics("support", func() PollStatus { return PollStatus{} })
		s := newSession(sessionConfig{
			Poll: PollConfig{
				Connection: "support", Poller: w, Sources: []string{"app"}, Interval: time.Second, Budget: 300, Backfill: time.Minute, Log: slog.New(slog.DiscardHandler),
			},
			Keeper: m, Marks: m, Metrics: metrics, Holes: newHoles(metrics.filled), Begun: func() {},
		})
		if err := s.run(t.Context()); !errors.Is(err, bus.ErrFenced) {
			t.Errorf("the session ended with %v", err)
		}
	})
}

// What happens between the first start and a source's first poll, which may be long after, is not lost.
func TestFirstStart(t *testing.T) {
	cases := map[string]struct {
		backfill time.Duration
		sources  int
		want     []event.ID // of the last source
	}{
		"from now on":                   {0, 1, []event.ID{"group/x-2"}},
		"from now on, many sources":     {0, 500, []event.ID{"group/x-1", "group/x-2"}},
		"with a past":                   {time.Hour, 1, []event.ID{"group/x-0", "group/x-1", "group/x-2"}},
		"with a past, and many sources": {time.Hour, 500, []event.ID{"group/x-0", "group/x-1", "group/x-2"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, m := newWorld(), newMemory()
				w.happen("group/x", said("group/x", 0))
				time.Sleep(30 * time.Minute)
				_, stop := open(t, w, m, PollConfig{Sources: append(names(c.sources-1), "group/x"), Backfill: c.backfill})
				if c.sources > 1 {
					time.Sleep(20 * time.Second) // its turn has not come
					w.happen("group/x", said("group/x", 1))
				} else if c.backfill > 0 {
					w.happen("group/x", said("group/x", 1))
				}
				time.Sleep(5 * time.Minute)
				w.happen("group/x", said("group/x", 2))
				time.Sleep(5 * time.Minute)
				_ = stop()
				if got := m.ids(); !slices.Equal(got, c.want) {
					t.Errorf("stored %v, want %v", got, c.want)
				}
			})
		})
	}
}

// A restart goes on where the last one stopped, in order, and polls at once what was live.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), newMemory()
		cfg := PollConfig{Sources: names(2000), Budget: 300, Backfill: time.Minute}
		const last = "group/01999"
		w.happen("group/00000", said("group/00000", 0))
		w.happen(last, said(last, 0))
		_, stop := open(t, w, m, cfg)
		time.Sleep(8 * time.Minute) // the last source's turn has come
		if _, ok := m.at("group/01999-0"); !ok {
			t.Fatal("the past of the last source was not read")
		}
		w.happen(last, said(last, 1))
		time.Sleep(time.Minute)
		if err := stop(); err == nil {
			t.Error("the session ended by itself")
		}
		for i := 2; i < 5; i++ {
			w.happen(last, said(last, i))
		}
		time.Sleep(12 * time.Second)
		_, stop = open(t, w, m, cfg)
		time.Sleep(15 * time.Second) // far less than a round
		_ = stop()
		var got []event.ID
		for _, id := range m.ids() {
			if strings.HasPrefix(string(id), last) {
				got = append(got, id)
			}
		}
		if want := []event.ID{"group/01999-0", "group/01999-1", "group/01999-2", "group/01999-3", "group/01999-4"}; !slices.Equal(got, want) {
			t.Errorf("stored %v, want %v", got, want)
		}
		w.wantNoFaults(t)
	})
}

// Events that a webhook should have brought count as holes filled; those that it brought, or may still bring, do not.
func TestFilledHoles(t *testing.T) {
	for _, hooks := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w, m := newWorld(), newMemory()
			past := said("app", 0)
			past.Time = past.Time.Add(-30 * time.Second) // before the first start
			w.happen("app", past)
			s, stop := open(t, w, m, PollConfig{Sources: []string{"app"}, HooksOn: hooks, Backfill: time.Minute})
			time.Sleep(30 * time.Second)
			lost, brought, late, never := said("app", 1), said("app", 2), said("app", 3), said("app", 5)
			lost.Time, brought.Time = time.Now().Add(-20*time.Second), time.Now().Add(-20*time.Second)
			other := said("app", 4)
			other.Type, other.Time = event.Other, lost.Time
			if _, err := m.keep(t.Context(), []event.Event{brought}); err != nil {
				t.Fatal(err)
			}
			for _, e := range []event.Event{lost, brought, late, other, never} {
				w.happen("app", e)
			}
			time.Sleep(hookTime - time.Second)
			s.holes.hooked([]event.Event{late})
			time.Sleep(time.Minute)
			_ = stop()
			want := 0.0
			if hooks {
				want = 2 // lost, and never
			}
			if got := testutil.ToFloat64(s.metrics.filled); got != want {
				t.Errorf("hooks %v: %v holes filled, want %v", hooks, got, want)
			}
			if got := testutil.ToFloat64(s.metrics.events.WithLabelValues("stored")); got != 5 {
				t.Errorf("%v events counted as stored, want 5", got)
			}
			if got := testutil.ToFloat64(s.metrics.events.WithLabelValues("duplicate")); got != 1 {
				t.Errorf("%v events counted as duplicates, want 1", got)
			}
		})
	}
}
