package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

var errDead = errors.New("the process is dead")

// mortal is a process that dies at its n-th step: from then on nothing that it does has any effect.
type mortal struct {
	conn *nats.Conn
	died chan struct{}

	acting sync.RWMutex // held for reading while it does something to the world

	mu    sync.Mutex
	steps int
	at    int // 0: it does not
}

// step is taken before and after each thing that a process does to the world.
func (m *mortal) step() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps++
	if m.steps == m.at {
		m.conn.Close()
		close(m.died)
	}
	if m.at > 0 && m.steps >= m.at {
		return errDead
	}
	return nil
}

// do does something between two steps.
func do[T any](m *mortal, f func() (T, error)) (T, error) {
	var none T
	m.acting.RLock()
	defer m.acting.RUnlock()
	if err := m.step(); err != nil {
		return none, err
	}
	v, err := f()
	if dead := m.step(); dead != nil {
		return none, dead
	}
	return v, err
}

// mortalStore is the ledger of a mortal process, and mortalChat its way to the platform.
type mortalStore struct {
	deliver.Store
	m *mortal
}

func (s mortalStore) Get(ctx context.Context, key string) (bus.Value, error) {
	return do(s.m, func() (bus.Value, error) { return s.Store.Get(ctx, key) })
}

func (s mortalStore) Update(ctx context.Context, key string, c bus.Change) (uint64, error) {
	return do(s.m, func() (uint64, error) { return s.Store.Update(ctx, key, c) })
}

func (s mortalStore) Put(ctx context.Context, key string, data []byte, ttl time.Duration) (uint64, error) {
	return do(s.m, func() (uint64, error) { return s.Store.Put(ctx, key, data, ttl) })
}

type mortalChat struct {
	seeing
	m *mortal
}

func (c mortalChat) Send(ctx context.Context, a event.Action) (event.Receipt, error) {
	return do(c.m, func() (event.Receipt, error) { return c.seeing.Send(ctx, a) })
}

func (c mortalChat) Find(ctx context.Context, a event.Action, since time.Time) (r event.Receipt, found bool, err error) {
	r, err = do(c.m, func() (event.Receipt, error) {
		var err error
		r, found, err = c.seeing.Find(ctx, a, since)
		return r, err
	})
	return r, found && err == nil, err
}

// live runs a process until it dies, or until ended is closed.
func live(t *testing.T, srv *bustest.Server, p *chat, at int, ended <-chan struct{}) *mortal {
	t.Helper()
	m := &mortal{conn: srv.Connect(), at: at, died: make(chan struct{})}
	ctx, cancel := context.WithCancel(bustest.Context(t))
	b, err := bus.Open(ctx, bus.Config{Conn: m.conn, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	d, err := deliver.New(deliver.Config{
		Bus: b, Connections: map[event.ConnectionID]relay.Sender{"support": mortalChat{seeing{p}, m}}, Grace: 20 * time.Millisecond,
		Default: deliver.Policy{Retry: bus.Retry{Attempts: 50, Crashes: 50, Min: time.Millisecond, Max: 4 * time.Millisecond}, RootGone: deliver.NewRoot},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = d.Intercept(ctx, func(s deliver.Store) deliver.Store { return mortalStore{s, m} }, func(next deliver.Publish) deliver.Publish {
		return func(ctx context.Context, topic string, out ...*message.Message) ([]bus.Ack, error) {
			return do(m, func() ([]bus.Ack, error) { return next(ctx, topic, out...) })
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- d.Run(ctx) }()
	select {
	case <-d.Running():
	case <-m.died:
	}
	select {
	case <-m.died: // it takes a while to end, and the next waits only until nothing of it is on its way
		m.acting.Lock()
		defer m.acting.Unlock()
		t.Cleanup(func() { t.Log("a dead process ended:", <-stopped) })
	case <-ended:
		cancel()
		if err := <-stopped; err != nil && m.step() == nil { // it may have died with its last step
			t.Error(err)
		}
	}
	cancel()
	return m
}

// told is closed once there is a receipt for each of the actions.
func told(t *testing.T, from <-chan event.Receipt, actions []event.Action) (<-chan struct{}, func() map[event.ActionID][]event.Receipt) {
	t.Helper()
	done, stop := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	all := make(map[event.ActionID][]event.Receipt)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case r := <-from:
				mu.Lock()
				all[r.Action] = append(all[r.Action], r)
				complete := len(all) == len(actions) && len(all[r.Action]) == 1
				mu.Unlock()
				if complete {
					close(done)
				}
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-ended
	})
	return done, func() map[event.ActionID][]event.Receipt {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// A process that dies between any two steps leaves nothing unsaid, and nothing said twice.
func TestACrashBetweenAnyTwoSteps(t *testing.T) {
	for at, died := 1, true; died && !t.Failed(); at++ {
		t.Run(fmt.Sprint("step ", at), func(inner *testing.T) { died = crashAt(t, inner, at) })
	}
}

// crashAt runs a process that dies at a step, and then another one. It reports whether the first one came to that step.
func crashAt(outer, t *testing.T, at int) bool {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	lost, root := reply("a", "lost"), post("root")
	moved, behind := reply("gone", "moved"), reply("gone", "behind")
	all := []event.Action{lost, change(lost, event.Edit, "edited"), reply("a", "two"), root, answer(root, "under"), moved, behind}
	p := &chat{faults: gone(map[event.MessageID]bool{"gone": true}, on(lost.ID, 1, after))}
	done, receipts := told(t, receipts(t, b), all)
	publish(t, b, all...)
	first := live(outer, srv, p, at, done)
	live(t, srv, p, 0, done)
	p.wantSeen(t, "a", "edited two")
	if top := p.seen(""); top != "root moved" && top != "moved root" {
		t.Errorf("at the top is seen %q", top)
	}
	p.wantSeen(t, receipts()[root.ID][0].Message, "under")
	p.wantSeen(t, receipts()[moved.ID][0].Message, "behind")
	for id, r := range receipts() {
		if len(r) != 1 || r[0].Outcome != event.Done || r[0].Message == "" {
			t.Errorf("%s has the receipts %+v", id, r)
		}
	}
	if n := srv.Count(bus.DeadStream); n != 0 {
		t.Errorf("%d dead letters", n)
	}
	select {
	case <-first.died:
		return true
	default:
		return false
	}
}

// Whatever goes wrong, in whatever order: each action is seen once, in the order of its thread, or is a dead letter.
func TestNothingIsLostOrSaidTwice(t *testing.T) {
	const threads, each, lives = 8, 12, 6
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var deaths []int
	for range lives {
		deaths = append(deaths, 20+random.IntN(threads*each))
	}
	var mu sync.Mutex
	odds := func(faults map[fault]float64) fault {
		mu.Lock()
		defer mu.Unlock()
		x := random.Float64()
		for _, f := range []fault{before, after, busy, panics} {
			if x -= faults[f]; x < 0 {
				return f
			}
		}
		return fine
	}
	p := &chat{
		faults: func(_ int, a event.Action) fault {
			if strings.HasSuffix(a.Text, "!") {
				return rejected
			}
			return odds(map[fault]float64{before: 0.07, after: 0.07, busy: 0.05, panics: 0.02})
		},
		lookups: func(int) fault { return odds(map[fault]float64{before: 0.1, busy: 0.05}) },
	}
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	var all []event.Action
	want := make(map[event.MessageID]string)
	for n := range each {
		for i := range threads {
			text := fmt.Sprint(n)
			if (n+i)%7 == 0 {
				text += "!" // is refused
			} else {
				want[event.MessageID(fmt.Sprint(i))] += " " + text
			}
			all = append(all, reply(fmt.Sprint(i), text))
		}
	}
	done, receipts := told(t, receipts(t, b), all)
	publish(t, b, all...)
	for _, at := range deaths {
		live(t, srv, p, at, done)
	}
	live(t, srv, p, 0, done)
	for root, texts := range want {
		p.wantSeen(t, root, strings.TrimSpace(texts))
	}
	failed := 0
	for _, a := range all {
		r := receipts()[a.ID][0]
		refused := strings.HasSuffix(a.Text, "!")
		if refused {
			failed++
		}
		if refused != (r.Outcome == event.Failed) || refused != (r.Kind == "rejected") {
			t.Errorf("%s: %+v", a.ID, r)
		}
	}
	if n := srv.Count(bus.DeadStream); n != failed {
		t.Errorf("%d dead letters, want %d", n, failed)
	}
}
