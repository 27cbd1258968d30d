package budget

import "time"

// tally is what a group has called, and what it may call under a limit.
type tally struct {
	window
	next time.Time // no paced call before
	// yield is how much later than that, for the sake of others.
	yield time.Duration
}

// want is how many calls are asked for.
type want struct {
	own  int // of whoever asks; at most the limit
	need int // with those of others who come first, less what is granted already
	most int // that could be used at the moment; not below need
}

// lag is how many slots a paced call may come late without setting those behind it back.
const lag = 4

// half is what can be had at once.
func half(limit int) int { return (limit + 1) / 2 }

// open is how many calls may be made at a time: the rest of the first half, or, if it is time for that, what the even pace
// allows within a slot, and one's own calls at least.
func (t *tally) open(now time.Time, limit, own int) int {
	t.advance(now)
	left, free := limit-t.sum, half(limit)-t.sum
	if left <= 0 || now.Before(t.next.Add(t.yield)) {
		return max(free, 0)
	}
	paced := max(own, int(t.pace(now, limit)*t.width.Seconds()))
	return min(left, max(free, paced))
}

// grant counts as many calls as may be made, up to what is wanted, and returns their number: 0 if the need cannot be met.
func (t *tally) grant(now time.Time, limit int, w want) int {
	n := min(t.open(now, limit, w.own), max(w.most, w.need))
	if n < w.need || n <= 0 {
		return 0
	}
	if over := min(n, t.sum+n-half(limit)); over > 0 {
		since := t.next
		if earliest := now.Add(-lag * t.width); since.Before(earliest) {
			since = earliest
		}
		t.next = since.Add(t.span(now, limit, over))
	}
	t.add(t.newest, n)
	return n
}

// span is how long n calls last at an even pace.
func (t *tally) span(now time.Time, limit, n int) time.Duration {
	pace := t.pace(now, limit)
	if pace <= 0 {
		return 0
	}
	return time.Duration(float64(n) / pace * float64(time.Second))
}

// due is how long it takes until own calls may be made behind those of others who come first, if nothing is granted before
// a start.
func (t *tally) due(now, start time.Time, limit, ahead, own int) time.Duration {
	later := *t
	wait := max(0, start.Sub(now))
	later.advance(now.Add(wait))
	if later.sum+ahead+own <= half(limit) {
		return wait
	}
	wait = max(wait, t.next.Add(t.yield).Sub(now))
	at := now.Add(wait)
	later.advance(at)
	return wait + max(later.paced(at, limit, ahead), later.freed(at, limit, min(ahead+own, limit)))
}
