package bus

import (
	"time"

	"github.com/nats-io/nats.go"
)

// stored is a message as it lies in the stream.
type stored struct {
	subject  string
	sequence uint64
	header   nats.Header
	data     []byte
	behind   uint64    // how many messages of the partition stood behind it when it was read
	taken    time.Time // when it was put in a queue
}

// laneState is where a lane stands.
type laneState int

const (
	laneReady    laneState = iota // waits for a slot
	laneRunning                   // its head is being handled
	laneFinished                  // its head is handled, and that is not committed yet
	laneWaiting                   // its head failed, and is tried again later
	laneDeclared                  // that its head is about to be handled is being committed
)

// lane is the messages of one thread that are not handled yet. Only its partition's loop touches it. A lane without such
// messages does not exist.
type lane struct {
	subject string
	state   laneState
	// next is where the head is looked for, last the newest message known. All of the lane from next to last is unhandled.
	next, last uint64
	// queue holds the messages from next to last, oldest first, unless the lane is spilled: then it is empty and each
	// message is fetched by subject when its turn comes.
	queue   []*stored
	spilled bool

	attempts int
	started  int  // attempts that were written down before they began
	declared bool // the next attempt has been
	since    time.Time
	timer    *time.Timer // while waiting
	began    time.Time   // of the attempt that is running
}

// holdsUp reports whether the queue would keep other lanes' messages from being read for too long.
func (l *lane) holdsUp(now time.Time) bool {
	if l.state == laneReady || len(l.queue) < 2 {
		return false
	}
	var stood time.Duration
	if l.state == laneRunning {
		stood = now.Sub(l.began)
	}
	large := len(l.queue) > largeQueue
	return stood > stillTime || large && (stood > standTime || now.Sub(l.queue[0].taken) > queueTime)
}

// spill drops the buffered messages and returns how many they were.
func (l *lane) spill() int {
	n := len(l.queue)
	l.queue, l.spilled = nil, true
	return n
}

// head returns the message whose turn it is, or nil if it has to be fetched.
func (l *lane) head() *stored {
	if l.spilled {
		return nil
	}
	return l.queue[0]
}

// advance takes note that everything up to sequence is handled, and returns how many buffered messages that frees.
func (l *lane) advance(sequence uint64) int {
	l.attempts, l.started, l.declared, l.since = 0, 0, false, time.Time{}
	freed := 0
	for len(l.queue) > 0 && l.queue[0].sequence <= sequence {
		l.queue[0] = nil
		l.queue = l.queue[1:]
		freed++
	}
	l.next = sequence + 1
	if len(l.queue) > 0 {
		l.next = l.queue[0].sequence
	}
	return freed
}

// empty reports whether nothing is left to handle.
func (l *lane) empty() bool { return l.next > l.last }
