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
	t       *testing.T
	metrics *prometheus.Registry
	cancel  context.CancelFunc
	ended   chan error
}

// start runs a deliverer until stop is called or the test ends.
func start(t *testing.T, cfg deliver.Config) *running {
	t.Helper()
	reg := prometheus.NewRegistry()
	cfg.Metrics = reg
	if cfg.Retry == (bus.Retry{}) {
		cfg.Retry = quick()
	}
	d, err := deliver.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, metrics: reg, cancel: cancel, ended: make(chan error, 1)}
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
