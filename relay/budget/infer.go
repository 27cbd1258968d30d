package budget

import "time"

// episode is a time of refusals of a group of which no limit is known.
type episode struct {
	until time.Time // when its pause ends, as far as that is known
	count int       // calls that led to it and were not refused
	calls int       // calls since it began
	// before is the count of the episode before, and ended when that ended.
	before int
	ended  time.Time
}

// infer learns from refusals alone. A refused call is not counted. If the calls of a period were about as many as a documented
// limit, twice in succession, that limit is in force. A single refusal among many calls proves nothing.
func (b *Budget) infer(g *group, now time.Time) {
	e := &g.episode
	if !now.Before(e.until) {
		*e = episode{count: min(e.calls, g.tally.sum), before: e.count, ended: e.until}
	}
	e.count = max(0, e.count-1)
	g.tally.takeBack()
	g.unsaved.takeBack()
	recent := !e.ended.IsZero() && now.Sub(e.ended) < 10*g.tally.memory()
	if n := b.documented(g, e.before); recent && n > 0 && n == b.documented(g, e.count) {
		b.learn(g, fact{N: n, Per: b.period(g, n, 0), Inferred: true, Seen: now})
	}
}

// documented is the documented limit that so many calls are about as many as; 0 if there is none.
func (b *Budget) documented(g *group, calls int) int {
	for _, d := range b.cfg.Documented {
		if d.Scope == g.id.Scope && 5*calls >= 4*d.N && 5*calls <= 6*d.N {
			return d.N
		}
	}
	return 0
}

// caution is what is left of a limit that has not kept a group from being refused, for whatever reason: calls of the limit that
// are not used. It grows with each period that has refusals, and goes with time.
type caution struct {
	calls int
	since time.Time // when it changed last, or when the limit was learned
}

const (
	// cautious is the part of a limit by which caution grows, and reckless how large it may be.
	cautious, reckless = 20, 4
	// calm is after how many periods without refusals a part of the caution goes.
	calm = 10
)

// raise makes the caution greater, if a whole period has passed under the limit as it was.
func (c *caution) raise(r rule, now time.Time) {
	if now.Sub(c.since) < r.per {
		return
	}
	c.calls = min(c.calls+max(1, r.limit/cautious), r.limit/reckless)
	c.since = now
}

// of is how many calls of a limit are not to be used.
func (c *caution) of(r rule, now time.Time) int {
	if c.calls > 0 && now.Sub(c.since) > calm*r.per {
		c.calls = max(0, c.calls-max(1, r.limit/cautious))
		c.since = now
	}
	return min(c.calls, r.limit/reckless)
}
