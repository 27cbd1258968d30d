package ingest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// finding is a hearing whose source "rooms" stands for others, and whose conversations are named "room <source>".
type finding struct {
	*hearing
	mu    sync.Mutex
	rooms []string
	err   error
	asked int
	pace  int
}

func newFinding(rooms ...string) *finding { return &finding{hearing: newHearing(), rooms: rooms} }

func (f *finding) Discovers(source string) bool { return source == "rooms" }

func (f *finding) Discover(context.Context, string) (relay.Discovery, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return relay.Discovery{Sources: slices.Clone(f.rooms), Calls: 1}, f.err
}

func (f *finding) SourceOf(t event.ThreadRef) (string, bool) {
	return strings.CutPrefix(string(t.Conversation), "room ")
}

func (f *finding) PollBudget() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pace
}

func (f *finding) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// What a source stands for is polled, from when it was found, and no longer than it is there.
func TestDiscoveredSourcesArePolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := newFinding("a", "b", "bad name"), newMemory()
		f.happen("a", said("a", 0)) // before anybody looked
		s, stop := open(t, f, m, PollConfig{Sources: []string{"rooms"}, Interval: 10 * time.Second})
		time.Sleep(time.Minute)
		f.happen("a", said("a", 1))
		f.happen("c", said("c", 0)) // before the bot was there
		time.Sleep(5 * time.Minute)
		f.change(func() { f.rooms = []string{"a", "c", "rooms"} })
		f.happen("c", said("c", 1))
		time.Sleep(5 * time.Minute)
		gone := len(f.polls("b"))
		f.happen("c", said("c", 2))
		time.Sleep(10 * time.Minute)
		st := s.schedule.status(time.Now())
		_ = stop()
		if got := m.ids(); !slices.Equal(got, []event.ID{"a-1", "c-1", "c-2"}) {
			t.Errorf("stored %v", got)
		}
		if n := len(f.polls("b")); n != gone || n == 0 {
			t.Errorf("b was polled %d times, %d of them after it was gone", n, n-gone)
		}
		if len(f.polls("rooms")) != 0 || len(f.polls("bad name")) != 0 {
			t.Error("what is no source was polled")
		}
		if total := st.Live + st.Behind + st.Idle; total != 3 || f.asked < 5 || f.asked > 30 {
			t.Errorf("%d sources (%+v), %d discoveries in 20 minutes", total, st, f.asked)
		}
	})
}

// What was found while nobody looked is read from the last look on, by a process that begins anew as well.
func TestDiscoveryAcrossARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := newFinding("a"), newMemory()
		cfg := PollConfig{Sources: []string{"rooms"}, Interval: 10 * time.Second}
		f.happen("b", said("b", 0))
		_, stop := open(t, f, m, cfg)
		time.Sleep(time.Minute)
		_ = stop()
		time.Sleep(time.Hour)
		f.change(func() { f.rooms = []string{"a", "b"} })
		f.happen("a", said("a", 0))
		f.happen("b", said("b", 1))
		time.Sleep(time.Hour)
		_, stop = open(t, f, m, cfg)
		time.Sleep(time.Minute)
		_ = stop()
		if got := m.ids(); len(got) != 2 || !slices.Contains(got, "a-0") || !slices.Contains(got, "b-1") {
			t.Errorf("stored %v", got)
		}
	})
}

// A discovery that fails takes nothing away.
func TestADiscoveryThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := newFinding("a"), newMemory()
		s, stop := open(t, f, m, PollConfig{Sources: []string{"rooms"}, Interval: 10 * time.Second})
		time.Sleep(time.Minute)
		f.change(func() { f.rooms, f.err = nil, &relay.Failure{Kind: relay.Temporary, Err: errors.New("502")} })
		time.Sleep(10 * time.Minute)
		f.happen("a", said("a", 0))
		time.Sleep(3 * time.Minute)
		st := s.schedule.status(time.Now())
		_ = stop()
		if len(m.ids()) != 1 || st.Failing != 1 || st.Faults[0].Source != "rooms" {
			t.Errorf("stored %v, %+v", m.ids(), st)
		}
	})
}

// What is heard of a source that nobody has found yet has it found, and is stored behind what is to be read there.
func TestHearingOfANewSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := newFinding("a"), newMemory()
		cfg := listening("rooms")
		_, stop := open(t, f, m, cfg)
		time.Sleep(10 * time.Minute)
		f.change(func() { f.rooms = []string{"a", "new"} })
		f.happen("new", said("new", 0))
		f.both(t, "new", said("new", 1))
		time.Sleep(time.Second)
		f.both(t, "new", said("new", 2))
		if _, stored := m.at("new-2"); !stored {
			t.Error("the source is not listened to")
		}
		_ = stop()
		if got := m.ids(); !slices.Equal(got, []event.ID{"new-0", "new-1", "new-2"}) {
			t.Errorf("stored %v", got)
		}
	})
}

// A platform that knows its pace is not polled faster, and as fast as was configured once it knows of no limit.
func TestThePlatformSetsThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := newFinding("a", "b", "c"), newMemory()
		f.pace, f.limit = 9, 9
		_, stop := open(t, f, m, PollConfig{Sources: []string{"a", "b", "c"}, Interval: time.Second, Budget: 300})
		for n := range 600 {
			f.happen("a", said("a", n))
			time.Sleep(time.Second)
		}
		slow := len(f.all())
		f.wantNoFaults(t)
		f.change(func() { f.pace = 0 })
		f.world.mu.Lock()
		f.limit = 300
		f.world.mu.Unlock()
		time.Sleep(10 * time.Minute)
		_ = stop()
		if slow < 70 || slow > 90 {
			t.Errorf("%d requests in ten minutes, where 90 are allowed", slow)
		}
		if fast := len(f.all()) - slow; fast < 200 {
			t.Errorf("%d requests in ten minutes, where 3,000 are allowed", fast)
		}
		f.wantNoFaults(t)
	})
}

// Events of webhooks rouse the source that reads their conversation, whatever its name.
func TestAWebhookRousesTheSourceOfItsConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := newFinding(), newMemory()
		s, stop := open(t, f, m, PollConfig{Sources: []string{"#a"}, Interval: 10 * time.Second})
		time.Sleep(time.Hour)
		before := s.schedule.status(time.Now())
		e := said("#a", 0)
		e.Thread.Conversation = "room #a"
		s.heard([]event.Event{e}, false)
		after := s.schedule.status(time.Now())
		_ = stop()
		if before.Live != 0 || after.Live != 1 {
			t.Errorf("%d live sources, then %d", before.Live, after.Live)
		}
	})
}

func TestListeningHasToBePossible(t *testing.T) {
	cfg := PollConfig{Poller: newWorld(), Sources: []string{"a"}, Connection: "support", Listen: true}
	cfg.setDefaults()
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "cannot be listened to") {
		t.Error(err)
	}
	cfg.Poller = newHearing()
	if err := cfg.Validate(); err == nil || strings.Contains(err.Error(), "listened") {
		t.Error(err)
	}
}
