package bus

import (
	"context"
	"sync"
	"time"
)

const (
	// maxBuffered and maxBufferedBytes bound the messages that a subscription holds in memory; a few more may be on the way.
	maxBuffered      = 8192
	maxBufferedBytes = 64 << 20
	// roomTime is how often a full buffer is looked through for threads that hold it up.
	roomTime = 25 * time.Millisecond
)

// buffer counts the messages that a subscription holds in memory and have not been handled.
type buffer struct {
	mu       sync.Mutex
	messages int
	bytes    int
	overfull int           // partitions in which too many threads wait
	room     chan struct{} // closed when there is room again; nil while nobody waits
}

// add counts n messages, which may be negative.
func (b *buffer) add(n, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages += n
	b.bytes += bytes
	b.tell()
}

// hold counts a partition in which too many threads wait, or one less.
func (b *buffer) hold(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.overfull += n
	b.tell()
}

func (b *buffer) tell() {
	if b.room != nil && b.roomy() {
		close(b.room)
		b.room = nil
	}
}

func (b *buffer) full() bool {
	return b.messages >= maxBuffered || b.bytes >= maxBufferedBytes || b.overfull > 0
}

// roomy reports whether there is room for many messages: to wake a reader for each would cost more than to read them.
func (b *buffer) roomy() bool {
	return b.messages <= maxBuffered*7/8 && b.bytes <= maxBufferedBytes*7/8 && b.overfull == 0
}

// wait returns true when there is room for one more message, and false if ctx ends before. While there is none it calls
// makeRoom now and then.
func (b *buffer) wait(ctx context.Context, makeRoom func()) bool {
	for {
		b.mu.Lock()
		if !b.full() {
			b.mu.Unlock()
			return true
		}
		if b.room == nil {
			b.room = make(chan struct{})
		}
		room := b.room
		b.mu.Unlock()
		timer := time.NewTimer(roomTime)
		select {
		case <-room:
		case <-timer.C:
			makeRoom()
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}
