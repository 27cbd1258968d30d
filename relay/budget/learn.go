package budget

import (
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Source says where a limit is known from.
type Source string

// The sources of limits.
const (
	Configured Source = "configured"
	Learned    Source = "learned"  // answers tell it
	Inferred   Source = "inferred" // refusals have confirmed what the platform's documents name
)

// fact is a limit that was learned.
type fact struct {
	N        int           `json:"n"`
	Per      time.Duration `json:"per"`
	Inferred bool          `json:"inferred,omitempty"`
	// Seen is when it was confirmed last.
	Seen time.Time `json:"seen"`
}

const (
	// factAge is how long a limit counts that nothing confirms.
	factAge = 24 * time.Hour
	// confirmEach is how often it is written down that a limit was confirmed.
	confirmEach = time.Hour
	// usualPer is the period of a limit of which nothing tells it.
	usualPer = time.Minute
	// maxFacts bounds what is learned of single senders and routes.
	maxFacts = 512
	// maxPause is the longest that a group waits at a platform's word.
	maxPause = time.Hour
)

// Observe learns from what an answer told. It returns at once, and is a [relay.Meter].
func (b *Budget) Observe(r relay.Reading) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	g := b.group(r.Group, now)
	left := time.Until(r.Reset)
	switch {
	case r.Limit >= 1:
		b.learn(g, fact{N: r.Limit, Per: b.period(g, r.Limit, left), Seen: now})
		if r.Remaining >= 0 && r.Pause <= 0 {
			g.seen = sight{used: max(0, r.Limit-r.Remaining), at: now}
		}
	case r.Remaining == 0 && r.Pause <= 0 && !r.Reset.IsZero() && left > 0:
		b.pause(g, left, now)
	}
	if r.Pause > 0 {
		b.refused(g, r.Pause, now)
	}
}

// Pause has a group wait, because the platform has refused one of its calls for that: so long, an hour at most. It is for
// refusals that are not observed.
func (b *Budget) Pause(id relay.Group, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.refused(b.group(id, now), d, now)
}

// pause has a group wait, if it does not wait for longer already.
func (b *Budget) pause(g *group, d time.Duration, now time.Time) {
	until := now.Add(min(d, maxPause))
	g.touched = now
	if !until.After(g.paused) {
		return
	}
	g.paused = until
	if b.cfg.State != nil && d >= time.Second { // a shorter one is over before another instance reads of it
		b.pauses[g.id] = until
		b.rouse()
	}
}

// refused takes note of a call that was refused because a limit was reached.
func (b *Budget) refused(g *group, d time.Duration, now time.Time) {
	g.scope.refused.Inc()
	if g.rule.limit == 0 {
		b.infer(g, now)
	} else {
		g.caution.raise(g.rule, now)
	}
	b.pause(g, d, now)
	g.episode.until = g.paused
}

// ruleOf is what a group is held to by all that is known: the stricter of what is configured and what was learned.
func (b *Budget) ruleOf(id relay.Group) rule {
	r := rule{per: b.usual(id.Scope)}
	f, ok := b.facts[id]
	if !ok && id.Scope == Sender {
		f, ok = b.facts[relay.Group{Scope: Sender}]
	}
	if ok {
		r = rule{limit: f.N, per: f.Per, source: Learned}
		if f.Inferred {
			r.source = Inferred
		}
	}
	for _, c := range b.cfg.Configured {
		stricter := !ok || float64(c.N)/c.Per.Seconds() <= float64(f.N)/f.Per.Seconds()
		if c.Scope == id.Scope && stricter {
			r = rule{limit: c.N, per: c.Per, source: Configured}
		}
	}
	return r
}

// usual is the period of limits of a scope: the configured one, or the longest that is documented.
func (b *Budget) usual(scope string) time.Duration {
	for _, c := range b.cfg.Configured {
		if c.Scope == scope {
			return c.Per
		}
	}
	per := time.Duration(0)
	for _, d := range b.cfg.Documented {
		if d.Scope == scope {
			per = max(per, d.Per)
		}
	}
	if per <= 0 {
		return usualPer
	}
	return per
}

// period is that of a limit of which an answer told the number, and how much of the period is left (not positive: it did not
// tell): what is known for this number, or else for the scope, or else the round time that fits.
func (b *Budget) period(g *group, limit int, left time.Duration) time.Duration {
	fits := func(per time.Duration) bool { return per > 0 && left <= per+per/10 }
	if f, ok := b.facts[g.id]; ok && f.N == limit && fits(f.Per) {
		return f.Per
	}
	named := false
	for _, hints := range [][]event.Budget{b.cfg.Configured, b.cfg.Documented} {
		for _, h := range hints {
			if h.Scope == g.id.Scope && h.N == limit && fits(h.Per) {
				return h.Per
			}
			named = named || h.Scope == g.id.Scope
		}
	}
	if usual := b.usual(g.id.Scope); fits(usual) && (named || left <= 0) {
		return usual
	}
	for _, round := range []time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour} {
		if fits(round) {
			return round
		}
	}
	return maxPer
}

// learn takes a limit over that an answer told of a group.
func (b *Budget) learn(g *group, f fact) {
	of := g.id
	if of.Scope == Sender {
		common, ok := b.facts[relay.Group{Scope: Sender}]
		if _, own := b.facts[of]; !ok || !own && common.N == f.N && common.Per == f.Per {
			of.Key = "" // what holds for one is presumed to hold for all
		}
	}
	old, ok := b.facts[of]
	if ok && old.N == f.N && old.Per == f.Per && old.Inferred == f.Inferred {
		if f.Seen.Sub(old.Seen) >= confirmEach {
			b.facts[of] = f
			b.rouse()
		}
		return
	}
	if !ok && len(b.facts) >= maxFacts {
		return
	}
	b.facts[of] = f
	b.version++
	b.generalise(of, f)
	g = b.group(g.id, f.Seen)
	if b.cfg.State != nil && g.rule.limit > 0 && !g.unsaved.empty() {
		b.unsaved[g] = true
	}
	b.rouse()
	log := b.cfg.Log.Info
	if ok && f.Seen.Sub(old.Seen) < time.Minute { // it keeps changing
		log = b.cfg.Log.Debug
	}
	log("rate limit learned", "connection", b.cfg.Connection, "scope", of.Scope, "calls", f.N, "per", f.Per.String(), "inferred", f.Inferred)
}

// many is how many senders with the same limit of their own make it that of all.
const many = 3

// generalise makes a limit that was found at several senders that of all senders.
func (b *Budget) generalise(of relay.Group, f fact) {
	if of.Scope != Sender || of.Key == "" {
		return
	}
	var same []relay.Group
	for id, other := range b.facts {
		if id.Scope == Sender && id.Key != "" && other.N == f.N && other.Per == f.Per {
			same = append(same, id)
		}
	}
	if len(same) < many {
		return
	}
	for _, id := range same {
		delete(b.facts, id)
	}
	b.facts[relay.Group{Scope: Sender}] = f
}

// rouse has what was learned written down.
func (b *Budget) rouse() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}
