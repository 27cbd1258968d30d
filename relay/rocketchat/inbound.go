package rocketchat

import (
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// inbound is what a connection knows from what came in. The zero value is ready.
type inbound struct {
	joined joined
	names  memo[event.UserID] // users by username
	// uploads are the markers of files that were uploaded, by their ids.
	uploads memo[*event.Marker]
	// quiet is how long a realtime connection may be silent; 0 means quietTime.
	quiet time.Duration

	mu     sync.Mutex
	polled map[event.ConversationID]string // rooms by the source that reads them
}

// reads takes note of the room that a source has turned out to be.
func (i *inbound) reads(source string, room event.ConversationID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.polled == nil {
		i.polled = make(map[event.ConversationID]string)
	}
	i.polled[room] = source
}

// sourceOf returns the source that a room is read by, and false if none has read it yet.
func (i *inbound) sourceOf(room event.ConversationID) (string, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	source, ok := i.polled[room]
	return source, ok
}
