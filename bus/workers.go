package bus

import "sync"

// workers run the heads of lanes that are ready, those that have been ready longest first, as many at a time as handlers may
// run. A worker ends when nothing is ready, so that a subscription that waits has none.
type workers struct {
	limit int
	serve func(*lane)

	mu      sync.Mutex
	ready   []*lane
	first   int // of ready
	running int
	all     sync.WaitGroup
}

// push queues a lane.
func (w *workers) push(l *lane) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ready = append(w.ready, l)
	if w.running < w.limit {
		w.running++
		w.all.Go(w.work)
	}
}

func (w *workers) work() {
	for l := w.pop(); l != nil; l = w.pop() {
		w.serve(l)
	}
}

// pop returns the next lane, or nil if there is none: then the caller does not count as running any more.
func (w *workers) pop() *lane {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.first == len(w.ready) {
		w.running--
		w.ready, w.first = w.ready[:0], 0
		if cap(w.ready) > 4096 { // of a flood that is over
			w.ready = nil
		}
		return nil
	}
	l := w.ready[w.first]
	w.ready[w.first] = nil
	w.first++
	if w.first > 1024 && w.first > len(w.ready)/2 {
		n := copy(w.ready, w.ready[w.first:])
		clear(w.ready[n:])
		w.ready, w.first = w.ready[:n], 0
	}
	return l
}

// free reports whether one more handler could run at once.
func (w *workers) free() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running < w.limit
}

// wait returns when all have ended. Nothing may be pushed any more.
func (w *workers) wait() { w.all.Wait() }
