package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// tenures is what the holders of one lease did.
type tenures struct {
	t  *testing.T
	mu sync.Mutex

	inside   string // who is in at this moment
	fences   []uint64
	left     time.Time
	gaps     []time.Duration // between one holder's leaving and the next one's entering
	overlaps int
}

func (h *tenures) enter(who string, fence uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inside != "" {
		h.overlaps++
		h.t.Errorf("%s is in while %s is", who, h.inside)
	}
	if n := len(h.fences); n > 0 {
		h.gaps = append(h.gaps, time.Since(h.left))
		if fence <= h.fences[n-1] {
			h.t.Errorf("fence %d came after %d", fence, h.fences[n-1])
		}
	}
	h.inside, h.fences = who, append(h.fences, fence)
}

func (h *tenures) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.inside, h.left = "", time.Now()
}

func (h *tenures) report(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.Sort(h.gaps)
	if n := len(h.gaps); n > 0 {
		h.t.Logf("%s: %d hand-overs, %d overlaps, gap p50 %s, p90 %s, max %s", what, n, h.overlaps, h.gaps[n/2], h.gaps[n*9/10], h.gaps[n-1])
	}
}

func lease(t *testing.T, b *bus.Bus, holder string, ttl time.Duration) *bus.Lease {
	t.Helper()
	l, err := b.Lease(bus.LeaseConfig{Name: "connection/poll *", Holder: holder, TTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// held is one instance that holds, or waits for, a lease until it is told to return or its context ends.
type held struct {
	taken  chan uint64   // the fence, each time it takes the lease
	ended  chan error    // the cause, each time its context ends
	finish chan struct{} // closed to have it return by itself
	done   chan error    // what Run returned
	stop   context.CancelFunc
}

func hold(l *bus.Lease) *held {
	ctx, stop := context.WithCancel(context.Background())
	h := &held{
		taken: make(chan uint64, 10), ended: make(chan error, 10), finish: make(chan struct{}),
		done: make(chan error, 1), stop: stop,
	}
	go func() {
		h.done <- l.Run(ctx, func(ctx context.Context, fence uint64) error {
			h.taken <- fence
			select {
			case <-h.finish:
				return errTest
			case <-ctx.Done():
				h.ended <- context.Cause(ctx)
				return ctx.Err()
			}
		})
	}()
	return h
}

// watchers waits until n instances watch the lease.
func watchers(t *testing.T, srv *bustest.Server, n int) {
	t.Helper()
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, fmt.Sprint(n, " instances watch the lease"), func() bool {
		s, err := js.Stream(bustest.Context(t), "KV_RELAY_LEASES")
		return err == nil && s.CachedInfo().State.Consumers == n
	})
}

func TestLeaseHasOneHolder(t *testing.T) {
	const contenders, rounds = 8, 10
	srv := bustest.StartServer(t, "")
	h := &tenures{t: t}
	var wg sync.WaitGroup
	for c := range contenders {
		who := fmt.Sprint("instance ", c)
		b := srv.Open(bus.Config{})
		l, s := lease(t, b, who, 5*time.Second), openState(t, b, bus.Cursors)
		wg.Go(func() {
			for range rounds {
				if err := l.Run(bustest.Context(t), func(ctx context.Context, fence uint64) error {
					h.enter(who, fence)
					defer h.leave()
					_, err := s.PutFenced(ctx, "cursor", []byte(who), fence)
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(h.fences) != contenders*rounds {
		t.Errorf("%d tenures", len(h.fences))
	}
	h.report("released")
}

func TestLeaseIsTakenAtOnceWhenReleased(t *testing.T) {
	const ttl = 2 * bustest.Patience // nobody can wait for that
	srv := bustest.StartServer(t, "")
	h := &tenures{t: t}
	one := hold(lease(t, srv.Open(bus.Config{}), "one", ttl))
	h.enter("one", bustest.Receive(t, one.taken))
	two := hold(lease(t, srv.Open(bus.Config{}), "two", ttl))
	watchers(t, srv, 1)
	h.leave()
	close(one.finish)
	h.enter("two", bustest.Receive(t, two.taken))
	if err := bustest.Receive(t, one.done); !errors.Is(err, errTest) {
		t.Errorf("the first ended with %v", err)
	}
	three := hold(lease(t, srv.Open(bus.Config{}), "three", ttl))
	watchers(t, srv, 1)
	h.leave()
	two.stop()
	h.enter("three", bustest.Receive(t, three.taken))
	if cause := bustest.Receive(t, two.ended); !errors.Is(cause, context.Canceled) || errors.Is(cause, bus.ErrLeaseLost) {
		t.Errorf("the second was stopped because of %v", cause)
	}
	four := hold(lease(t, srv.Open(bus.Config{}), "four", ttl))
	watchers(t, srv, 1)
	four.stop()
	if err := bustest.Receive(t, four.done); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "connection/poll") {
		t.Errorf("one that only waited ended with %v", err)
	}
	three.stop()
	over(<-three.done)
	h.report("released to one that waits")
}

// A process that is killed gives nothing back.
func TestLeaseOfAKilledHolderIsTakenOver(t *testing.T) {
	const ttl = time.Second
	srv := bustest.StartServer(t, "")
	nc := srv.Connect()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	one := hold(lease(t, b, "one", ttl))
	first := bustest.Receive(t, one.taken)
	two := hold(lease(t, srv.Open(bus.Config{}), "two", ttl))
	watchers(t, srv, 1)
	killed := time.Now()
	nc.Close()
	if cause := bustest.Receive(t, one.ended); !errors.Is(cause, bus.ErrLeaseLost) {
		t.Errorf("stopped because of %v", cause)
	}
	if took := time.Since(killed); took > ttl {
		t.Errorf("the killed one stopped after %s", took)
	}
	if len(two.taken) > 0 {
		t.Error("the second took over before the first had stopped")
	}
	second := bustest.Receive(t, two.taken)
	if second <= first {
		t.Errorf("fence %d came after %d", second, first)
	}
	gap := time.Since(killed)
	if gap > 2*ttl {
		t.Errorf("taken over after %s", gap)
	}
	t.Logf("killed, TTL %s: taken over after %s", ttl, gap)
	if err := bustest.Receive(t, one.done); !errors.Is(err, bus.ErrNotConnected) {
		t.Errorf("on a closed connection Run ended with %v", err)
	}
	two.stop()
	over(<-two.done)
}

// A holder whose packets get lost stops by itself before another one begins, competes again when it is back, and what it
// writes with its old fence is refused.
func TestLeaseOfAHolderThatIsCutOff(t *testing.T) {
	const ttl = time.Second
	g := &gate{srv: bustest.StartServer(t, "")}
	h := &tenures{t: t}
	cutOff := behind(t, g)
	one := hold(lease(t, cutOff, "one", ttl))
	first := bustest.Receive(t, one.taken)
	h.enter("one", first)
	b := g.srv.Open(bus.Config{})
	two := hold(lease(t, b, "two", ttl))
	watchers(t, g.srv, 1)
	cut := time.Now()
	g.noIn.Store(true)
	g.noOut.Store(true)
	cause := bustest.Receive(t, one.ended)
	h.leave()
	stopped := time.Since(cut)
	if !errors.Is(cause, bus.ErrLeaseLost) || stopped >= ttl {
		t.Errorf("stopped after %s because of %v", stopped, cause)
	}
	second := bustest.Receive(t, two.taken)
	h.enter("two", second)
	t.Logf("cut off, TTL %s: stopped after %s, taken over after %s", ttl, stopped, time.Since(cut))
	if _, err := openState(t, b, bus.Cursors).PutFenced(bustest.Context(t), "k", []byte("two"), second); err != nil {
		t.Fatal(err)
	}
	g.noIn.Store(false)
	g.noOut.Store(false)
	if _, err := openState(t, cutOff, bus.Cursors).PutFenced(bustest.Context(t), "k", []byte("one"), first); !errors.Is(err, bus.ErrFenced) {
		t.Errorf("a write with the old fence: %v", err)
	}
	h.leave()
	close(two.finish)
	h.enter("one", bustest.Receive(t, one.taken))
	one.stop()
	over(<-one.done)
	over(<-two.done)
}

func TestLeaseOutlivesAServerRestart(t *testing.T) {
	const ttl = 6 * time.Second
	srv := bustest.StartServer(t, "")
	one := hold(lease(t, srv.Open(bus.Config{}), "one", ttl))
	bustest.Receive(t, one.taken)
	two := hold(lease(t, srv.Open(bus.Config{}), "two", ttl))
	watchers(t, srv, 1)
	srv.Stop()
	srv.Start()
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(bustest.Context(t), "KV_RELAY_LEASES")
	if err != nil {
		t.Fatal(err)
	}
	before := s.CachedInfo().State.LastSeq
	eventually(t, "the lease is renewed", func() bool {
		info, err := s.Info(bustest.Context(t))
		return err == nil && info.State.LastSeq > before
	})
	if len(one.ended) > 0 || len(two.taken) > 0 {
		t.Error("the lease has changed hands")
	}
	close(one.finish)
	bustest.Receive(t, two.taken)
	two.stop()
	over(<-one.done)
	over(<-two.done)
}

func TestLeaseHasOneHolderAcrossServerRestarts(t *testing.T) {
	const contenders, restarts = 4, 3
	srv := bustest.StartServer(t, "")
	h := &tenures{t: t}
	ctx, stop := context.WithCancel(context.Background())
	entered := make(chan struct{})
	var wg sync.WaitGroup
	for c := range contenders {
		who := fmt.Sprint("instance ", c)
		l := lease(t, srv.Open(bus.Config{}), who, time.Second)
		wg.Go(func() {
			for ctx.Err() == nil {
				_ = l.Run(ctx, func(ctx context.Context, fence uint64) error { // ends with ctx
					h.enter(who, fence)
					defer h.leave()
					select {
					case entered <- struct{}{}:
					case <-ctx.Done():
					}
					return nil
				})
			}
		})
	}
	for range restarts {
		for range 5 {
			bustest.Receive(t, entered)
		}
		srv.Stop()
		srv.Start()
	}
	for range 5 {
		bustest.Receive(t, entered)
	}
	stop()
	wg.Wait()
	h.report("with server restarts, TTL 1 s")
}

// The record is deleted by hand: the holder stops, and the next fence is higher all the same.
func TestLeaseWhoseRecordIsDeleted(t *testing.T) {
	srv := bustest.StartServer(t, "")
	one := hold(lease(t, srv.Open(bus.Config{}), "one", time.Second))
	first := bustest.Receive(t, one.taken)
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(bustest.Context(t), "RELAY_LEASES")
	if err != nil {
		t.Fatal(err)
	}
	if err := kv.Purge(bustest.Context(t), "connection=2Fpoll=20=2A"); err != nil {
		t.Fatal(err)
	}
	if cause := bustest.Receive(t, one.ended); !errors.Is(cause, bus.ErrLeaseLost) {
		t.Errorf("stopped because of %v", cause)
	}
	if second := bustest.Receive(t, one.taken); second <= first {
		t.Errorf("fence %d came after %d", second, first)
	}
	one.stop()
	over(<-one.done)
	before := first
	if err := js.DeleteKeyValue(bustest.Context(t), "RELAY_LEASES"); err != nil {
		t.Fatal(err)
	}
	two := hold(lease(t, srv.Open(bus.Config{}), "two", time.Second))
	if fence := bustest.Receive(t, two.taken); fence <= before {
		t.Errorf("in a new bucket came fence %d after %d", fence, before)
	}
	two.stop()
	over(<-two.done)
}

func TestLeaseRefusesRecordsItDoesNotUnderstand(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(bustest.Context(t), "RELAY_LEASES")
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{"{": "damaged", `{"v":2}`: "use a newer one"} {
		if _, err := kv.PutString(bustest.Context(t), "connection=2Fpoll=20=2A", value); err != nil {
			t.Fatal(err)
		}
		err := lease(t, b, "one", time.Second).Run(bustest.Context(t), func(context.Context, uint64) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestLeaseConfig(t *testing.T) {
	b := bustest.Open(t)
	for want, cfg := range map[string]bus.LeaseConfig{
		"Name is required":   {Holder: "h"},
		"Holder is required": {Name: "n"},
		"at least 1s":        {Name: "n", Holder: "h", TTL: time.Millisecond},
	} {
		if _, err := b.Lease(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// over takes the end of a holder whose error does not matter.
func over(error) {}
