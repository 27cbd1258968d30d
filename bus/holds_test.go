package bus_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// fillLane stores messages 0 to n-1 of a lane.
func fillLane(t testing.TB, b *bus.Bus, lane string, n int) {
	t.Helper()
	for from := 0; from < n; from += 1000 {
		var batch []*message.Message
		for i := from; i < min(n, from+1000); i++ {
			batch = append(batch, say(lane, i))
		}
		if err := b.Publisher().Publish(bus.Events, batch...); err != nil {
			t.Fatal(err)
		}
	}
}

// holds asks for ids of the lane test.<thread> and returns those found, sorted.
func holds(t testing.TB, b *bus.Bus, thread string, since time.Time, ids ...string) []string {
	t.Helper()
	found, err := b.Holds(bustest.Context(t), bus.Copies{Topic: bus.Events, Lane: "test." + thread, IDs: ids, Since: since})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}

// The stream forgets ids after its window; what it holds can still be found.
func TestHolds(t *testing.T) {
	b := bustest.Open(t)
	before := time.Now().Add(-time.Hour)
	fillLane(t, b, "long", 600) // more than two batches
	fillLane(t, b, "single", 1)
	fillLane(t, b, "longer", 3)
	cases := map[string]struct {
		thread string
		since  time.Time
		ids    []string
		want   []string
	}{
		"nothing in the lane":         {"none", before, []string{"long-1"}, nil},
		"the newest":                  {"long", before, []string{"long-599"}, []string{"long-599"}},
		"the oldest":                  {"long", before, []string{"long-0"}, []string{"long-0"}},
		"the last of the first batch": {"long", before, []string{"long-255"}, []string{"long-255"}},
		"the one before the newest":   {"long", before, []string{"long-598"}, []string{"long-598"}},
		"one that is not there":       {"long", before, []string{"long-600"}, nil},
		"several":                     {"long", before, []string{"long-3", "long-599", "x", "long-400"}, []string{"long-3", "long-400", "long-599"}},
		"another lane's":              {"single", before, []string{"long-1"}, nil},
		"a lane that begins alike":    {"longer", before, []string{"long-1", "longer-1"}, []string{"longer-1"}},
		"none asked for":              {"long", before, nil, nil},
		"stored before":               {"long", time.Now().Add(time.Hour), []string{"long-599"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := holds(t, b, c.thread, c.since, c.ids...); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// Since is a time of storage: what the lane got before is not looked at, and what it got later is.
func TestHoldsSince(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	fillLane(t, b, "a", 3)
	s := stream(t, srv.Connect(), bus.EventsStream)
	second, err := s.GetMsg(bustest.Context(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := holds(t, b, "a", second.Time, "a-0", "a-1"), []string{"a-1"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// What was removed from the middle of the lane while it is searched must not keep the search waiting or make it fail.
func TestHoldsInALaneWithGaps(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	fillLane(t, b, "a", 300)
	s := stream(t, srv.Connect(), bus.EventsStream)
	for seq := uint64(10); seq < 290; seq++ {
		if err := s.DeleteMsg(bustest.Context(t), seq); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	if got, want := holds(t, b, "a", start.Add(-time.Hour), "a-50", "a-295"), []string{"a-295"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestHoldsLeavesNoConsumer(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	fillLane(t, b, "a", 300)
	holds(t, b, "a", time.Now().Add(-time.Hour), "a-7", "x")
	s := stream(t, srv.Connect(), bus.EventsStream)
	if n := s.CachedInfo().State.Consumers; n != 0 {
		t.Errorf("%d consumers are left", n)
	}
}

func TestHoldsRefuses(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	cases := map[string]struct {
		topic, lane, reason string
	}{
		"topic":    {"nowhere", "test.a", "no such topic"},
		"lane":     {bus.Events, "test", "is not <connection>.<thread>"},
		"wildcard": {bus.Events, "test.*", "is not <connection>.<thread>"},
	}
	for name, c := range cases {
		if _, err := b.Holds(bustest.Context(t), bus.Copies{Topic: c.topic, Lane: c.lane, IDs: []string{"x"}}); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.reason)
		}
	}
	fillLane(t, b, "a", 3)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Holds(ended, bus.Copies{Topic: bus.Events, Lane: "test.a", IDs: []string{"x"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// BenchmarkHolds is what one question costs, by the length of the lane, and whether the newest message answers it.
func BenchmarkHolds(b *testing.B) {
	on := bustest.Open(b)
	since := time.Now().Add(-time.Hour)
	for _, n := range []int{1, 10, 1000, 10_000} {
		lane := fmt.Sprint("lane", n)
		fillLane(b, on, lane, n)
		for name, id := range map[string]string{"newest": fmt.Sprintf("%s-%d", lane, n-1), "none": "x"} {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				for b.Loop() {
					holds(b, on, lane, since, id)
				}
			})
		}
	}
	b.Run("no such lane", func(b *testing.B) {
		for b.Loop() {
			holds(b, on, "none", since, "x")
		}
	})
}
