package deliver

import (
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// traces is what this process remembers of actions between two attempts, by their sequence in the stream. What it forgets with
// its end, [bus.Delivery.Inherited] makes good for.
type traces struct {
	mu   sync.Mutex
	all  map[uint64]trace
	most int // the number at which old ones are looked for
}

// trace is what is remembered of one action.
type trace struct {
	touched time.Time
	// begun: a call was made that may have been carried out. An attempt that was cut off is not counted by the bus.
	begun bool
	// receipt is of an action that was carried out, which is yet to be written.
	receipt *event.Receipt
	// waiting is since when it waits for another action, and waits how often it has looked.
	waiting time.Time
	waits   int
	// looks is how often it could not be looked for before it becomes a dead letter.
	looks int
}

// A lane that moves to another process leaves its trace behind. Such ones are dropped after traceAge, once there are many.
const (
	traceAge   = 48 * time.Hour
	manyTraces = 1024
)

func newTraces() *traces { return &traces{all: make(map[uint64]trace), most: manyTraces} }

// of returns what is remembered of an action.
func (t *traces) of(sequence uint64) trace {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[sequence]
}

// change changes what is remembered of an action.
func (t *traces) change(sequence uint64, edit func(*trace)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	v := t.all[sequence]
	edit(&v)
	v.touched = now
	t.all[sequence] = v
	if len(t.all) < t.most {
		return
	}
	for s, old := range t.all {
		if now.Sub(old.touched) > traceAge {
			delete(t.all, s)
		}
	}
	t.most = max(manyTraces, 2*len(t.all))
}

// forget drops what is remembered of an action.
func (t *traces) forget(sequence uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, sequence)
}
