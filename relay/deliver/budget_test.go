package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/budget"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// counter is a platform that counts calls by sender, and refuses those of some for an hour.
type counter struct {
	meter func(relay.Reading)

	mu      sync.Mutex
	refuse  map[event.UserID]bool
	refused int
	calls   map[event.UserID][]string
}

func senderOf(a event.Action) relay.Group {
	return relay.Group{Scope: budget.Sender, Key: string(a.As)}
}

// Charges are one call of the connection and one of the sender.
func (c *counter) Charges(a event.Action) []relay.Charge {
	return []relay.Charge{{Calls: 1}, {Group: senderOf(a), Calls: 1}}
}

func (c *counter) Send(_ context.Context, a event.Action) (event.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse[a.As] {
		c.refused++
		c.meter(relay.Reading{Group: senderOf(a), Limit: -1, Remaining: -1, Pause: time.Hour})
		return event.Receipt{}, &relay.Failure{Kind: relay.RateLimited, After: time.Hour, Group: senderOf(a), Err: errors.New("slow down")}
	}
	if c.calls == nil {
		c.calls = make(map[event.UserID][]string)
	}
	c.calls[a.As] = append(c.calls[a.As], a.Text)
	return event.Receipt{Action: a.ID, Message: event.MessageID("m" + a.ID)}, nil
}

// said is what a sender has said.
func (c *counter) said(as event.UserID) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.calls[as], " ")
}

// limits makes a budget on a bus, which runs until the test ends or it is stopped.
func limits(t *testing.T, b *bus.Bus, configured ...event.Budget) (made *budget.Budget, stop func()) {
	t.Helper()
	state, err := b.State(bustest.Context(t), bus.Cursors)
	if err != nil {
		t.Fatal(err)
	}
	made, err = budget.New(budget.Config{Connection: "support", State: state, Configured: configured})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := made.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(stop)
	<-made.Running()
	return made, stop
}

// limited is a deliverer of a counter with a budget.
func (s *stage) limited(t *testing.T, c *counter, b *budget.Budget) *running {
	t.Helper()
	c.meter = b.Observe
	return s.deliver(t, deliver.Config{
		Connections: map[event.ConnectionID]relay.Sender{"support": c}, Budgets: map[event.ConnectionID]*budget.Budget{"support": b},
	})
}

// byTurns is actions of several senders, each in a thread of their own.
func byTurns(n int, senders ...event.UserID) []event.Action {
	var all []event.Action
	for i := range n {
		for _, as := range senders {
			a := reply(string(as), fmt.Sprint(i))
			a.ID, a.As = event.ActionID(fmt.Sprint(as, "-", i)), as
			all = append(all, a)
		}
	}
	return all
}

// A refusal has its sender wait, however many of the sender's actions there are, and nobody else; it is remembered.
func TestARefusalPausesItsGroupAlone(t *testing.T) {
	srv := newStage(t)
	got := receipts(t, srv.bus)
	b, stop := limits(t, srv.bus)
	c := &counter{refuse: map[event.UserID]bool{"ana": true}}
	d := srv.limited(t, c, b)
	all := byTurns(5, "ana", "zoe", "ben")
	publish(t, srv.bus, all...)
	other := reply("ana's other thread", "x")
	other.As = "ana"
	publish(t, srv.bus, other)
	var fine []event.ActionID
	for _, a := range all {
		if a.As != "ana" {
			fine = append(fine, a.ID)
		}
	}
	await(t, got, fine...)
	for _, as := range []event.UserID{"zoe", "ben"} {
		if said := c.said(as); said != "0 1 2 3 4" {
			t.Errorf("%s said %q", as, said)
		}
	}
	d.await(t, func(s deliver.Status) bool { return paused(s, budget.Sender) == 1 })
	d.stop()
	stop()
	c.mu.Lock()
	refused := c.refused
	c.refuse = nil // it would be taken now
	c.mu.Unlock()
	if refused < 1 || refused > 2 { // two threads of ana's may have been on their way at the same time
		t.Errorf("%d calls were refused", refused)
	}
	b, _ = limits(t, srv.bus) // as after a restart
	if wait := b.Take(bustest.Context(t), 0, relay.Charge{Group: senderOf(other), Calls: 1}); wait < 30*time.Second {
		t.Errorf("after a restart ana may go on in %s", wait)
	}
	if wait := b.Take(bustest.Context(t), 0, relay.Charge{Group: relay.Group{Scope: budget.Sender, Key: "zoe"}, Calls: 1}); wait != 0 {
		t.Errorf("zoe has to wait %s", wait)
	}
	if n := srv.Count(bus.DeadStream); n > 0 {
		t.Errorf("%d dead letters", n)
	}
}

func paused(s deliver.Status, scope string) int {
	for _, l := range s.Limits {
		if l.Scope == scope {
			return l.Paused
		}
	}
	return 0
}

// A configured limit counts from the first call on, for each sender alone, and costs no action an attempt.
func TestAConfiguredLimitIsKept(t *testing.T) {
	srv := newStage(t)
	got := receipts(t, srv.bus)
	b, _ := limits(t, srv.bus, event.Budget{Scope: budget.Sender, N: 8, Per: 24 * time.Hour})
	c := new(counter)
	d := srv.limited(t, c, b)
	all := byTurns(20, "ana", "zoe")
	publish(t, srv.bus, all...)
	await(t, got, all[0].ID, all[1].ID, all[6].ID, all[7].ID) // of the half of a limit that can be had at once, the last
	waiting := func(s deliver.Status) bool {
		for _, l := range s.Limits {
			if l.Scope == budget.Sender {
				return l.Waiting == 2 && l.Limit == 8
			}
		}
		return false
	}
	d.await(t, waiting)
	for _, as := range []event.UserID{"ana", "zoe"} {
		if said := c.said(as); strings.Count(said, " ") >= 8 || !strings.HasPrefix(said, "0 1 2 3") {
			t.Errorf("%s said %q, and 8 a day are allowed", as, said)
		}
	}
	if n := srv.Count(bus.DeadStream); n > 0 {
		t.Errorf("%d dead letters", n)
	}
}

// Who is kept back because the connection fails throughout uses nothing of its limits up.
func TestACallThatIsNotMadeDoesNotCount(t *testing.T) {
	const limit, waiting = 100, 10
	srv := newStage(t)
	b, _ := limits(t, srv.bus, event.Budget{Scope: budget.Connection, N: limit, Per: 24 * time.Hour})
	away := sender(func(context.Context, event.Action) (event.Receipt, error) {
		return event.Receipt{}, &relay.Failure{Kind: relay.Temporary, Err: errors.New("away")}
	})
	d := srv.deliver(t, deliver.Config{
		Connections: platform(away), Budgets: map[event.ConnectionID]*budget.Budget{"support": b},
		Default: deliver.Policy{Breaker: deliver.Breaker{Failures: 1, Over: time.Nanosecond, Min: time.Hour, Max: time.Hour}},
	})
	publish(t, srv.bus, reply("first", "x"))
	d.await(t, func(s deliver.Status) bool { return s.Breaker == "open" })
	for i := range waiting {
		publish(t, srv.bus, reply(fmt.Sprint(i), "x"))
	}
	srv.awaitAttempts(t, 1+waiting)
	d.stop()
	for n := range limit/2 - 1 { // the rest of what can be had at once
		if wait := b.Take(bustest.Context(t), 0, relay.Charge{Calls: 1}); wait != 0 {
			t.Fatalf("one call was made, and after %d more there is none left for %s", n, wait)
		}
	}
}

// awaitAttempts waits until the deliverer on the stage's bus has put off so many attempts.
func (s *stage) awaitAttempts(t *testing.T, want int) {
	t.Helper()
	ctx := bustest.Context(t)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for s.putOff(t) < want {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%d attempts were put off, want %d", s.putOff(t), want)
		}
	}
}

func (s *stage) putOff(t *testing.T) (n int) {
	t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "threadrelay_bus_handled_total" && l.GetValue() == "retry" {
					n += int(m.GetCounter().GetValue())
				}
			}
		}
	}
	return n
}
