package deliver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// attempts is the retry budget of the tests.
const attempts = 4

func quick() bus.Retry {
	return bus.Retry{Attempts: attempts, Min: time.Millisecond, Max: 4 * time.Millisecond}
}

// sender is a platform that is one function.
type sender func(ctx context.Context, a event.Action) (event.Receipt, error)

func (s sender) Send(ctx context.Context, a event.Action) (event.Receipt, error) { return s(ctx, a) }

func platform(s sender) map[event.ConnectionID]relay.Sender {
	return map[event.ConnectionID]relay.Sender{"support": s}
}

// reply is something that a bot wants said in a thread. Its id is made of both.
func reply(thread, text string) event.Action {
	return event.Action{
		ID: event.ActionID(thread + "-" + text), Type: event.Reply, Text: text, Bot: "echo",
		Time:   time.Date(2026, 11, 1, 12, 30, 0, 0, time.UTC),
		Thread: event.ThreadRef{Connection: "support", Conversation: "group/engineering", Root: event.MessageID(thread)},
	}
}

func publish(t *testing.T, b *bus.Bus, actions ...event.Action) {
	t.Helper()
	for _, a := range actions {
		m, err := bus.ActionMessage(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Publisher().Publish(bus.Actions, m); err != nil {
			t.Fatal(err)
		}
	}
}

// running is a deliverer that runs.
type running struct {
	t         *testing.T
	metrics   *prometheus.Registry
	deliverer *deliver.Deliverer
	cancel    context.CancelFunc
	ended     chan error
}

// start runs a deliverer until stop is called or the test ends.
func start(t *testing.T, cfg deliver.Config) *running {
	t.Helper()
	return startChanged(t, cfg, nil)
}

// startChanged is start with a change of the deliverer before it runs.
func startChanged(t *testing.T, cfg deliver.Config, change func(*deliver.Deliverer) error) *running {
	t.Helper()
	reg := prometheus.NewRegistry()
	cfg.Metrics = reg
	if cfg.Default.Retry == (bus.Retry{}) {
		cfg.Default.Retry = quick()
	}
	d, err := deliver.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		if err := change(d); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, metrics: reg, deliverer: d, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		r.ended <- d.Run(ctx)
		close(r.ended)
	}()
	<-d.Running()
	t.Cleanup(r.stop)
	return r
}

// stop ends the deliverer and waits for it. It may be called twice.
func (r *running) stop() {
	r.t.Helper()
	r.cancel()
	if err := <-r.ended; err != nil {
		r.t.Error(err)
	}
}

// wantSends compares the count of sends to "support" of type reply, by outcome.
func (r *running) wantSends(want map[string]int) {
	r.t.Helper()
	counts := make(map[string]int)
	for outcome, n := range want {
		counts[fmt.Sprintf("connection=\"support\",outcome=%q,type=\"reply\"", outcome)] = n
	}
	bustest.WantCounts(r.t, r.metrics, "threadrelay_sends_total", counts)
}

// wantLetter compares the only dead letter there is.
func wantLetter(t *testing.T, srv *bustest.Server, attempts int, reason string) {
	t.Helper()
	all := srv.Stored(bus.DeadStream)
	if len(all) != 1 {
		t.Fatalf("%d dead letters", len(all))
	}
	h := all[0].Header
	if h.Get("Relay-Dead-Stage") != bus.Actions || h.Get("Relay-Dead-Consumer") != deliver.Group ||
		h.Get("Relay-Dead-Attempts") != fmt.Sprint(attempts) || !strings.Contains(h.Get("Relay-Dead-Reason"), reason) {
		t.Errorf("dead letter %v, want %d attempts and the reason %q", h, attempts, reason)
	}
}

// receipts returns a channel of the receipts that are stored from the beginning on.
func receipts(t *testing.T, b *bus.Bus) <-chan event.Receipt {
	t.Helper()
	sub, err := b.Subscriber(bus.SubscriberConfig{Group: "receipts"})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := sub.Subscribe(context.Background(), bus.Receipts)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan event.Receipt, 1000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for m := range messages {
			r, err := bus.ReadReceipt(m)
			if err != nil || m.UUID != r.ID {
				t.Errorf("receipt %s: %+v (%v)", m.UUID, r, err)
			}
			out <- r
			m.Ack()
		}
	}()
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return out
}

// await collects receipts until there is one for each of the actions, and returns the last of each.
func await(t *testing.T, from <-chan event.Receipt, actions ...event.ActionID) map[event.ActionID]event.Receipt {
	t.Helper()
	got := make(map[event.ActionID]event.Receipt)
	for {
		missing := false
		for _, id := range actions {
			if _, ok := got[id]; !ok {
				missing = true
			}
		}
		if !missing {
			return got
		}
		r := bustest.Receive(t, from)
		got[r.Action] = r
	}
}

func ids(actions ...event.Action) []event.ActionID {
	var out []event.ActionID
	for _, a := range actions {
		out = append(out, a.ID)
	}
	return out
}

// stage is a bus and the number of partitions that its deliverer holds.
type stage struct {
	*bustest.Server
	bus     *bus.Bus
	metrics *prometheus.Registry
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{Server: bustest.StartServer(t, "")}
	s.reopen()
	return s
}

// reopen opens another bus on the same server, as another process would.
func (s *stage) reopen() {
	s.metrics = prometheus.NewRegistry()
	s.bus = s.Open(bus.Config{Metrics: s.metrics, LeaseTTL: time.Second})
}

// settled waits until the deliverer on the stage's bus holds all partitions: nothing that is published from then on is
// inherited.
func (s *stage) settled(t *testing.T) {
	t.Helper()
	ctx := bustest.Context(t)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for s.gauge(t, "threadrelay_bus_partitions", bus.Actions) < 16 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the partitions are not taken")
		}
	}
}

// gauge sums a gauge of the bus over the labels of the deliverer's group and the given topic.
func (s *stage) gauge(t *testing.T, name, topic string) (n float64) {
	t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := make(map[string]string)
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if f.GetName() == name && labels["group"] == deliver.Group && labels["topic"] == topic {
				n += m.GetGauge().GetValue()
			}
		}
	}
	return n
}

// deliver starts a deliverer on the stage's bus and waits until it is settled.
func (s *stage) deliver(t *testing.T, cfg deliver.Config) *running {
	t.Helper()
	cfg.Bus = s.bus
	d := start(t, cfg)
	s.settled(t)
	return d
}

// awaitLag waits until so many messages stand behind those that are handled, in lanes that are known to have them.
func (s *stage) awaitLag(t *testing.T, want float64) {
	t.Helper()
	ctx := bustest.Context(t)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for s.gauge(t, "threadrelay_bus_lag", bus.Actions) < want+1 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the messages were not read")
		}
	}
}

// awaitCount waits until a stream holds so many messages.
func (s *stage) awaitCount(t *testing.T, stream string, want int) {
	t.Helper()
	ctx := bustest.Context(t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.Count(stream) < want {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s holds fewer than %d messages", stream, want)
		}
	}
}
