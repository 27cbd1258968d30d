package rocketchat

import (
	"container/list"
	"maps"
	"sync"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxMessages bounds the messages that a connection remembers, those heard of last. 20,000 are about 10 MB.
const maxMessages = 20_000

// memory is what a connection remembers of messages. It saves calls and repeats, and fills in what the platform leaves out of
// a report; it is lost with the process, and nothing relies on it. The zero value is empty and ready.
type memory struct {
	mu     sync.Mutex
	known  map[string]*list.Element
	recent list.List // of *known, the one heard of last in front
}

// known is what is remembered of a message.
type known struct {
	id string
	// thread is where it stands; without a root, that is not known.
	thread event.ThreadRef
	// sender, recipient and parent are those of the message.
	sender            event.User
	recipient         event.UserID
	parent            event.MessageID
	created, deletion bool   // stored: nobody needs to hear of it again
	edited            int64  // the latest edit that is stored, in ms
	text              string // a digest of what it says
	marker            *event.Marker
	// reactions are what was told of them; nil if nothing is known.
	reactions map[reaction]reactionState
	reactedAt int64 // the time of the document that showed them, in ms
}

// reaction is a user's use of an emoji.
type reaction struct{ emoji, username string }

// reactionState is how a reaction was found last.
type reactionState struct {
	there bool
	since int64 // of the document that showed the change first, in ms; 0 for one that was there from the beginning
}

// get returns what is remembered of a message.
func (m *memory) get(id string) (known, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.known[id]
	if !ok {
		return known{}, false
	}
	k := *e.Value.(*known) //nolint:errcheck // nothing else is ever in it
	k.reactions = maps.Clone(k.reactions)
	return k, true
}

// note has change take down something of a message, of which nothing may be known yet.
func (m *memory) note(id string, change func(k *known)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = make(map[string]*list.Element)
	}
	e, ok := m.known[id]
	if ok {
		m.recent.MoveToFront(e)
	} else {
		e = m.recent.PushFront(&known{id: id})
		m.known[id] = e
	}
	change(e.Value.(*known)) //nolint:errcheck // nothing else is ever in it
	for len(m.known) > maxMessages {
		oldest := m.recent.Back()
		delete(m.known, m.recent.Remove(oldest).(*known).id) //nolint:errcheck // nothing else is ever in it
	}
}
