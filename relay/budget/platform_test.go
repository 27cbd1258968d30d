package budget

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kind is how a platform's window goes.
type kind string

const (
	fixed   kind = "fixed"   // it begins with the first call after the last one
	aligned kind = "aligned" // it begins at round times
	rolling kind = "rolling"
)

// limiter counts the calls of one group as a platform does.
type limiter struct {
	kind  kind
	n     int
	per   time.Duration
	start time.Time
	calls []time.Time
}

// take takes a call, and returns how many are left. If none is, it returns how long to wait.
func (l *limiter) take(now time.Time) (left int, wait time.Duration) {
	switch {
	case l.kind == rolling:
		for len(l.calls) > 0 && now.Sub(l.calls[0]) >= l.per {
			l.calls = l.calls[1:]
		}
		if len(l.calls) > 0 {
			l.start = l.calls[0]
		}
	case l.kind == aligned && !now.Truncate(l.per).Equal(l.start):
		l.start, l.calls = now.Truncate(l.per), nil
	case l.kind == fixed && now.Sub(l.start) >= l.per:
		l.start, l.calls = now, nil
	}
	if len(l.calls) >= l.n {
		return 0, l.start.Add(l.per).Sub(now)
	}
	l.calls = append(l.calls, now)
	return l.n - len(l.calls), 0
}

// said is a call that a platform took.
type said struct {
	thread string
	number int
	sender string
	at     time.Time
}

// platform is a simulated platform. Calls take a while to it and back.
type platform struct {
	kind    kind
	app     int // calls of the connection, 0 is any number
	sender  int // calls of a sender
	per     time.Duration
	way     time.Duration // at most, in one direction
	silent  bool          // it tells limits by refusing alone
	total   limiter
	mu      sync.Mutex
	senders map[string]*limiter
	said    []said
	refused []said
}

// call makes a call and returns what is told of it, and whether it was refused.
func (p *platform) call(s said) (told []relay.Reading, refused time.Duration) {
	time.Sleep(rand.N(p.way + 1))
	defer func() { time.Sleep(rand.N(p.way + 1)) }()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.senders == nil {
		p.senders = make(map[string]*limiter)
		p.total = limiter{kind: p.kind, n: p.app, per: p.per}
	}
	of := p.senders[s.sender]
	if of == nil {
		of = &limiter{kind: p.kind, n: p.sender, per: p.per}
		p.senders[s.sender] = of
	}
	check := func(l *limiter, g relay.Group) bool {
		if l.n == 0 {
			return true
		}
		left, wait := l.take(now)
		r := relay.Reading{Group: g, Limit: l.n, Remaining: left, Pause: wait}
		if p.silent {
			r.Limit, r.Remaining = -1, -1
		}
		if !p.silent || wait > 0 {
			told = append(told, r)
		}
		if wait > 0 {
			s.at = now
			p.refused = append(p.refused, s)
			refused = wait
		}
		return wait <= 0
	}
	if !check(&p.total, relay.Group{}) || !check(of, relay.Group{Scope: Sender, Key: s.sender}) {
		return told, refused
	}
	s.at = now
	p.said = append(p.said, s)
	return told, 0
}

// foreign is the thread of somebody else's calls.
const foreign = "foreign"

// after counts the refusals since a time, but those of somebody else.
func (p *platform) after(at time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(p.refused), func(r said) bool { return r.at.Before(at) || r.thread == foreign }))
}

// rate is how many calls were taken between two times.
func (p *platform) rate(from, to time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, s := range p.said {
		if !s.at.Before(from) && s.at.Before(to) {
			n++
		}
	}
	return n
}

// thread is a lane: its actions are sent one after the other.
type thread struct {
	name, sender string
	actions      int
	key          uint64 // of its first action
	start        time.Duration
}

// run sends a thread's actions through a budget, until that is done or ctx ends.
func (th thread) run(ctx context.Context, b *Budget, p *platform) {
	charges := []relay.Charge{{Calls: 1}, {Group: relay.Group{Scope: Sender, Key: th.sender}, Calls: 1}}
	if !pause(ctx, th.start) {
		return
	}
	for i := 0; i < th.actions && ctx.Err() == nil; i++ {
		for ctx.Err() == nil {
			wait := b.Take(ctx, th.key+uint64(i), charges...)
			if wait > 0 {
				if !pause(ctx, wait) {
					return
				}
				continue
			}
			told, refused := p.call(said{thread: th.name, number: i, sender: th.sender})
			for _, r := range told {
				b.Observe(r)
			}
			if refused == 0 {
				break
			}
			if !pause(ctx, refused) {
				return
			}
		}
	}
}

// pause waits, and returns false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// documents are what the platform of the tests names.
func documents(n int, per time.Duration) []event.Budget {
	return []event.Budget{{Scope: Sender, N: n, Per: per}, {Scope: Connection, N: 100 * n, Per: per}}
}

func newBudget(t testing.TB, change func(*Config)) *Budget {
	t.Helper()
	cfg := Config{Connection: "support"}
	if change != nil {
		change(&cfg)
	}
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantOrder checks that each thread's actions were taken once and in order.
func (p *platform) wantOrder(t *testing.T, threads []thread) {
	t.Helper()
	next := make(map[string]int)
	for _, s := range p.said {
		if s.number != next[s.thread] {
			t.Fatalf("thread %s: action %d came when %d was due", s.thread, s.number, next[s.thread])
		}
		next[s.thread]++
	}
	for _, th := range threads {
		if next[th.name] != th.actions {
			t.Errorf("thread %s: %d actions of %d", th.name, next[th.name], th.actions)
		}
	}
}
