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
	at       time.Time // when it was stored
	taken    time.Time // when it was put behind others in a queue
}

// size is about how many bytes of memory the message takes.
func (m *stored) size() int { return len(m.data) + 512 }

// laneState is where a lane stands.
type laneState int

const (
	laneReady    laneState = iota // waits for a worker
	laneRunning                   // its head is being handled
	laneFinished                  // its head is handled, and that is not committed yet
	laneWaiting                   // its head failed, and is tried again later
	laneDeclared                  // that its head is about to be handled is being committed
)

// lane is the messages of one thread that are not handled yet. Its partition's mu guards it. A lane without such messages
// does not exist.
type lane struct {
	home    *partition // constant
	subject string     // constant
	state   laneState
	// next is where the head is looked for, last the newest message known. All of the lane from next to last is unhandled.
	next, last uint64
	// queue holds the messages from next to last, oldest first, unless the lane is spilled: then it is empty and each
	// message is fetched by subject when its turn comes.
	queue   []*stored
	first   [1]*stored // where the queue begins: most lanes have one message
	spilled bool

	attempts int
	started  int  // attempts that were written down before they began
	declared bool // the next attempt has been
	cautious bool // the partition's caution knows of the lane
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
	return stood > stillTime || large && (stood > standTime || now.Sub(l.queue[1].taken) > queueTime)
}

// spill drops the buffered messages and returns how many they were and how much memory they took.
func (l *lane) spill() (freed, bytes int) {
	for _, m := range l.queue {
		bytes += m.size()
	}
	freed = len(l.queue)
	l.queue, l.first, l.spilled = nil, [1]*stored{}, true
	return freed, bytes
}

// head returns the message whose turn it is, or nil if it has to be fetched.
func (l *lane) head() *stored {
	if l.spilled {
		return nil
	}
	return l.queue[0]
}

// advance takes note that everything up to sequence is handled, and returns how many buffered messages that frees and how
// much memory they took.
func (l *lane) advance(sequence uint64) (freed, bytes int) {
	l.attempts, l.started, l.declared, l.since = 0, 0, false, time.Time{}
	for len(l.queue) > 0 && l.queue[0].sequence <= sequence {
		bytes += l.queue[0].size()
		l.queue[0] = nil
		l.queue = l.queue[1:]
		freed++
	}
	l.next = sequence + 1
	if len(l.queue) > 0 {
		l.next = l.queue[0].sequence
	}
	return freed, bytes
}

// empty reports whether nothing is left to handle.
func (l *lane) empty() bool { return l.next > l.last }
