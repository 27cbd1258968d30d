package bus

import (
	"slices"
	"sync"
	"time"
)

// caution admits the lanes of partitions whose owner before has not released them: its process has ended, and one of the
// messages may have been the reason. An attempt at one of these is written down before it begins. Whatever stands written down
// when the process ends again is counted, so few lanes are in at a time, though many may be ready. Of those whose head was being
// handled when a process ended, the suspects, it is one at a time: side by side, all would be counted until they are dead
// letters, and most of them were there by chance. Those that this has happened to most often come last.
type caution struct {
	limit int // lanes that are in at a time

	mu       sync.Mutex
	in       map[*lane]bool // whether each is a suspect
	busy     bool           // one of them is
	others   []*lane        // that wait, and are no suspects
	suspects []suspect      // that wait
}

// suspect is a lane that waits, and how often a process has ended while its head was being handled.
type suspect struct {
	*lane
	crashes int
}

// newCaution has room for as many lanes as handlers may run, and for as many more whose attempts are being written down.
func newCaution(concurrency int) *caution {
	return &caution{limit: 2 * concurrency, in: make(map[*lane]bool)}
}

// admit reports whether l is in. If it is not, it will be, and is made ready then. The caller holds the mu of l's partition.
func (c *caution) admit(l *lane) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, in := c.in[l]; in {
		return true
	}
	crashes := l.started - l.attempts
	if c.hasRoom(crashes > 0) {
		c.enter(l, crashes > 0)
		return true
	}
	l.state = laneWaiting
	if crashes > 0 {
		at, _ := slices.BinarySearchFunc(c.suspects, crashes+1, func(s suspect, than int) int { return s.crashes - than })
		c.suspects = slices.Insert(c.suspects, at, suspect{l, crashes})
	} else {
		c.others = append(c.others, l)
	}
	return false
}

func (c *caution) hasRoom(isSuspect bool) bool { return len(c.in) < c.limit && (!isSuspect || !c.busy) }

func (c *caution) enter(l *lane, isSuspect bool) {
	c.in[l] = isSuspect
	c.busy = c.busy || isSuspect
}

// leave takes note that l is not in any more, if it was, and lets those in that there is room for then.
func (c *caution) leave(l *lane) {
	c.mu.Lock()
	defer c.mu.Unlock()
	isSuspect, in := c.in[l]
	if !in {
		return
	}
	delete(c.in, l)
	c.busy = c.busy && !isSuspect
	if len(c.suspects) > 0 && c.hasRoom(true) {
		next := c.suspects[0].lane
		c.suspects = slices.Delete(c.suspects, 0, 1)
		c.call(next, true)
	}
	for len(c.others) > 0 && c.hasRoom(false) {
		next := c.others[0]
		c.others[0] = nil
		c.others = c.others[1:]
		c.call(next, false)
	}
}

// call lets a lane in that waits. Its partition is told by a goroutine, as whoever leaves holds the mu of another one.
func (c *caution) call(l *lane, isSuspect bool) {
	c.enter(l, isSuspect)
	go l.home.welcome(l)
}

// quarantine is how long a partition must have been held before a message is handled during which two processes have ended
// already. One that ends sooner after its start, again and again, has another reason to, and the message shall not be there.
const quarantine = 2 * time.Second

// care reports whether an attempt at a lane's head may be made that has to be written down before. If it may not, the lane is
// made ready when it may.
func (p *partition) care(l *lane) bool {
	if left := quarantine - time.Since(p.since); left > 0 && l.started-l.attempts >= 2 {
		l.state = laneWaiting
		l.timer = time.AfterFunc(left, func() { p.wake(l) })
		return false
	}
	l.cautious = true
	return p.sub.caution.admit(l)
}

// uncare takes note that such an attempt is on record no more, or is not made.
func (p *partition) uncare(l *lane) {
	if l.cautious {
		l.cautious = false
		p.sub.caution.leave(l)
	}
}

// welcome makes a lane ready that was let in while it waited, unless the partition has been left by then.
func (p *partition) welcome(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		p.sub.caution.leave(l)
		return
	}
	p.makeReady(l)
}
