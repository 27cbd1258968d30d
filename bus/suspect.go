package bus

import (
	"sync/atomic"
	"time"
)

// suspectPause is how long a lane waits before it asks again whether it may run as the suspect.
const suspectPause = 20 * time.Millisecond

// suspects lets one lane at a time run among those whose head was being handled when a process ended. One of these messages
// may have ended it, and the others were there by chance: side by side, they would all be counted until they are dead letters.
type suspects struct{ lane atomic.Pointer[lane] }

// admit reports whether l may run, because it is no suspect or the only one.
func (s *suspects) admit(l *lane) bool {
	if l.started <= l.attempts {
		return true
	}
	return s.lane.CompareAndSwap(nil, l) || s.lane.Load() == l
}

// clear lets the next one run if l was the one.
func (s *suspects) clear(l *lane) { s.lane.CompareAndSwap(l, nil) }

// askAgain has a lane that was not admitted tried again a little later.
func (p *partition) askAgain(l *lane) {
	l.state = laneWaiting
	l.timer = time.AfterFunc(suspectPause, func() { p.wake(l) })
}
