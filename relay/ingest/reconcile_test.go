package ingest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// threadWorld is a world whose threads can be polled.
type threadWorld struct{ *world }

func (threadWorld) ThreadSource(t event.ThreadRef) (string, bool) {
	return "thread/" + string(t.Root), !strings.HasPrefix(string(t.Root), "none")
}

// replied is the n-th reply in a thread, said now.
func replied(root string, n int) event.Event {
	e := said("group/hidden", n)
	e.ID = event.ID(fmt.Sprintf("%s-%d", root, n))
	e.Thread.Root, e.Message.Parent = event.MessageID(root), event.MessageID(root)
	return e
}

// What is lost in a thread that no source sees is found after a webhook has told of the thread, for an hour.
func TestThreadsAreReconciled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), newMemory()
		s, stop := open(t, threadWorld{w}, m, PollConfig{Sources: []string{"app"}, Interval: 5 * time.Second})
		time.Sleep(time.Minute)
		lost := replied("41", 0)
		w.happen("thread/41", lost)
		time.Sleep(20 * time.Second)
		w.happen("thread/41", replied("41", 1))
		s.heard([]event.Event{replied("41", 1)}, false)
		time.Sleep(40 * time.Second)
		if _, ok := m.at(lost.ID); !ok {
			t.Fatal("the event that was lost is not there 40 s after the next one in its thread")
		}
		if m.mark("thread/41") != (bookmark{}) {
			t.Error("a thread's cursor was saved")
		}
		time.Sleep(30 * time.Minute)
		if n := s.schedule.status(time.Now()).Threads; n != 1 {
			t.Errorf("%d threads after half an hour", n)
		}
		time.Sleep(50 * time.Minute)
		if n := s.schedule.status(time.Now()).Threads; n != 0 {
			t.Errorf("%d threads after more than an hour of silence", n)
		}
		_ = stop()
		at := w.polls("thread/41")
		for i, want := 1, 30*time.Second; i < len(at); i, want = i+1, min(2*want, 10*time.Minute) {
			if wait := at[i].Sub(at[i-1]); !about(wait, want) {
				t.Errorf("wait %d in the thread is %s, want about %s", i, wait, want)
			}
		}
		if len(at) < 8 {
			t.Errorf("%d polls of the thread", len(at))
		}
		w.wantNoFaults(t)
	})
}

// What a source brings tells of threads as well.
func TestPollsTellOfThreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), newMemory()
		_, stop := open(t, threadWorld{w}, m, PollConfig{Sources: []string{"app"}, Backfill: time.Minute})
		w.happen("app", replied("41", 1))
		w.happen("thread/41", replied("41", 0))
		time.Sleep(2 * time.Minute)
		_ = stop()
		if _, ok := m.at("41-0"); !ok {
			t.Error("what no source saw was not found")
		}
	})
}

func TestWhichEventsMakeAThread(t *testing.T) {
	cases := map[string]struct {
		change func(*event.Event)
		want   int
	}{
		"a reply":                  {func(*event.Event) {}, 1},
		"a message that is alone":  {func(e *event.Event) { e.Message.Parent = "" }, 0},
		"an old reply":             {func(e *event.Event) { e.Time = e.Time.Add(-2 * time.Hour) }, 0},
		"something else":           {func(e *event.Event) { e.Type = event.Other }, 0},
		"an incomplete one":        {func(e *event.Event) { e.Incomplete = true }, 0},
		"without a message":        {func(e *event.Event) { e.Message = nil }, 0},
		"that cannot be polled":    {func(e *event.Event) { e.Thread.Root = "none" }, 0},
		"that is a source already": {func(e *event.Event) { e.Thread.Root = "7" }, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, stop := open(t, threadWorld{newWorld()}, newMemory(), PollConfig{Sources: []string{"thread/7"}})
				e := replied("41", 0)
				c.change(&e)
				s.heard([]event.Event{e}, false)
				if n := s.schedule.status(time.Now()).Threads; n != c.want {
					t.Errorf("%d threads, want %d", n, c.want)
				}
				_ = stop()
			})
		})
	}
}

// However many threads there are, those that were heard of last are kept, and memory is bounded.
func TestThreadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s, stop := open(t, threadWorld{w}, newMemory(), PollConfig{Sources: []string{"app"}, Budget: 6000})
		for i := range 3 * maxThreads {
			s.heard([]event.Event{replied(fmt.Sprint(i), 0), replied("again", i)}, false)
		}
		n := s.schedule.status(time.Now()).Threads
		s.schedule.mu.Lock()
		listed, queued := s.schedule.recent.Len(), len(s.schedule.queues[threads])
		s.schedule.mu.Unlock()
		if n != maxThreads || listed != maxThreads || queued != maxThreads {
			t.Errorf("%d threads, %d in the list, %d in the queue, want %d", n, listed, queued, maxThreads)
		}
		time.Sleep(2 * time.Minute)
		_ = stop()
		if n := len(w.polls("thread/0")); n != 0 {
			t.Errorf("a thread that gave way was polled %d times", n)
		}
		for _, name := range []string{"thread/again", fmt.Sprint("thread/", 3*maxThreads-1)} {
			if len(w.polls(name)) == 0 {
				t.Errorf("%s was not polled", name)
			}
		}
	})
}

// A thread whose root is gone, or that the platform does not show, is not asked for again.
func TestThreadsThatAreRefusedAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail = func(r relay.PollRequest) error {
			if r.Source == "thread/41" {
				return &relay.Failure{Kind: relay.RootGone, Err: errors.New("no such message")}
			}
			return nil
		}
		s, stop := open(t, threadWorld{w}, newMemory(), PollConfig{Sources: []string{"app"}})
		s.heard([]event.Event{replied("41", 0)}, false)
		time.Sleep(30 * time.Minute)
		st := s.schedule.status(time.Now())
		_ = stop()
		if n := len(w.polls("thread/41")); n != 1 || st.Threads != 0 || st.Refused != 0 {
			t.Errorf("%d polls, status %+v", n, st)
		}
	})
}

// While a source is behind, what a thread holds may be on one of its later pages: the thread waits, so as not to overtake.
func TestThreadsWaitForCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), newMemory()
		w.page, w.latency = 10, time.Second
		for i := range 1200 { // two minutes of pages
			w.happen("app", replied("41", i))
			if i >= 1150 {
				w.happen("thread/41", replied("41", i))
			}
		}
		s, stop := open(t, threadWorld{w}, m, PollConfig{Sources: []string{"app"}, Backfill: time.Minute, Budget: 6000})
		s.heard([]event.Event{replied("41", 1199)}, false)
		time.Sleep(5 * time.Minute)
		_ = stop()
		for i, id := range m.ids() {
			if id != replied("41", i).ID {
				t.Fatalf("%s came as number %d", id, i)
			}
		}
		if n := len(w.polls("thread/41")); n == 0 {
			t.Error("the thread was never polled")
		}
	})
}

// With ten thousand idle sources in want, threads still get their share.
func TestThreadsGetAShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit = 300
		s, stop := open(t, threadWorld{w}, newMemory(), PollConfig{Sources: names(10_000), Budget: 300})
		for i := range 20 {
			s.heard([]event.Event{replied(fmt.Sprint(i), 0)}, false)
		}
		time.Sleep(5 * time.Minute)
		_ = stop()
		for i := range 20 {
			if n := len(w.polls(fmt.Sprint("thread/", i))); n < 2 {
				t.Errorf("thread %d was polled %d times in five minutes", i, n)
			}
		}
		w.wantNoFaults(t)
	})
}
