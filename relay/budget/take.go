package budget

import (
	"context"
	"errors"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// waiter is the head of a lane that waits.
type waiter struct {
	since time.Time // when it came first
	due   time.Time
	seats []*seat // at most one at each group
	group *group  // that it waits for
}

// seatAt is a waiter's seat at a group, or nil.
func (w *waiter) seatAt(g *group) *seat {
	if w == nil {
		return nil
	}
	for _, s := range w.seats {
		if s.group == g {
			return s
		}
	}
	return nil
}

const (
	// rounds bounds how often a claim looks again, after a record was written for it.
	rounds = 4
	// crowded is the wait of a claim for which the records changed each time.
	crowded = 20 * time.Millisecond
)

// Take asks for calls, all or none. They may be made if it returns 0, and are counted then. Otherwise it returns how long to
// wait before asking again under the same key, which keeps the place in line; a key of 0 has none. It looks into records that
// are shared, and does not wait for anything else.
func (b *Budget) Take(ctx context.Context, key uint64, charges ...relay.Charge) time.Duration {
	return b.take(ctx, claim{key: key, charges: charges})
}

// TakeSpare is Take for what can do without: it asks for calls only if the given part of each limit is left over for others.
func (b *Budget) TakeSpare(ctx context.Context, part float64, charges ...relay.Charge) time.Duration {
	return b.take(ctx, claim{part: part, charges: charges})
}

// claim is what is asked for.
type claim struct {
	key     uint64
	part    float64
	charges []relay.Charge
}

func (b *Budget) take(ctx context.Context, c claim) time.Duration {
	for range rounds {
		wait, short, need := b.try(c)
		if short == nil {
			return wait
		}
		if err := b.save(ctx, short, need); err != nil {
			b.fail(ctx, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return crowded
}

// try takes the calls, or puts the claim in line. If neither is possible before a group's record is written, it returns the
// group and what is wanted of it.
func (b *Budget) try(c claim) (time.Duration, *group, want) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.busy = true
	w := b.waiters[c.key]
	for {
		v := b.look(c, w, now)
		alone := b.alone(now)
		switch {
		case v.longest == nil && v.short == nil:
			b.call(c, w, now)
			return 0, nil, want{}
		case v.longest == nil && !alone:
			if c.key != 0 && v.short.flight != nil { // who comes later must not overtake
				b.queue(c, v.short, now, 0)
			}
			return 0, v.short, v.want
		case v.longest == nil:
			if v.wait = v.short.grant(now, v.want, b.parts(v.short, now)); v.wait == 0 {
				continue
			}
			v.longest = v.short
		}
		wait := patient(v.wait)
		if c.key != 0 {
			b.queue(c, v.longest, now, wait)
		}
		return wait, nil, want{}
	}
}

// view is how a claim stands.
type view struct {
	longest *group // for which it has to wait longest, and how long; nil if it has not to
	wait    time.Duration
	short   *group // of which more has to be granted, and how much; nil if nothing has to
	want    want
}

// look asks all groups that a claim charges.
func (b *Budget) look(c claim, w *waiter, now time.Time) view {
	var v view
	for _, ch := range c.charges {
		if ch.Calls <= 0 {
			continue
		}
		g := b.group(ch.Group, now)
		a := g.ask(now, claimed{seat: w.seatAt(g), calls: ch.Calls, part: c.part, parts: b.parts(g, now)})
		if a.wait > v.wait {
			v.wait, v.longest = a.wait, g
		}
		if a.want != (want{}) && (v.short == nil || v.short.id.Scope == Connection) { // what many share comes last
			v.short, v.want = g, a.want
		}
	}
	return v
}

// call counts a claim's calls, which may be made now.
func (b *Budget) call(c claim, w *waiter, now time.Time) {
	for _, ch := range c.charges {
		if ch.Calls > 0 {
			g := b.group(ch.Group, now)
			g.call(now, ch.Calls, b.parts(g, now))
		}
	}
	if w != nil {
		w.group.scope.waited.Add(now.Sub(w.since).Seconds())
		b.dismiss(c.key, w)
	}
}

// alone reports whether the records are left alone.
func (b *Budget) alone(now time.Time) bool { return b.cfg.State == nil || now.Before(b.offline) }

// parts is into how many parts a group's limit is divided while its record cannot be written; 0 while it can.
func (b *Budget) parts(g *group, now time.Time) int {
	if !b.alone(now) {
		return 0
	}
	return g.peers.parts(g.self)
}

// patient shortens a long wait: by its end the line may be shorter than it looks.
func patient(wait time.Duration) time.Duration { return min(wait, max(wait/4, time.Minute)) }

// queue puts a claim in line at the group that it has to wait for longest.
func (b *Budget) queue(c claim, longest *group, now time.Time, wait time.Duration) {
	b.sweep(now)
	w := b.waiters[c.key]
	if w == nil {
		w = &waiter{since: now}
		b.waiters[c.key] = w
	}
	if w.group != longest {
		if w.group != nil {
			w.group.scope.waiting.Dec()
		}
		w.group = longest
		longest.scope.waiting.Inc()
	}
	w.due = now.Add(wait)
	for _, ch := range c.charges {
		g := b.group(ch.Group, now)
		s := w.seatAt(g)
		if s == nil && g == longest {
			s = &seat{group: g}
			g.line.join(s)
			w.seats = append(w.seats, s)
		}
		if s == nil {
			continue
		}
		s.due = w.due
		held := 0
		if limit := g.limit(now); g == longest && limit > 0 {
			held = min(ch.Calls, limit)
		}
		g.line.hold(s, held)
	}
}

// dismiss takes a waiter out of all lines.
func (b *Budget) dismiss(key uint64, w *waiter) {
	for _, s := range w.seats {
		s.group.line.leave(s)
	}
	w.group.scope.waiting.Dec()
	delete(b.waiters, key)
}

// sweep forgets, now and then, who has not come back.
func (b *Budget) sweep(now time.Time) {
	if now.Sub(b.swept) < absence {
		return
	}
	b.swept = now
	for key, w := range b.waiters {
		if now.Sub(w.due) > absence {
			b.dismiss(key, w)
		}
	}
}

// outage is how long the records are left alone after they did not answer, unless Run finds before that they do again.
const outage = time.Minute

// fail has the budget go on without its records for a while.
func (b *Budget) fail(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, errCrowded) {
		return
	}
	b.mu.Lock()
	now := b.now()
	began := !now.Before(b.offline)
	b.offline = now.Add(outage)
	b.mu.Unlock()
	if began {
		b.cfg.Log.Warn("rate limits are kept by this instance alone for a while: their record cannot be written",
			"connection", b.cfg.Connection, "error", err)
	}
}
