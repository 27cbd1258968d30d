package sim

import (
	"slices"
	"sort"
)

// line is a run of message ids that rise.
type line interface {
	size() int
	id(i int) int64
}

// ids is a line that is written out.
type ids []int64

func (l ids) size() int      { return len(l) }
func (l ids) id(i int) int64 { return l[i] }

// without is the line less one id; the line itself is used up.
func (l ids) without(id int64) ids {
	if i, ok := slices.BinarySearch(l, id); ok {
		return slices.Delete(l, i, i+1)
	}
	return l
}

// span is the line of all ids from 1 to its value.
type span int64

func (n span) size() int      { return int(n) }
func (n span) id(i int) int64 { return int64(i) + 1 }

// bounds are the ids between which something is looked for, both left out.
type bounds struct{ after, before int64 }

// within is the part of a line inside the bounds, as indexes from and to.
func (b bounds) within(l line) (from, to int) {
	from = sort.Search(l.size(), func(i int) bool { return l.id(i) > b.after })
	to = sort.Search(l.size(), func(i int) bool { return l.id(i) >= b.before })
	return from, max(from, to)
}

// head is where a walk is in one line.
type head struct {
	line    line
	at, end int // at runs towards end
}

// walk visits the ids of all lines inside the bounds, each once, rising or, with back, falling, until visit reports true.
func walk(lines []line, b bounds, back bool, visit func(id int64) bool) {
	heads := make([]head, 0, len(lines))
	step := 1
	if back {
		step = -1
	}
	for _, l := range lines {
		from, to := b.within(l)
		if back {
			from, to = to-1, from-1
		}
		heads = append(heads, head{l, from, to})
	}
	for {
		var best int64
		found := false
		for _, h := range heads {
			if h.at == h.end {
				continue
			}
			if id := h.line.id(h.at); !found || id != best && (id < best) != back {
				best, found = id, true
			}
		}
		if !found || visit(best) {
			return
		}
		for i := range heads {
			if h := &heads[i]; h.at != h.end && h.line.id(h.at) == best {
				h.at += step
			}
		}
	}
}
