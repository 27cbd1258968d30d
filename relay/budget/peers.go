package budget

import (
	"maps"
	"math"
	"time"
)

// peer is what an instance has told the others with a group's record.
type peer struct {
	// Slot is when it has written last.
	Slot int64 `json:"slot"`
	// Waiting is how many calls it wanted then.
	Waiting int `json:"waiting,omitempty"`
	// Turn is how many calls each of those who wait has been granted. Who is least comes next.
	Turn float64 `json:"turn,omitempty"`
}

const (
	// fresh is for how many slots an instance counts as waiting.
	fresh = 10
	// maxDebt bounds how many turns an instance can be ahead of others: what it had when there was enough for all is forgotten.
	maxDebt = 3
	// minYield and maxYield bound the time that an instance leaves to each one whose turn comes first.
	minYield, maxYield = 10 * time.Millisecond, 50 * time.Millisecond
)

// peers are the instances that charge a group, by name.
type peers map[string]peer

// waiting lists those that wait, by what is known of them in a slot.
func (p peers) waiting(self string, slot int64) peers {
	out := make(peers)
	for name, other := range p {
		if name != self && other.Waiting > 0 && slot-other.Slot <= fresh {
			out[name] = other
		}
	}
	return out
}

// parts is how many instances there are, this one among them: those that have written in the last period before the last write
// that is known of.
func (p peers) parts(self string) int {
	last := int64(0)
	for _, other := range p {
		last = max(last, other.Slot)
	}
	n := 1
	for name, other := range p {
		if name != self && last-other.Slot < ring {
			n++
		}
	}
	return n
}

// rank is how many of the others come before an instance.
func (p peers) rank(self string) int {
	n := 0
	for name, other := range p {
		if name != self && (other.Turn < p[self].Turn || other.Turn == p[self].Turn && name < self) {
			n++
		}
	}
	return n
}

// know takes over what a record says of the others.
func (g *group) know(all peers) {
	g.peers = all
	g.tally.yield = 0
	rivals := all.waiting(g.self, g.tally.newest)
	g.part = 1
	if len(rivals) == 0 {
		return
	}
	sum := 0
	for _, other := range rivals {
		sum += other.Waiting
	}
	own := max(1, g.line.held)
	g.part = float64(own) / float64(own+sum)
	if me, ok := all[g.self]; ok {
		rivals[g.self] = me
	} else {
		rivals[g.self] = peer{Turn: rivals.least()}
	}
	g.tally.yield = time.Duration(min(rivals.rank(g.self), fresh)) * min(max(g.tally.width/4, minYield), maxYield)
}

// least is the turn of whoever comes next.
func (p peers) least() float64 {
	turn := math.Inf(1)
	for _, other := range p {
		turn = min(turn, other.Turn)
	}
	if math.IsInf(turn, 1) {
		return 0
	}
	return turn
}

// tell returns what a record is to say of the instances, after so many calls were granted to this one.
func (g *group) tell(slot int64, granted int) peers {
	all := maps.Clone(g.peers)
	if all == nil {
		all = make(peers)
	}
	maps.DeleteFunc(all, func(_ string, other peer) bool { return slot-other.Slot >= ring })
	rivals := all.waiting(g.self, slot)
	was := all[g.self]
	me := peer{Slot: slot, Waiting: g.line.held, Turn: was.Turn}
	if was.Waiting == 0 || slot-was.Slot > fresh { // it did not wait: that gives no advantage
		me.Turn = max(was.Turn, rivals.least())
	}
	if len(rivals) > 0 {
		me.Turn += float64(granted) / float64(max(1, me.Waiting))
	}
	all[g.self] = me
	least := all.least()
	for name, other := range all {
		other.Turn = min(other.Turn-least, maxDebt)
		all[name] = other
	}
	return all
}

// untold reports whether the others do not know that this instance waits.
func (g *group) untold() bool {
	me, ok := g.peers[g.self]
	return g.line.held > 0 && (!ok || me.Waiting == 0 || g.tally.newest-me.Slot > fresh/2)
}
