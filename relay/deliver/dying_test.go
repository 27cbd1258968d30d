package deliver_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// An answer that is lost at the very last attempt makes no dead letter of what is there.
func TestTheLastAttemptIsLookedFor(t *testing.T) {
	srv := newStage(t)
	one, two := reply("a", "one"), reply("a", "two")
	p := &chat{faults: func(n int, _ event.Action) fault {
		switch {
		case n < attempts:
			return before
		case n == attempts:
			return after
		}
		return fine
	}}
	srv.deliver(t, deliver.Config{Connections: p.connections()})
	got := receipts(t, srv.bus)
	publish(t, srv.bus, one, two)
	r := await(t, got, ids(one, two)...)[one.ID]
	p.wantSeen(t, "a", "one two")
	if r.Outcome != event.Done || r.Message != "m1" || srv.Count(bus.DeadStream) != 0 {
		t.Errorf("receipt %+v, and %d dead letters", r, srv.Count(bus.DeadStream))
	}
}

// hanging is a platform whose look-ups end with the process. It tells when one has begun.
type hanging struct {
	seeing
	begun chan struct{}
}

func (h hanging) Find(ctx context.Context, _ event.Action, _ time.Time) (event.Receipt, bool, error) {
	h.begun <- struct{}{}
	<-ctx.Done()
	return event.Receipt{}, false, fmt.Errorf("hanging: %w", ctx.Err())
}

// process runs a deliverer in whose place another one can be put at once when it has died.
func process(t *testing.T, srv *bustest.Server, platform relay.Sender) (die func()) {
	t.Helper()
	conn := srv.Connect()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: conn, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	d, err := deliver.New(deliver.Config{
		Bus: b, Connections: map[event.ConnectionID]relay.Sender{"support": platform}, Grace: time.Millisecond,
		Default: deliver.Policy{Retry: bus.Retry{Crashes: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	<-d.Running()
	return func() {
		conn.Close()
		cancel()
		t.Log("a process has ended:", <-ended)
	}
}

// An action that was being carried out each time that the process ended is a dead letter only if it is not there.
func TestWhatWasCutOffByCrashesIsLookedFor(t *testing.T) {
	for name, c := range map[string]struct {
		there, known bool // at the platform, and in the ledger
		outcome      event.Outcome
	}{
		"not carried out":           {outcome: event.Failed},
		"carried out":               {there: true, outcome: event.Done},
		"carried out and on record": {there: true, known: true, outcome: event.Done},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newStage(t)
			one, two := reply("a", "one"), reply("a", "two")
			p := &chat{}
			if c.there { // by a process of before
				if _, err := p.Send(t.Context(), one); err != nil {
					t.Fatal(err)
				}
			}
			h := hanging{seeing{p}, make(chan struct{}, 1)}
			got := receipts(t, srv.bus)
			publish(t, srv.bus, one, two)
			for range 2 { // the first one is not careful yet
				die := process(t, srv.Server, h)
				bustest.Receive(t, h.begun)
				die()
			}
			if c.known {
				record(t, srv.bus, one.ID, `{"outcome":"done","time":"2026-11-01T12:30:00Z","message":"m1"}`)
			}
			die := process(t, srv.Server, seeing{p})
			defer die()
			all := await(t, got, ids(one, two)...)
			if r := all[one.ID]; r.Outcome != c.outcome || (r.Message == "m1") != c.there || (r.Kind == "crashed") == c.there {
				t.Errorf("receipt %+v", r)
			}
			want, letters := "one two", 0
			if !c.there {
				want, letters = "two", 1
			}
			p.wantSeen(t, "a", want)
			if n := srv.Count(bus.DeadStream); n != letters {
				t.Errorf("%d dead letters, want %d", n, letters)
			}
		})
	}
}

// record writes an entry of the ledger.
func record(t *testing.T, b *bus.Bus, id event.ActionID, entry string) {
	t.Helper()
	state, err := b.State(bustest.Context(t), bus.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := state.Put(bustest.Context(t), deliver.ActionKey("support", id), []byte(entry), 0); err != nil {
		t.Fatal(err)
	}
}
