package budget

import (
	"math"
	"time"
)

const (
	// slots is how many slots a period has.
	slots = 40
	// spare is how many slots longer than a period a call is remembered, since it reaches the platform later than it was counted.
	spare = 2
	// ring is how many slots are remembered, the one that is under way among them.
	ring = slots + spare + 1
)

// window counts calls by slot. The zero value with a width is empty.
type window struct {
	width  time.Duration
	newest int64     // index of the newest slot: the number of whole widths since 1970
	used   [ring]int // by index modulo ring
	sum    int       // of used
}

// newWindow returns an empty window for a period.
func newWindow(per time.Duration) window {
	return window{width: max(per/slots, time.Millisecond)}
}

// memory is how long a call is remembered at most.
func (w *window) memory() time.Duration { return ring * w.width }

// slot is the index of the slot that a time lies in.
func (w *window) slot(at time.Time) int64 { return at.UnixNano() / int64(w.width) }

// advance forgets what is too old at a time. A time before the newest slot changes nothing.
func (w *window) advance(at time.Time) { w.reach(w.slot(at)) }

func (w *window) reach(index int64) {
	if index-w.newest >= ring {
		w.newest, w.used, w.sum = index, [ring]int{}, 0
		return
	}
	for w.newest < index {
		w.newest++
		place := &w.used[w.newest%ring]
		w.sum -= *place
		*place = 0
	}
}

// add counts n calls, which may be negative, in a slot. One that is too old is left out.
func (w *window) add(index int64, n int) {
	if n == 0 {
		return
	}
	w.reach(index)
	if index > w.newest-ring {
		w.used[index%ring] += n
		w.sum += n
	}
}

// merge adds what another window of the same width holds, times a factor.
func (w *window) merge(other *window, factor int) {
	if other.sum == 0 && other.empty() {
		return
	}
	for i := range int64(ring) {
		if n := other.at(other.newest - i); n != 0 {
			w.add(other.newest-i, factor*n)
		}
	}
}

// at is the count of a slot that is not newer than the newest.
func (w *window) at(index int64) int { return w.used[((index%ring)+ring)%ring] }

// empty reports whether no slot has a count.
func (w *window) empty() bool { return w.used == [ring]int{} }

// retimed is the window with slots of another width.
func (w *window) retimed(width time.Duration) window {
	out := window{width: width, newest: w.newest * int64(w.width) / int64(width)}
	for i := range int64(ring) {
		index := w.newest - i
		out.add(index*int64(w.width)/int64(width), w.at(index))
	}
	return out
}

// takeBack uncounts one call, the newest.
func (w *window) takeBack() {
	for i := range int64(ring) {
		if w.at(w.newest-i) > 0 {
			w.add(w.newest-i, -1)
			return
		}
	}
}

// release is when a slot's calls are forgotten, counted from a time.
func (w *window) release(index int64, at time.Time) time.Duration {
	return time.Duration((index+ring)*int64(w.width) - at.UnixNano())
}

// freed is how long it takes until n more calls than now fit into a limit, if no others are made.
func (w *window) freed(at time.Time, limit, n int) time.Duration {
	room := limit - w.sum
	if room >= n {
		return 0
	}
	for index := w.newest - ring + 1; index <= w.newest; index++ {
		if room += w.at(index); room >= n {
			return w.release(index, at)
		}
	}
	return w.memory()
}

// bend is a point that an even pace of calls has to stay below: so many more calls fit until so long from now.
type bend struct {
	after time.Duration
	room  int
}

// steepest returns the bend that allows the lowest pace to whoever has made so many calls at a time from now on.
func (w *window) steepest(at time.Time, limit int, from bend) (bend, float64) {
	lowest, best := math.Inf(1), bend{}
	consider := func(b bend) {
		if b.after <= from.after {
			return
		}
		if pace := float64(max(b.room-from.room, 0)) / (b.after - from.after).Seconds(); pace <= lowest {
			lowest, best = pace, b
		}
	}
	room := limit - w.sum
	for index := w.newest - ring + 1; index <= w.newest; index++ {
		if n := w.at(index); n != 0 {
			consider(bend{w.release(index, at), max(room, 0)})
			room += n
		}
	}
	consider(bend{w.memory(), max(room, 1)})
	return best, lowest
}

// pace is how many calls a second can be made evenly from now on, without ever meeting the limit.
func (w *window) pace(at time.Time, limit int) float64 {
	_, pace := w.steepest(at, limit, bend{})
	return pace
}

// paced is how long it takes until n calls have been made at an even pace.
func (w *window) paced(at time.Time, limit, n int) time.Duration {
	var from bend
	for from.room < n {
		to, pace := w.steepest(at, limit, from)
		if math.IsInf(pace, 1) { // behind the last bend
			return from.after + time.Duration(float64(n-from.room)/float64(limit)*float64(w.memory()))
		}
		if to.room >= n && pace > 0 {
			return from.after + time.Duration(float64(n-from.room)/pace*float64(time.Second))
		}
		from = to
	}
	return from.after
}
