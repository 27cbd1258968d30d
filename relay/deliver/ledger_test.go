package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// flaky is a ledger that fails when it is told to.
type flaky struct {
	deliver.Store
	get, update func() error
}

var errLedger = errors.New("the server is away")

func (f flaky) Get(ctx context.Context, key string) (bus.Value, error) {
	if f.get != nil {
		if err := f.get(); err != nil {
			return bus.Value{}, err
		}
	}
	return f.Store.Get(ctx, key)
}

func (f flaky) Update(ctx context.Context, key string, c bus.Change) (uint64, error) {
	if f.update != nil {
		if err := f.update(); err != nil {
			return 0, err
		}
	}
	return f.Store.Update(ctx, key, c)
}

// times fails so often.
func times(n int32) func() error {
	var left atomic.Int32
	left.Store(n)
	return func() error {
		if left.Add(-1) >= 0 {
			return errLedger
		}
		return nil
	}
}

// deliverFlaky runs a deliverer on the stage whose ledger and receipts may fail.
func (s *stage) deliverFlaky(t *testing.T, cfg deliver.Config, f flaky, told func() error) *running {
	t.Helper()
	cfg.Bus = s.bus
	d := startChanged(t, cfg, func(d *deliver.Deliverer) error {
		return d.Intercept(bustest.Context(t), func(next deliver.Store) deliver.Store {
			f.Store = next
			return f
		}, func(next deliver.Publish) deliver.Publish {
			return func(ctx context.Context, topic string, m ...*message.Message) ([]bus.Ack, error) {
				if told != nil {
					if err := told(); err != nil {
						return nil, err
					}
				}
				return next(ctx, topic, m...)
			}
		})
	})
	s.settled(t)
	return d
}

// A ledger that does not answer costs no attempt, and an action that was carried out meanwhile is neither sent again nor
// looked for.
func TestALedgerThatFailsCostsNothing(t *testing.T) {
	cases := map[string]struct {
		f    flaky
		told func() error
	}{
		"read":    {f: flaky{get: times(3)}},
		"write":   {f: flaky{update: times(3)}},
		"receipt": {told: times(3)},
	}
	for operation, c := range cases {
		t.Run(operation, func(t *testing.T) {
			srv := newStage(t)
			p := &chat{blind: true}
			d := srv.deliverFlaky(t, deliver.Config{
				Connections: p.connections(), Default: deliver.Policy{Retry: bus.Retry{Attempts: 1}, Unknown: deliver.Park},
			}, c.f, c.told)
			got := receipts(t, srv.bus)
			one := reply("a", "one")
			publish(t, srv.bus, one)
			if r := await(t, got, one.ID)[one.ID]; r.Outcome != event.Done || r.Message != "m1" {
				t.Errorf("receipt %+v", r)
			}
			d.stop()
			p.wantSeen(t, "a", "one")
			if n := srv.Count(bus.DeadStream); n != 0 {
				t.Errorf("%d dead letters", n)
			}
			bustest.WantCounts(t, d.metrics, "threadrelay_ledger_errors_total", map[string]int{`operation="` + operation + `"`: 3})
		})
	}
}

// A dead letter is written down before it is one, however often that fails.
func TestADeadLetterIsWrittenDownFirst(t *testing.T) {
	srv := newStage(t)
	one := reply("a", "one")
	p := &chat{faults: on(one.ID, 100, rejected)}
	told := times(1)
	var before atomic.Int32
	var once atomic.Bool
	srv.deliverFlaky(t, deliver.Config{Connections: p.connections()}, flaky{update: times(1)}, func() error {
		if once.CompareAndSwap(false, true) {
			before.Store(int32(srv.Count(bus.DeadStream)))
		}
		return told()
	})
	got := receipts(t, srv.bus)
	publish(t, srv.bus, one, reply("a", "next"))
	all := await(t, got, one.ID, "a-next")
	if r := all[one.ID]; r.ID != "a-one:failed:1" || r.Kind != "rejected" || r.Bot != "echo" || r.Type != event.Reply || r.Thread != one.Thread {
		t.Errorf("receipt %+v", r)
	}
	if n := srv.Count(bus.DeadStream); n != 1 || before.Load() != 0 || p.seen("a") != "next" {
		t.Errorf("%d dead letters, %d of them before they were written down, seen is %q", n, before.Load(), p.seen("a"))
	}
}

// An action that the ledger knows is not carried out again, whoever publishes it once more.
func TestTheLedgerIsReadBeforeEverySend(t *testing.T) {
	srv := newStage(t)
	p := &chat{}
	d := srv.deliver(t, deliver.Config{Connections: p.connections()})
	got := receipts(t, srv.bus)
	one := reply("a", "one")
	publish(t, srv.bus, one)
	first := await(t, got, one.ID)[one.ID]
	m, err := bus.ActionMessage(one)
	if err != nil {
		t.Fatal(err)
	}
	m.UUID = "another" // as after the duplicate window
	if err := srv.bus.Publisher().Publish(bus.Actions, m); err != nil {
		t.Fatal(err)
	}
	publish(t, srv.bus, reply("a", "two"))
	all := await(t, got, "a-two") // the repeated receipt is dropped as a duplicate
	p.wantSeen(t, "a", "one two")
	if len(all) != 1 || srv.Count(bus.ReceiptsStream) != 2 || first.Message != "m1" {
		t.Errorf("receipts %+v", all)
	}
	bustest.WantCounts(t, d.metrics, "threadrelay_actions_total", map[string]int{
		`connection="support",outcome="done"`: 2, `connection="support",outcome="recalled"`: 1,
	})
}

// Two processes carry one action out, since one stood still for too long: the ledger takes one receipt, both tell that one,
// and the second is counted.
func TestTheLedgerTakesOneOfTwoReceipts(t *testing.T) {
	srv := newStage(t)
	one := reply("a", "one")
	ctx := bustest.Context(t)
	state, err := srv.bus.State(ctx, bus.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	p := &chat{during: func(context.Context) { // another process is ahead
		data, err := json.Marshal(map[string]any{"outcome": "done", "message": "theirs", "time": time.Now()})
		if err == nil {
			_, err = state.Create(ctx, deliver.ActionKey("support", one.ID), data, 0)
		}
		if err != nil {
			t.Error(err)
		}
	}}
	d := srv.deliver(t, deliver.Config{Connections: p.connections()})
	got := receipts(t, srv.bus)
	publish(t, srv.bus, one)
	if r := await(t, got, one.ID)[one.ID]; r.Message != "theirs" || r.Outcome != event.Done {
		t.Errorf("receipt %+v", r)
	}
	bustest.WantCounts(t, d.metrics, "threadrelay_duplicates_total", map[string]int{`connection="support"`: 1})
}

// Receipts travel in the lane of their action, under its names.
func TestReceiptsAreInTheLaneOfTheirAction(t *testing.T) {
	srv := newStage(t)
	p := &chat{}
	srv.deliver(t, deliver.Config{Connections: p.connections()})
	got := receipts(t, srv.bus)
	root := post("root")
	under := answer(root, "under")
	publish(t, srv.bus, root, under)
	await(t, got, ids(root, under)...)
	for _, m := range srv.Stored(bus.ReceiptsStream) {
		id := m.Header.Get("Ce-Id")
		if id == "" {
			id = m.Header.Get("ce-id")
		}
		want := map[string]string{"post-root:done": ".support.group%2Fengineering:", "post-root-under:done": ".support.group%2Fengineering:%2Bpost-root"}[id]
		if want == "" || !strings.HasSuffix(m.Subject, want) || m.Header.Get("Nats-Msg-Id") != id {
			t.Errorf("%s is under %s: %v", id, m.Subject, m.Header)
		}
	}
}
