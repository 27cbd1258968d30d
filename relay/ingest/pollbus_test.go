package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Pages come in order, whatever their overlap and whatever fails in between, each event once.
func TestPollStoresEveryEventOnceInOrder(t *testing.T) {
	cases := map[string]func(*world){
		"plain":   func(*world) {},
		"overlap": func(w *world) { w.overlap = 7 },
		"errors midway": func(w *world) {
			n := 0
			w.fail = func(relay.PollRequest) error {
				if n++; n%3 == 0 {
					return &relay.Failure{Kind: relay.Temporary, Err: errors.New("reset")}
				}
				return nil
			}
		},
		"a panic": func(w *world) {
			n := 0
			w.fail = func(relay.PollRequest) error {
				if n++; n == 2 {
					panic("out of pages")
				}
				return nil
			}
		},
		"429 midway": func(w *world) {
			n := 0
			w.fail = func(relay.PollRequest) error {
				if n++; n == 2 {
					return &relay.Failure{Kind: relay.RateLimited, After: 50 * time.Millisecond, Err: errors.New("429")}
				}
				return nil
			}
		},
	}
	for name, script := range cases {
		for _, ago := range []time.Duration{0, 2 * time.Hour} {
			t.Run(fmt.Sprint(name, " ", ago), func(t *testing.T) {
				srv := bustest.StartServer(t, "")
				b := srv.Open(bus.Config{})
				w := newWorld()
				w.page = 10
				script(w)
				w.fill("app", 95, ago)
				_, stop := start(t, quickly(b, w, "app"))
				await(t, "the cursor at the end", func() bool { return cursor(t, b, "app").After == "95" })
				stop()
				if got := shelved(t, srv, bus.EventsStream); !slices.Equal(got, numbered("app", 95)) {
					t.Errorf("stored %v", got)
				}
			})
		}
	}
}

// A process that ended after a page was stored and before its cursor was: the page is read again, and stored once, also when
// the stream has forgotten its ids by then.
func TestACrashBetweenStoreAndCursor(t *testing.T) {
	for _, window := range []time.Duration{10 * time.Minute, 100 * time.Millisecond} {
		t.Run(window.String(), func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			b := srv.Open(bus.Config{DedupWindow: window})
			w := newWorld()
			w.page = 10
			w.fill("app", 30, 2*time.Hour)
			_, stop := start(t, quickly(b, w, "app"))
			await(t, "the cursor at the end", func() bool { return cursor(t, b, "app").After == "30" })
			stop()
			rewind(t, b, "app", "20")
			if window < time.Minute {
				forget(t, b)
			}
			w.happen("app", said("app", 30))
			_, stop = start(t, quickly(b, w, "app"))
			await(t, "the cursor at the end", func() bool { return cursor(t, b, "app").After == "31" })
			stop()
			if got := shelved(t, srv, bus.EventsStream); !slices.Equal(got, numbered("app", 31)) {
				t.Errorf("stored %v", got)
			}
		})
	}
}

// One instance polls, and another takes over when it is gone; nothing is lost and nothing stored twice.
func TestTakeOver(t *testing.T) {
	cases := map[string]func(stop func(), nc *nats.Conn){
		"the holder ends":        func(stop func(), _ *nats.Conn) { stop() },
		"the holder is cut off":  func(_ func(), nc *nats.Conn) { nc.Close() },
		"the holder reconnects":  func(_ func(), nc *nats.Conn) { _ = nc.ForceReconnect() },
		"nothing happens to him": func(func(), *nats.Conn) {},
	}
	for name, end := range cases {
		t.Run(name, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			w := newWorld()
			w.page = 5
			nc := srv.Connect()
			one, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
			if err != nil {
				t.Fatal(err)
			}
			two := srv.Open(bus.Config{})
			first, stop := start(t, quickly(one, w, "app", "group/a"))
			await(t, "the first to poll", func() bool { return first.Status().Polling })
			second, _ := start(t, quickly(two, w, "app", "group/a"))
			w.fill("app", 40, 0)
			await(t, "half of it", func() bool { at := cursor(t, two, "app").After; return at != "" && at != "0" })
			if second.Status().Polling {
				t.Error("two instances poll")
			}
			gone := time.Now()
			end(stop, nc)
			w.fill("group/a", 20, 0)
			await(t, "all of both sources", func() bool {
				return cursor(t, two, "app").After == "40" && cursor(t, two, "group/a").After == "20"
			})
			t.Logf("%s: all was there after %s", name, time.Since(gone).Round(time.Millisecond))
			if took := time.Since(gone); took > 10*time.Second {
				t.Errorf("it took %s with leases of a second", took)
			}
			got := shelved(t, srv, bus.EventsStream)
			slices.Sort(got)
			want := append(numbered("app", 40), numbered("group/a", 20)...)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("stored %v", got)
			}
			if len(w.faults) > 0 {
				t.Errorf("%v", w.faults)
			}
		})
	}
}

// What a webhook brought and a poll brings as well is stored once; what no webhook brought is stored by the poll.
func TestALostWebhookIsFilled(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	reg := prometheus.NewRegistry()
	w := newWorld()
	cfg := quickly(b, w, "app")
	cfg.HooksOn, cfg.Metrics = true, reg
	_, stop := start(t, cfg)
	await(t, "the first poll", func() bool { return cursor(t, b, "app").After != "" })
	w.fill("app", 10, 0)
	for i := range 10 {
		if i == 4 {
			continue
		}
		p, err := pack(said("app", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (shelf{publisher: b.Publisher()}).put(bustest.Context(t), []parcel{p}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the cursor at the end", func() bool { return cursor(t, b, "app").After == "10" })
	stop()
	got := shelved(t, srv, bus.EventsStream)
	slices.Sort(got)
	if !slices.Equal(got, numbered("app", 10)) {
		t.Errorf("stored %v", got)
	}
	want := `
# HELP threadrelay_poll_leader 1 if this process polls the connection, by connection.
# TYPE threadrelay_poll_leader gauge
threadrelay_poll_leader{connection="support"} 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "threadrelay_poll_leader"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(reg, "threadrelay_polls_total", "threadrelay_poll_filled_total", "threadrelay_poll_calls_total", "threadrelay_poll_events_total"); err != nil || n < 5 {
		t.Errorf("%d series (%v)", n, err)
	}
}

// An event that cannot travel must not hold up those behind it.
func TestUnfitEventsBecomeDeadLetters(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	w := newWorld()
	for i := range 5 {
		e := said("app", i)
		switch i {
		case 1:
			e.ID = " 1 "
		case 2:
			e.Message.Text = strings.Repeat("x", 2<<20)
		case 3:
			e.Thread.Connection = ""
		}
		w.happen("app", e)
	}
	_, stop := start(t, quickly(b, w, "app"))
	await(t, "the cursor at the end", func() bool { return cursor(t, b, "app").After == "5" })
	stop()
	if got, want := shelved(t, srv, bus.EventsStream), []string{"app-0", "app-4"}; !slices.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
	if n := stored(t, srv, bus.DeadStream)(); n != 3 {
		t.Errorf("%d dead letters, want 3", n)
	}
}

// A platform that hangs does not keep the process from ending.
func TestCancelWhileAPollHangs(t *testing.T) {
	b := bustest.Open(t)
	w := newWorld()
	w.latency = time.Hour
	_, stop := start(t, quickly(b, w, "app", "group/a"))
	await(t, "the polls to hang", func() bool { return len(w.all()) == 2 })
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// While the bus is away the poll waits, and then goes on where it was.
func TestPollSurvivesTheServer(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	w := newWorld()
	w.page = 5
	p, stop := start(t, quickly(b, w, "app"))
	w.fill("app", 20, 0)
	await(t, "the first events", func() bool { return cursor(t, b, "app").After == "20" })
	srv.Stop()
	for i := 20; i < 40; i++ {
		w.happen("app", said("app", i))
	}
	await(t, "the loss to be noticed", func() bool { st := p.Status(); return !st.Polling || st.Failing > 0 })
	srv.Start()
	await(t, "the rest", func() bool { return stored(t, srv, bus.EventsStream)() == 40 })
	stop()
	if got := shelved(t, srv, bus.EventsStream); !slices.Equal(got, numbered("app", 40)) {
		t.Errorf("stored %v", got)
	}
}

func TestPollConfigIsChecked(t *testing.T) {
	b := bustest.Open(t)
	cases := map[string]struct {
		change func(*PollConfig)
		want   string
	}{
		"no bus":            {func(c *PollConfig) { c.Bus = nil }, "no bus"},
		"no poller":         {func(c *PollConfig) { c.Poller = nil }, "cannot be polled"},
		"no sources":        {func(c *PollConfig) { c.Sources = nil }, "no sources"},
		"a wrong source":    {func(c *PollConfig) { c.Sources = []string{"bad/x"} }, `source "bad/x": no such kind`},
		"twice":             {func(c *PollConfig) { c.Sources = []string{"a", "a"} }, `source "a" is named twice`},
		"long":              {func(c *PollConfig) { c.Sources = []string{strings.Repeat("a", 1001)} }, "1001 bytes are too many"},
		"interval":          {func(c *PollConfig) { c.Interval = -1 }, "is negative"},
		"backfill":          {func(c *PollConfig) { c.Backfill = -1 }, "is negative"},
		"budget":            {func(c *PollConfig) { c.Budget = 5 }, "a budget of 5 requests per minute is too small"},
		"connection":        {func(c *PollConfig) { c.Connection = "a.b" }, `connection "a.b"`},
		"lease":             {func(c *PollConfig) { c.LeaseTTL = time.Millisecond }, "at least 1s is needed"},
		"several at a time": {func(c *PollConfig) { c.Budget, c.Interval = 1, -1 }, "too small"},
	}
	for name, c := range cases {
		cfg := PollConfig{Bus: b, Connection: "support", Poller: newWorld(), Sources: []string{"app"}}
		if _, err := NewPoll(cfg); err != nil {
			t.Fatal(err)
		}
		c.change(&cfg)
		if _, err := NewPoll(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// Two connections share a registry; no label names a source.
func TestPollMetrics(t *testing.T) {
	b := bustest.Open(t)
	reg := prometheus.NewRegistry()
	var log bytes.Buffer
	for _, id := range []event.ConnectionID{"one", "two"} {
		w := newWorld()
		w.fill("group/secret", 3, 0)
		cfg := quickly(b, w, "group/secret")
		cfg.Connection, cfg.Metrics, cfg.Log = id, reg, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
		p, _ := start(t, cfg)
		await(t, "a live source", func() bool { return p.Status().Live == 1 })
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if text := m.String(); strings.Contains(text, "secret") {
				t.Errorf("%s names a source: %s", f.GetName(), text)
			}
		}
		if f.GetName() == "threadrelay_poll_sources" && len(f.GetMetric()) != 12 {
			t.Errorf("%d series of sources, want six for each connection", len(f.GetMetric()))
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
}

// What a webhook brings tells the connection's poll where to look.
func TestWebhooksTellPolls(t *testing.T) {
	b := bustest.Open(t)
	p, _ := start(t, quickly(b, threadWorld{newWorld()}, "group/hidden", "group/other"))
	await(t, "two idle sources", func() bool { return p.Status().Idle == 2 })
	post := hook(t, WebhookConfig{Bus: b, Polls: map[event.ConnectionID]*Poll{"support": p}})
	if _, outcome := post(replied("41", 0)); outcome != "stored" {
		t.Fatal(outcome)
	}
	if st := p.Status(); st.Live != 1 || st.Threads != 1 {
		t.Errorf("status %+v, want a live source and a thread", st)
	}
}
