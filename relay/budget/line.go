package budget

import "time"

const (
	// patience is how long calls are held for one who does not come back in time.
	patience = time.Second
	// absence is after what time one who does not come back is forgotten: its lane has gone elsewhere.
	absence = time.Minute
)

// line is those who wait for calls of a group, in the order of their arrival. What is ahead of somebody is found in O(log n).
type line struct {
	seats []*seat // by arrival; nil where somebody has left
	sums  []int   // a binary indexed tree of the calls that are held, by seat, counted from 1
	first int     // no seat before it holds calls
	live  int     // seats that are taken
	held  int     // calls that are held
}

// seat is a place in a line.
type seat struct {
	group *group
	at    int // in the line's seats
	calls int // that are held for it; 0 while it waits for another group, or is overdue
	due   time.Time
}

// join gives a seat the last place.
func (l *line) join(s *seat) {
	if len(l.seats)+1 >= len(l.sums) {
		l.closeUp()
	}
	s.at = len(l.seats)
	l.seats = append(l.seats, s)
	l.live++
}

// closeUp moves the seats together, and makes room for as many again.
func (l *line) closeUp() {
	kept := make([]*seat, 0, 2*l.live+14)
	l.sums = make([]int, cap(kept)+2)
	l.first = 0
	for _, s := range l.seats {
		if s == nil {
			continue
		}
		s.at = len(kept)
		kept = append(kept, s)
		l.change(s.at, s.calls)
	}
	l.seats = kept
}

func (l *line) change(at, by int) {
	for i := at + 1; i < len(l.sums); i += i & -i {
		l.sums[i] += by
	}
}

// hold has calls held for a seat, in the place of those that were.
func (l *line) hold(s *seat, calls int) {
	if by := calls - s.calls; by != 0 {
		l.change(s.at, by)
		l.held += by
		s.calls = calls
	}
	if calls > 0 {
		l.first = min(l.first, s.at)
	}
}

// ahead is how many calls are held for those before a seat; before somebody without a seat, for all.
func (l *line) ahead(s *seat) int {
	if s == nil {
		return l.held
	}
	sum := 0
	for i := s.at; i > 0; i -= i & -i {
		sum += l.sums[i]
	}
	return sum
}

// leave takes a seat out.
func (l *line) leave(s *seat) {
	l.hold(s, 0)
	l.seats[s.at] = nil
	l.live--
}

// pass holds no more calls for those at the front who are overdue.
func (l *line) pass(now time.Time) {
	for ; l.first < len(l.seats); l.first++ {
		s := l.seats[l.first]
		if s == nil || s.calls == 0 {
			continue
		}
		if now.Sub(s.due) <= patience {
			return
		}
		l.hold(s, 0)
	}
}
