package budget_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/budget"
)

// open runs a budget on a bus until the returned function is called.
func open(t testing.TB, b *bus.Bus, cfg budget.Config) (*budget.Budget, func()) {
	t.Helper()
	state, err := b.State(bustest.Context(t), bus.Cursors)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Connection, cfg.State = "support", state
	out, err := budget.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- out.Run(ctx) }()
	<-out.Running()
	return out, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func sender(name string, calls int) relay.Charge {
	return relay.Charge{Group: relay.Group{Scope: budget.Sender, Key: name}, Calls: calls}
}

// TestInstancesShareALimitOverTheBus has two instances on a real bus use a limit up together.
func TestInstancesShareALimitOverTheBus(t *testing.T) {
	const n, per, periods = 40, 2 * time.Second, 4
	srv := bustest.StartServer(t, "")
	limit := []event.Budget{{Scope: budget.Sender, N: n, Per: per}}
	var mu sync.Mutex
	var calls []time.Time
	shares := make(map[int]int)
	ctx, cancel := context.WithTimeout(context.Background(), periods*per)
	defer cancel()
	var all sync.WaitGroup
	for i := range 2 {
		b, stop := open(t, srv.Open(bus.Config{}), budget.Config{Configured: limit, Instance: fmt.Sprint(i)})
		defer stop()
		for lane := range 8 {
			all.Go(func() {
				for key := uint64(lane+1) << 32; ctx.Err() == nil; {
					if wait := b.Take(ctx, key, sender("ana", 1)); wait > 0 {
						select {
						case <-time.After(wait):
						case <-ctx.Done():
						}
						continue
					}
					key++
					mu.Lock()
					calls = append(calls, time.Now())
					shares[i]++
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	slices.SortFunc(calls, time.Time.Compare)
	for i := n; i < len(calls); i++ {
		if took := calls[i].Sub(calls[i-n]); took < per {
			t.Fatalf("%d calls in %s", n+1, took)
		}
	}
	t.Logf("%d calls, of %d possible; shares %v", len(calls), n*periods, shares)
	if len(calls) < n*periods*3/4 || shares[0] < len(calls)/4 || shares[1] < len(calls)/4 { // on a machine that is busy with other things
		t.Errorf("%d calls, of %d possible; shares %v", len(calls), n*periods, shares)
	}
}

// TestARecordOutlivesAProcess has a limit that is used up before a restart stay used up.
func TestARecordOutlivesAProcess(t *testing.T) {
	srv := bustest.StartServer(t, "")
	first, stop := open(t, srv.Open(bus.Config{}), budget.Config{})
	ctx := bustest.Context(t)
	if wait := first.Take(ctx, 1, sender("ana", 6)); wait != 0 {
		t.Fatalf("waits %s", wait)
	}
	first.Observe(relay.Reading{Group: relay.Group{Scope: budget.Sender, Key: "ana"}, Limit: 10, Remaining: 4})
	first.Pause(relay.Group{Scope: budget.Sender, Key: "bob"}, time.Hour)
	stop()
	second, stop := open(t, srv.Open(bus.Config{}), budget.Config{})
	defer stop()
	if wait := second.Take(ctx, 2, sender("ana", 5)); wait < 10*time.Second {
		t.Errorf("11 calls of 10 wait %s", wait)
	}
	if wait := second.Take(ctx, 3, sender("bob", 1)); wait < 10*time.Minute {
		t.Errorf("who was asked to wait for an hour waits %s", wait)
	}
	if wait := second.Take(ctx, 4, sender("cat", 1)); wait != 0 {
		t.Errorf("another sender waits %s", wait)
	}
}

func charges() []relay.Charge {
	return []relay.Charge{{Calls: 1}, sender("ana", 1)}
}

// BenchmarkTakeOpen is what an action costs whose groups have no limit.
func BenchmarkTakeOpen(b *testing.B) {
	out, err := budget.New(budget.Config{Connection: "support"})
	if err != nil {
		b.Fatal(err)
	}
	all := charges()
	b.ReportAllocs()
	for key := uint64(1); b.Loop(); key++ {
		if out.Take(context.Background(), key, all...) != 0 {
			b.Fatal("waits")
		}
	}
}

// BenchmarkTakeLimited is what one costs with limits that are far away, kept by this instance alone.
func BenchmarkTakeLimited(b *testing.B) {
	out, err := budget.New(budget.Config{Connection: "support", Configured: []event.Budget{
		{Scope: budget.Sender, N: 1 << 40, Per: time.Second}, {Scope: budget.Connection, N: 1 << 40, Per: time.Second},
	}})
	if err != nil {
		b.Fatal(err)
	}
	all := charges()
	b.ReportAllocs()
	for key := uint64(1); b.Loop(); key++ {
		if out.Take(context.Background(), key, all...) != 0 {
			b.Fatal("waits")
		}
	}
}

// BenchmarkTakeShared is what one costs with a limit whose record is written for each call.
func BenchmarkTakeShared(b *testing.B) {
	srv := bustest.StartServer(b, "")
	out, stop := open(b, srv.Open(bus.Config{}), budget.Config{Configured: []event.Budget{{Scope: budget.Sender, N: 5, Per: time.Second}}})
	defer stop()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ { // of each sender one call: that is the dearest
		if out.Take(context.Background(), uint64(n+1), sender(fmt.Sprint(n), 1)) != 0 {
			b.Fatal("waits")
		}
	}
}
