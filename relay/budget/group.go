package budget

import (
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// group is the calls that share a limit. Its budget's mutex guards it.
type group struct {
	id    relay.Group
	scope *scope
	rule  rule
	known int // the version of what is known that the rule follows
	tally tally
	// mine is the calls of this instance, which it goes by while it knows nothing of others.
	mine tally
	// unsaved is what the tally has and the record does not: calls, and with a minus what was granted and not called.
	unsaved window
	// sooner is by how much the pace of the record is to be set forward.
	sooner   time.Duration
	revision uint64 // of the record that the tally builds on; 0 if there is none
	self     string // the name of this instance
	peers    peers
	part     float64 // of this instance among those that wait
	// share is what was granted for a slot and not called yet.
	share     int
	shareSlot int64
	// spent is the calls of the slot spentSlot, and before those of the slot before it.
	spent, before int
	spentSlot     int64

	paused  time.Time // until when nobody calls
	line    line
	flight  chan struct{} // closed when the saving ends that is under way; nil if none is
	seen    sight
	episode episode
	caution caution
	touched time.Time
}

// rule is what a group is held to.
type rule struct {
	limit  int // calls in a period; 0 is no limit
	per    time.Duration
	source Source
}

// sight is what the platform has told last about a group's use.
type sight struct {
	used int
	at   time.Time
}

// forgetful is for how many periods a group is kept that nobody uses.
const forgetful = 3

// idle reports whether a group can be forgotten.
func (g *group) idle(now time.Time) bool {
	return g.line.live == 0 && g.flight == nil && !now.Before(g.paused) && now.Sub(g.touched) > forgetful*g.tally.memory()
}

// limit is how many calls a period may have at the moment; 0 is no limit.
func (g *group) limit(now time.Time) int {
	if g.rule.limit == 0 {
		return 0
	}
	return g.rule.limit - g.caution.of(g.rule, now)
}

// obey follows a rule. What was called before stays counted, whatever the period is now.
func (g *group) obey(r rule, now time.Time) {
	if r.limit > 0 && g.rule.limit == 0 {
		g.caution.since = now
	}
	if width := newWindow(r.per).width; width != g.tally.width {
		g.roll(now)
		g.giveBack(now)
		g.tally.window, g.mine.window, g.unsaved = g.tally.retimed(width), g.mine.retimed(width), g.unsaved.retimed(width)
		g.spentSlot, g.spent, g.before = 0, 0, 0
	}
	g.rule = r
}

// roll begins a new slot, if it is time for one: what was granted for the last one and not called is given back.
func (g *group) roll(now time.Time) {
	g.tally.advance(now)
	g.mine.advance(now)
	g.unsaved.advance(now)
	slot := g.tally.newest
	if g.share > 0 && g.shareSlot != slot {
		g.giveBack(now)
	}
	switch g.spentSlot {
	case slot:
		return
	case slot - 1:
		g.before = g.spent
	default:
		g.before = 0
	}
	g.spent, g.spentSlot = 0, slot
}

// giveBack gives back what was granted and not called, and the time that the pace has set aside for it.
func (g *group) giveBack(now time.Time) {
	by := g.tally.span(now, g.limit(now), g.share)
	g.tally.add(g.shareSlot, -g.share)
	g.unsaved.add(g.shareSlot, -g.share)
	g.share = 0
	if g.tally.next.After(now) {
		g.tally.next, g.sooner = g.tally.next.Add(-by), g.sooner+by
	}
}

// answer is whether a claim may go.
type answer struct {
	wait time.Duration // 0: it may
	want want          // it may if so many more are granted; zero if none are needed
}

// by is what a claim is judged by: all calls and the limit, or, while nothing is known of the other instances, this one's calls
// and its part of the limit.
func (g *group) by(now time.Time, parts int) (*tally, int) {
	limit := g.limit(now)
	if parts > 1 {
		return &g.mine, max(1, limit/parts)
	}
	return &g.tally, limit
}

// claimed is what a claim asks of one group.
type claimed struct {
	seat  *seat // of the claim; nil if it has none
	calls int
	part  float64 // of the limit that is to be left over for others
	parts int     // into which the limit is divided; 0 if it is shared
}

// ask answers a claim. It changes nothing but the slot.
func (g *group) ask(now time.Time, c claimed) answer {
	g.roll(now)
	g.line.pass(now)
	if g.rule.limit == 0 {
		return answer{wait: max(0, g.paused.Sub(now))}
	}
	t, limit := g.by(now, c.parts)
	calls := min(c.calls, limit)
	reserve := min(int(c.part*float64(limit)), limit-calls)
	need := g.line.ahead(c.seat) + calls - g.share
	switch {
	case now.Before(g.paused):
		return answer{wait: g.due(now, t, limit, want{own: calls, need: need})}
	case reserve > 0 && limit-t.sum+g.share < reserve+calls:
		return answer{wait: max(soonest, t.freed(now, limit, reserve+calls))}
	case need <= 0:
		return answer{}
	case t.open(now, limit, calls) < need:
		return answer{wait: g.due(now, t, limit, want{own: calls, need: need})}
	}
	return answer{want: want{own: calls, need: need, most: g.soon(now, limit)}}
}

// soonest is the shortest wait.
const soonest = time.Millisecond

func (g *group) due(now time.Time, t *tally, limit int, w want) time.Duration {
	return max(soonest, t.due(now, g.paused, limit, max(w.need-w.own, 0), w.own))
}

// bulk is from how many calls on more than what is needed at the moment is granted at once.
const bulk = 8

// soon is how many calls will be made in a slot, judging by the last one.
func (g *group) soon(now time.Time, limit int) int {
	if g.before < bulk {
		return 0
	}
	most := min(g.before, limit/10)
	if g.part < 1 { // or else who has much gets more
		most = min(most, int(g.part*g.tally.pace(now, limit)*g.tally.width.Seconds()))
	}
	return most
}

// foreign is how many calls the platform has counted more: somebody else makes them. It can only be told by a tally that is as
// new as what the platform told.
func (g *group) foreign(now time.Time) int {
	if now.Sub(g.seen.at) > spare*g.tally.width {
		return 0
	}
	return max(0, g.seen.used-g.tally.sum)
}

// call takes calls out of what was granted, or counts them where nothing has to be granted.
func (g *group) call(now time.Time, calls, parts int) {
	g.touched = now
	g.spent += calls
	if g.rule.limit > 0 {
		_, limit := g.by(now, parts)
		g.share -= min(calls, limit)
		g.mine.add(g.tally.newest, calls)
		return
	}
	g.episode.calls += calls
	g.tally.add(g.tally.newest, calls)
	g.unsaved.add(g.tally.newest, calls)
}

// grant gives a group what it wants without a record. It returns 0, or how long to wait.
func (g *group) grant(now time.Time, w want, parts int) time.Duration {
	if parts <= 1 {
		more := g.foreign(now)
		g.tally.add(g.tally.newest, more)
		g.unsaved.add(g.tally.newest, more)
	}
	t, limit := g.by(now, parts)
	after := *t
	n := after.grant(now, limit, w)
	if n == 0 {
		return g.due(now, t, limit, w)
	}
	t.next = after.next
	g.tally.add(g.tally.newest, n)
	g.unsaved.add(g.tally.newest, n)
	g.share, g.shareSlot = g.share+n, g.tally.newest
	return 0
}
