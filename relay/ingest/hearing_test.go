package ingest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// hearing is a world that can be listened to.
type hearing struct {
	*world
	// refuse has connections fail at once.
	refuse func() error
	deaf   map[string]error

	mu       sync.Mutex
	attempts []time.Time
	line     *line // nil while nobody listens
}

// line is an open connection.
type line struct {
	r      relay.ListenRequest
	frames chan relay.Heard
	cut    chan error
	took   chan error // what Hear returned
}

func newHearing() *hearing { return &hearing{world: newWorld()} }

func (h *hearing) Listen(ctx context.Context, r relay.ListenRequest) error {
	h.mu.Lock()
	h.attempts = append(h.attempts, time.Now())
	if h.refuse != nil {
		if err := h.refuse(); err != nil {
			h.mu.Unlock()
			return err
		}
	}
	l := &line{r: r, frames: make(chan relay.Heard), cut: make(chan error), took: make(chan error)}
	h.line = l
	h.mu.Unlock()
	for source, err := range h.deaf {
		r.Deaf(source, err)
	}
	r.Open()
	for {
		select {
		case f := <-l.frames:
			err := r.Hear(f)
			l.took <- err
			if err != nil {
				return err
			}
		case err := <-l.cut:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// open returns the connection that stands now.
func (h *hearing) open(t *testing.T) *line {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.line == nil {
		t.Fatal("nobody listens")
	}
	return h.line
}

// tell sends events of a source over the line.
func (l *line) tell(source string, events ...event.Event) error {
	l.frames <- relay.Heard{Source: source, Events: events}
	return <-l.took
}

// both has an event happen, which is heard as well.
func (h *hearing) both(t *testing.T, source string, e event.Event) {
	t.Helper()
	h.happen(source, e)
	if err := h.open(t).tell(source, e); err != nil {
		t.Error(err)
	}
}

func (h *hearing) tried() []time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.attempts)
}

func listening(sources ...string) PollConfig {
	return PollConfig{Sources: sources, Listen: true, Interval: 10 * time.Second}
}

// What is heard is stored at once, and the polls bring it once more under the same ids.
func TestWhatIsHeardComesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := newHearing(), newMemory()
		s, stop := open(t, h, m, listening("a", "b"))
		time.Sleep(time.Minute)
		var want []event.ID
		for n := range 5 {
			e := said("a", n)
			h.both(t, "a", e)
			if at, ok := m.at(e.ID); !ok || !at.Equal(e.Time) {
				t.Errorf("event %d was stored %s late (%t)", n, at.Sub(e.Time), ok)
			}
			want = append(want, e.ID)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		if st := s.ears.status(); !st.Open || st.Waiting != 0 || st.Held != 0 || st.Error != "" {
			t.Errorf("%+v", st)
		}
		_ = stop()
		if got := m.ids(); !slices.Equal(got, want) {
			t.Errorf("stored %v, want %v", got, want)
		}
		h.wantNoFaults(t)
	})
}

// What happened before the connection was opened is stored first, however long the polls take.
func TestWhatHappenedBeforeIsStoredFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := newHearing(), newMemory()
		h.latency, h.page = 5*time.Second, 2
		cfg := listening("a", "b")
		cfg.Backfill = time.Hour
		for n := range 5 {
			h.happen("a", said("a", n))
		}
		s, stop := open(t, h, m, cfg)
		synctest.Wait()
		last := said("a", 5)
		h.both(t, "a", last)
		if st := s.ears.status(); st.Waiting == 0 || st.Held != 1 {
			t.Errorf("%+v, and the source has not been polled", st)
		}
		if _, stored := m.at(last.ID); stored {
			t.Error("what was heard was stored before the source was polled")
		}
		time.Sleep(time.Minute)
		_ = stop()
		if got := m.ids(); !slices.Equal(got, []event.ID{"a-0", "a-1", "a-2", "a-3", "a-4", "a-5"}) {
			t.Errorf("stored %v", got)
		}
	})
}

// A connection that is lost is opened again. What happened meanwhile is stored before what is heard then, and once.
func TestALostConnectionIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := newHearing(), newMemory()
		h.latency = time.Second
		s, stop := open(t, h, m, listening("a", "b"))
		time.Sleep(10 * time.Minute) // both have become idle
		var want []event.ID
		say := func(tell func(e event.Event)) {
			e := said("a", len(want))
			want = append(want, e.ID)
			tell(e)
		}
		for range 3 {
			say(func(e event.Event) { h.both(t, "a", e) })
			lost := h.open(t)
			lost.cut <- &relay.Failure{Kind: relay.Temporary, Err: errors.New("gone")}
			say(func(e event.Event) { h.happen("a", e) }) // nobody hears it
			for ok := false; !ok; {
				time.Sleep(100 * time.Millisecond)
				st := s.ears.status()
				ok = st.Open && h.open(t) != lost
			}
			say(func(e event.Event) { h.both(t, "a", e) })
			time.Sleep(5 * time.Second)
		}
		time.Sleep(time.Minute)
		_ = stop()
		if got := m.ids(); !slices.Equal(got, want) {
			t.Errorf("stored %v, want %v", got, want)
		}
		h.wantNoFaults(t)
	})
}

// The waits between attempts grow, are those that the platform asks for, or long where only people can help.
func TestListeningBacksOff(t *testing.T) {
	cases := map[string]struct {
		err         error
		least, most time.Duration // between attempts, once they have grown
	}{
		"temporary":    {&relay.Failure{Kind: relay.Temporary, Err: errors.New("502")}, backoffMax / 2, backoffMax + time.Second},
		"unknown":      {errors.New("no idea"), backoffMax / 2, backoffMax + time.Second},
		"rate limited": {&relay.Failure{Kind: relay.RateLimited, After: 20 * time.Minute, Err: errors.New("slow")}, 20 * time.Minute, 21 * time.Minute},
		"denied":       {&relay.Failure{Kind: relay.Denied, Err: errors.New("no")}, refusedWait * 9 / 10, refusedWait * 11 / 10},
		"panics":       {nil, backoffMax / 2, backoffMax + time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, m := newHearing(), newMemory()
				h.refuse = func() error {
					if c.err == nil {
						h.mu.Unlock() // which a panic would leave locked
						panic("oh")
					}
					return c.err
				}
				s, stop := open(t, h, m, listening("a"))
				time.Sleep(10*time.Hour + time.Minute)
				synctest.Wait()
				st := s.ears.status()
				_ = stop()
				at := h.tried()
				if n := len(at); n < 10 || n > 250 {
					t.Fatalf("%d attempts in ten hours", n)
				}
				for i := len(at) - 3; i < len(at); i++ {
					if wait := at[i].Sub(at[i-1]); wait < c.least || wait > c.most {
						t.Errorf("attempt %d after %s, want %s to %s", i, wait, c.least, c.most)
					}
				}
				if st.Open || st.Error == "" || st.Attempts != len(at) {
					t.Errorf("%+v after %d attempts", st, len(at))
				}
				if n := len(h.polls("a")); n < 200 {
					t.Errorf("the source was polled %d times", n)
				}
			})
		})
	}
}

// With more than can be held back, a poll brings what was heard.
func TestTooMuchHeldBackIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := newHearing(), newMemory()
		h.latency = 20 * time.Second
		cfg := listening("a")
		cfg.Backfill = time.Hour
		s, stop := open(t, h, m, cfg)
		synctest.Wait()
		var want []event.ID
		for n := range 2*maxHeld + 5 {
			e := said("a", n)
			h.both(t, "a", e)
			want = append(want, e.ID)
			if held := s.ears.status().Held; held > maxHeld {
				t.Fatalf("%d events are held back", held)
			}
		}
		time.Sleep(2 * time.Minute)
		next := said("a", len(want))
		h.both(t, "a", next)
		if _, stored := m.at(next.ID); !stored {
			t.Error("what is heard afterwards does not come at once")
		}
		_ = stop()
		if got := m.ids(); !slices.Equal(got, append(want, next.ID)) {
			t.Errorf("%d are stored, want %d, or in another order", len(got), len(want)+1)
		}
	})
}

// What cannot be stored ends the connection, and is not lost.
func TestWhatIsHeardIsNotLostWithTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := newHearing(), newMemory()
		_, stop := open(t, h, m, listening("a"))
		time.Sleep(time.Minute)
		m.mu.Lock()
		m.failed = errors.New("away")
		m.mu.Unlock()
		e := said("a", 0)
		h.happen("a", e)
		if err := h.open(t).tell("a", e); err == nil {
			t.Error("the listener was not told that nothing was stored")
		}
		time.Sleep(time.Minute)
		m.mu.Lock()
		m.failed = nil
		m.mu.Unlock()
		time.Sleep(10 * time.Minute)
		_ = stop()
		if got := m.ids(); !slices.Equal(got, []event.ID{e.ID}) || len(h.tried()) < 2 {
			t.Errorf("stored %v after %d connections", got, len(h.tried()))
		}
	})
}

// What is heard of a source that cannot be polled is passed on, and a source that cannot be heard is polled.
func TestSourcesThatAreOnlyHeardOrOnlyPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := newHearing(), newMemory()
		h.deaf = map[string]error{"polled": &relay.Failure{Kind: relay.Denied, Err: errors.New("no")}}
		h.fail = func(r relay.PollRequest) error {
			if r.Source == "heard" {
				return &relay.Failure{Kind: relay.Denied, Err: errors.New("no")}
			}
			return nil
		}
		s, stop := open(t, h, m, listening("heard", "polled"))
		time.Sleep(time.Minute)
		e := said("heard", 0)
		if err := h.open(t).tell("heard", e); err != nil {
			t.Error(err)
		}
		if _, stored := m.at(e.ID); !stored {
			t.Error("it was not stored at once")
		}
		h.happen("polled", said("polled", 0))
		time.Sleep(3 * time.Minute)
		st := s.ears.status()
		_ = stop()
		if len(m.ids()) != 2 {
			t.Errorf("stored %v", m.ids())
		}
		if len(st.Deaf) != 1 || st.Deaf[0].Source != "polled" || st.Deaf[0].Kind != "denied" {
			t.Errorf("%+v", st.Deaf)
		}
	})
}

// Something that a poll alone can tell has the source polled soon.
func TestAHintHasTheSourcePolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, m := newHearing(), newMemory()
		_, stop := open(t, h, m, listening("a"))
		time.Sleep(time.Hour) // idle: polled every two minutes
		last := h.polls("a")[len(h.polls("a"))-1]
		time.Sleep(time.Until(last.Add(15 * time.Second)))
		e := said("a", 0)
		h.happen("a", e)
		l := h.open(t)
		l.frames <- relay.Heard{Source: "a", Poll: true}
		if err := <-l.took; err != nil {
			t.Error(err)
		}
		time.Sleep(11 * time.Second)
		_ = stop()
		if _, stored := m.at(e.ID); !stored {
			t.Error("the source was not polled")
		}
	})
}
