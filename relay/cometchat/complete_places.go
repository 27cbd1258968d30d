package cometchat

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Bounds of what is remembered of messages. Where a message stands never changes; the time bounds how long one that is gone
// is taken for there. 10,000 places are about 4 MB.
const (
	maxPlaces = 10_000
	placeTTL  = time.Hour
)

// places remembers where messages stand: those used last, each for an hour. The zero value is empty and ready.
type places struct {
	// calls are the look-ups under way.
	calls singleflight.Group

	mu     sync.Mutex
	known  map[event.MessageID]*list.Element
	recent list.List // of remembered, the one used last in front
}

type remembered struct {
	at    placed
	until time.Time
}

func (p *places) get(id event.MessageID, now time.Time) (placed, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.known[id]
	if !ok {
		return placed{}, false
	}
	r, ok := e.Value.(remembered)
	if !ok || !now.Before(r.until) {
		p.drop(e, id)
		return placed{}, false
	}
	p.recent.MoveToFront(e)
	return r.at, true
}

func (p *places) put(at placed, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = make(map[event.MessageID]*list.Element)
	}
	r := remembered{at: at, until: now.Add(placeTTL)}
	if e, ok := p.known[at.id]; ok {
		e.Value = r
		p.recent.MoveToFront(e)
		return
	}
	p.known[at.id] = p.recent.PushFront(r)
	for len(p.known) > maxPlaces {
		oldest := p.recent.Back()
		r, _ := oldest.Value.(remembered)
		p.drop(oldest, r.at.id)
	}
}

// drop forgets an element; the caller holds p.mu.
func (p *places) drop(e *list.Element, id event.MessageID) {
	p.recent.Remove(e)
	delete(p.known, id)
}
