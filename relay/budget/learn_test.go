package budget

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// told is a reading of a sender's limit, a second after the call.
func told(sender string, limit, remaining int) relay.Reading {
	return relay.Reading{Group: relay.Group{Scope: Sender, Key: sender}, Limit: limit, Remaining: remaining}
}

func TestWhatIsLearned(t *testing.T) {
	ana, bob := relay.Group{Scope: Sender, Key: "ana"}, relay.Group{Scope: Sender, Key: "bob"}
	post := relay.Group{Scope: Route, Key: "chat.postMessage"}
	thirty := []event.Budget{{Scope: Sender, N: 30, Per: time.Minute}}
	routes := []event.Budget{{Scope: Route, N: 10, Per: time.Minute}, {Scope: Route, N: 5, Per: time.Second}}
	route := func(limit int, left time.Duration) relay.Reading {
		return relay.Reading{Group: post, Limit: limit, Remaining: -1, Reset: time.Now().Add(left)}
	}
	tests := []struct {
		name       string
		documented []event.Budget
		configured []event.Budget
		readings   func() []relay.Reading
		of         relay.Group
		want       rule
	}{
		{"nothing", thirty, nil, nil, ana, rule{0, time.Minute, ""}},
		{"configured", nil, thirty, nil, ana, rule{30, time.Minute, Configured}},
		{"one sender's is that of all", thirty, nil, func() []relay.Reading { return []relay.Reading{told("ana", 30, 1)} }, bob, rule{30, time.Minute, Learned}},
		{"but not another scope's", thirty, nil, func() []relay.Reading { return []relay.Reading{told("ana", 30, 1)} }, post, rule{0, time.Minute, ""}},
		{"until his own is told", thirty, nil, func() []relay.Reading { return []relay.Reading{told("ana", 30, 1), told("bob", 60, 1)} }, bob, rule{60, time.Minute, Learned}},
		{"which is his alone", thirty, nil, func() []relay.Reading { return []relay.Reading{told("ana", 30, 1), told("bob", 60, 1)} }, ana, rule{30, time.Minute, Learned}},
		{"unless many have it", thirty, nil, func() []relay.Reading {
			return []relay.Reading{told("ana", 30, 1), told("bob", 60, 1), told("cat", 60, 1), told("dan", 60, 1)}
		}, relay.Group{Scope: Sender, Key: "eve"}, rule{60, time.Minute, Learned}},
		{"the newest counts", nil, nil, func() []relay.Reading { return []relay.Reading{route(10, 50*time.Second), route(20, 50*time.Second)} }, post, rule{20, time.Minute, Learned}},
		{"the documented number tells the period", routes, nil, func() []relay.Reading { return []relay.Reading{route(5, 400*time.Millisecond)} }, post, rule{5, time.Second, Learned}},
		{"if what is left of it fits", routes, nil, func() []relay.Reading { return []relay.Reading{route(5, 30*time.Second)} }, post, rule{5, time.Minute, Learned}},
		{"another number has the scope's", routes, nil, func() []relay.Reading { return []relay.Reading{route(7, 400*time.Millisecond)} }, post, rule{7, time.Minute, Learned}},
		{"without documents it is what is left", nil, nil, func() []relay.Reading { return []relay.Reading{route(7, 400*time.Second)} }, post, rule{7, 10 * time.Minute, Learned}},
		{"without anything a minute", nil, nil, func() []relay.Reading { return []relay.Reading{told("ana", 7, 3)} }, ana, rule{7, time.Minute, Learned}},
		{"a configured one is not raised", thirty, thirty, func() []relay.Reading { return []relay.Reading{told("ana", 60, 1)} }, ana, rule{30, time.Minute, Configured}},
		{"but lowered", thirty, thirty, func() []relay.Reading { return []relay.Reading{told("ana", 20, 1)} }, ana, rule{20, time.Minute, Learned}},
		{"and tells the period", thirty, []event.Budget{{Scope: Sender, N: 40, Per: 2 * time.Second}}, func() []relay.Reading { return []relay.Reading{told("ana", 20, 1)} }, ana, rule{20, 2 * time.Second, Learned}},
		{"no limit", thirty, nil, func() []relay.Reading { return []relay.Reading{told("ana", 0, 0), told("ana", -1, -1)} }, ana, rule{0, time.Minute, ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBudget(t, func(c *Config) { c.Documented, c.Configured = tt.documented, tt.configured })
				if tt.readings != nil {
					for _, r := range tt.readings() {
						b.Observe(r)
					}
				}
				if got := b.group(tt.of, b.now()).rule; got != tt.want {
					t.Errorf("%+v, want %+v", got, tt.want)
				}
			})
		})
	}
}

// TestSingleRefusalsProveNothing has one call in fifty refused, of a sender who sends much: that is no limit.
func TestSingleRefusalsProveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, func(c *Config) { c.Documented = documents(30, time.Minute) })
		ana := charge(Sender, "ana", 1)
		for i := range 5000 {
			time.Sleep(10 * time.Millisecond)
			time.Sleep(b.Take(t.Context(), uint64(i+1), ana))
			if i%50 == 49 {
				b.Observe(relay.Reading{Group: ana.Group, Limit: -1, Remaining: -1, Pause: time.Second})
			}
		}
		if s := b.Status(); len(s) != 1 || s[0].Limit != 0 {
			t.Errorf("it learned %+v", s)
		}
	})
}

func TestALimitIsForgottenThatNothingConfirms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(0, 0)
		b, stop := sole(t, store, "a")
		defer stop()
		for range 30 {
			b.Observe(told("ana", 30, 29))
			time.Sleep(time.Hour)
		}
		if s := b.Status(); len(s) != 1 || s[0].Limit != 30 {
			t.Errorf("it knows %+v", s)
		}
		if n := store.written(b.keys.facts); n < 25 || n > 31 {
			t.Errorf("confirming a limit for 30 hours cost %d writes", n)
		}
		for range 26 {
			time.Sleep(time.Hour)
			b.Take(t.Context(), 1, charge(Sender, "ana", 1))
		}
		time.Sleep(time.Minute)
		if s := b.Status(); len(s) != 0 {
			t.Errorf("a day later it knows %+v", s)
		}
		other, stopOther := sole(t, store, "b")
		defer stopOther()
		if s := other.Status(); len(s) != 0 {
			t.Errorf("another instance knows %+v", s)
		}
	})
}

func TestRemainingIsZeroAndNoLimitIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, nil)
		b.Observe(relay.Reading{Limit: -1, Remaining: 0, Reset: time.Now().Add(9 * time.Second)})
		if wait := b.Take(t.Context(), 1, charge("", "", 1)); wait != 9*time.Second {
			t.Errorf("waits %s", wait)
		}
	})
}

// TestCaution has a platform refuse calls although its limit is kept.
func TestCaution(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(t, func(c *Config) { c.Configured = []event.Budget{{Scope: Sender, N: 40, Per: time.Minute}} })
		ana := relay.Group{Scope: Sender, Key: "ana"}
		limit := func() int { return b.group(ana, b.now()).limit(b.now()) }
		for _, c := range []struct {
			after time.Duration
			want  int
		}{{0, 40}, {time.Second, 40}, {2 * time.Minute, 38}, {time.Second, 38}, {time.Minute, 36}, {time.Minute, 34}, {time.Minute, 32}, {time.Minute, 30}, {time.Minute, 30}} {
			time.Sleep(c.after)
			b.Pause(ana, time.Millisecond)
			if got := limit(); got != c.want {
				t.Errorf("the limit is %d, want %d", got, c.want)
			}
		}
		time.Sleep(11 * time.Minute)
		if got := limit(); got != 32 {
			t.Errorf("after eleven quiet minutes it is %d", got)
		}
	})
}

func TestStatusAndMetricsNameNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		b := newBudget(t, func(c *Config) {
			c.Metrics = reg
			c.Configured = []event.Budget{{Scope: Sender, N: 2, Per: time.Minute}}
		})
		ana := charge(Sender, "ana", 2)
		b.Take(t.Context(), 1, ana)
		b.Take(t.Context(), 2, ana)
		b.Take(t.Context(), 3, ana)
		b.Pause(relay.Group{Scope: Sender, Key: "bob"}, time.Minute)
		b.Pause(relay.Group{Scope: Route, Key: "post"}, 2*time.Minute)
		now := time.Now()
		want := []Status{
			{Scope: Route, Route: "post", Paused: 1, Until: now.Add(2 * time.Minute).UTC()},
			{Scope: Sender, Limit: 2, Per: "1m0s", Source: Configured, Waiting: 2, Paused: 1, Until: now.Add(time.Minute).UTC()},
		}
		got := b.Status()
		if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("%+v, want %+v", got, want)
		}
		bustest.WantCounts(t, reg, "threadrelay_budget_refused_total", map[string]int{
			`connection="support",scope="route"`: 1, `connection="support",scope="sender"`: 1, `connection="support",scope="connection"`: 0,
		})
		wantWaiting(t, reg, 2)
		for wait := time.Duration(1); wait > 0; wait = b.Take(t.Context(), 2, ana) {
			time.Sleep(wait)
		}
		wantWaiting(t, reg, 1)
		waited := time.Since(now).Seconds()
		bustest.WantCounts(t, reg, "threadrelay_budget_wait_seconds_total", map[string]int{
			`connection="support",scope="route"`: 0, `connection="support",scope="sender"`: int(waited), `connection="support",scope="connection"`: 0,
		})
	})
}

// wantWaiting compares the gauge of those who wait for senders' limits, and wants nobody to wait for others.
func wantWaiting(t *testing.T, reg *prometheus.Registry, want float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "threadrelay_budget_waiting" {
			continue
		}
		for _, m := range f.GetMetric() {
			expected := 0.0
			if m.GetLabel()[1].GetValue() == Sender {
				expected = want
			}
			if got := m.GetGauge().GetValue(); got != expected {
				t.Errorf("%s: %v wait, want %v", m, got, expected)
			}
		}
		return
	}
	t.Error("there is no such gauge")
}

func TestConfigFaults(t *testing.T) {
	minute := func(scope string, n int) event.Budget { return event.Budget{Scope: scope, N: n, Per: time.Minute} }
	for _, c := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"none", Config{Connection: "c", Configured: []event.Budget{minute(Sender, 1), minute(Connection, 5)}}, ""},
		{"connection", Config{}, "connection"},
		{"scope", Config{Connection: "c", Configured: []event.Budget{minute("user", 1)}}, `"user" is not a scope`},
		{"twice", Config{Connection: "c", Configured: []event.Budget{minute(Sender, 1), minute(Sender, 2)}}, "two limits per sender"},
		{"no calls", Config{Connection: "c", Configured: []event.Budget{minute(Sender, 0)}}, "at least one"},
		{"no period", Config{Connection: "c", Configured: []event.Budget{{Scope: Sender, N: 1}}}, "period 0s"},
	} {
		_, err := New(c.cfg)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
