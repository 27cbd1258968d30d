package budget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/threadrelay/threadrelay/bus"
)

const (
	// saveTimeout bounds one operation on a record.
	saveTimeout = 500 * time.Millisecond
	// saveAttempts bounds how often a record may change while it is being written.
	saveAttempts = 8
)

// errCrowded means that a record has changed each time. Nothing was written.
var errCrowded = errors.New("budget: others write the same record all the time")

// record is what instances share of a group: its calls, and who has counted them.
type record struct {
	// Width is the width of a slot in nanoseconds, and Newest the index of the newest slot.
	Width  time.Duration `json:"width"`
	Newest int64         `json:"newest"`
	// Used are the counts from the newest slot back.
	Used []int `json:"used"`
	// Next is when the next paced call may be made, in nanoseconds since 1970.
	Next int64 `json:"next,omitempty"`
	// By is who has written it.
	By peers `json:"by"`
}

// proposal is a record that is to be written.
type proposal struct {
	revision uint64
	data     []byte
	ttl      time.Duration
	tally    tally
	saved    window // what was unsaved
	sooner   time.Duration
	peers    peers
	granted  int
}

// save has a group's record count what is wanted, if that is possible, and what is unsaved. One save of a group is under way
// at a time: who comes later waits for its end, and has to look again.
func (b *Budget) save(ctx context.Context, g *group, w want) error {
	b.mu.Lock()
	if flight := g.flight; flight != nil {
		b.mu.Unlock()
		select {
		case <-flight:
		case <-ctx.Done():
		}
		return nil
	}
	landed := make(chan struct{})
	g.flight = landed
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		g.flight = nil
		b.mu.Unlock()
		close(landed)
	}()
	ctx, cancel := context.WithTimeout(ctx, 2*saveTimeout)
	defer cancel()
	for n := range saveAttempts {
		done, err := b.saveOnce(ctx, g, w)
		if done || err != nil {
			return err
		}
		select {
		case <-time.After(rand.N(time.Millisecond << min(n, 5))): //nolint:gosec // spreads retries, guards nothing
		case <-ctx.Done():
		}
	}
	return errCrowded
}

// saveOnce writes a record on top of the one that is known. If that has changed it reads the newer one, and is not done.
func (b *Budget) saveOnce(ctx context.Context, g *group, w want) (done bool, err error) {
	b.mu.Lock()
	p, err := b.propose(g, w)
	b.mu.Unlock()
	if err != nil || p.data == nil {
		return true, err
	}
	key := b.keys.use(g.id)
	limit, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	revision, err := b.cfg.State.Update(limit, key, bus.Change{Data: p.data, Revision: p.revision, TTL: p.ttl})
	switch {
	case err == nil:
		b.mu.Lock()
		b.settle(g, p, revision)
		b.mu.Unlock()
		return true, nil
	case !errors.Is(err, bus.ErrConflict) && !errors.Is(err, bus.ErrUnknownOutcome):
		return true, fmt.Errorf("budget: %w", err)
	}
	v, err := b.cfg.State.Get(limit, key)
	switch {
	case errors.Is(err, bus.ErrNoState): // it has expired
		v = bus.Value{}
	case err != nil:
		return true, fmt.Errorf("budget: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.adopt(g, v)
	return false, nil
}

// propose makes the record that is to be written; without data if nothing is wanted any more, and nothing unsaved.
func (b *Budget) propose(g *group, w want) (proposal, error) {
	now := b.now()
	g.roll(now)
	limit := g.limit(now)
	p := proposal{revision: g.revision, ttl: 2 * g.tally.memory(), tally: g.tally, saved: g.unsaved, sooner: g.sooner}
	more := g.foreign(now)
	p.tally.add(p.tally.newest, more)
	if limit > 0 && w.need > 0 {
		p.granted = p.tally.grant(now, limit, w)
	}
	if p.granted == 0 && more == 0 && g.unsaved.empty() && !g.untold() {
		return p, nil
	}
	p.peers = g.tell(p.tally.newest, p.granted)
	r := record{Width: p.tally.width, Newest: p.tally.newest, Used: p.tally.counts(), By: p.peers}
	if !p.tally.next.IsZero() {
		r.Next = p.tally.next.UnixNano()
	}
	var err error
	if p.data, err = json.Marshal(r); err != nil {
		return p, fmt.Errorf("budget: %w", err)
	}
	return p, nil
}

// settle takes note that a record was written.
func (b *Budget) settle(g *group, p proposal, revision uint64) {
	g.revision, g.seen = revision, sight{}
	if p.tally.width != g.tally.width { // the period has changed meanwhile
		p.tally.window, p.saved = p.tally.retimed(g.tally.width), p.saved.retimed(g.tally.width)
	}
	g.unsaved.merge(&p.saved, -1)
	g.sooner -= p.sooner
	g.tally = p.tally
	g.tally.next = g.tally.next.Add(-g.sooner)
	g.tally.merge(&g.unsaved, 1)
	g.share, g.shareSlot = g.share+p.granted, p.tally.newest
	g.know(p.peers)
	g.roll(b.now())
}

// adopt takes over what a record says; the zero value stands for one that is not there.
func (b *Budget) adopt(g *group, v bus.Value) {
	g.revision = v.Revision
	now := b.now()
	known := tally{window: newWindow(g.rule.per)}
	known.advance(now)
	var r record
	if v.Revision != 0 && json.Unmarshal(v.Data, &r) == nil && r.valid() {
		known.window = r.window(g.tally.width, known.newest)
		if r.Next != 0 {
			known.next = earlier(time.Unix(0, r.Next), now.Add(known.memory())).Add(-g.sooner)
		}
	} else {
		r = record{}
	}
	known.merge(&g.unsaved, 1)
	g.tally = known
	g.know(r.By)
	g.roll(now)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// counts lists the slots from the newest back, as far as there is something in them.
func (w *window) counts() []int {
	out := make([]int, 0, ring)
	last := 0
	for i := range int64(ring) {
		n := w.at(w.newest - i)
		out = append(out, n)
		if n != 0 {
			last = len(out)
		}
	}
	return out[:last]
}

// valid reports whether a record can be counted with. What cannot was written by nobody of ours.
func (r *record) valid() bool {
	return r.Width >= time.Millisecond && r.Width <= maxPer && r.Newest >= ring && r.Newest < math.MaxInt64/int64(r.Width) && len(r.Used) <= ring
}

// maxUsed bounds what a record can have counted in a slot.
const maxUsed = 1 << 30

// window is what a record has counted, in slots of a width. A record that is a whole period ahead was written by a clock that
// went wrong: its newest slot becomes the newest there can be.
func (r *record) window(width time.Duration, newest int64) window {
	w := window{width: r.Width, newest: r.Newest}
	for i, n := range r.Used {
		w.add(r.Newest-int64(i), min(max(n, 0), maxUsed))
	}
	if w.width != width {
		w = w.retimed(width)
	}
	if w.newest-newest > slots {
		ahead := w
		w = window{width: width, newest: newest}
		for i := range int64(ring) {
			w.add(newest-i, ahead.at(ahead.newest-i))
		}
	}
	return w
}
