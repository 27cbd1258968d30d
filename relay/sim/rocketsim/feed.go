package rocketsim

import "slices"

// changeKind says what happened to a message.
type changeKind string

// The kinds of changes.
const (
	inserted   changeKind = "inserted"   // a new message, also a system message (with T)
	edited     changeKind = "edited"     // another text; Before has the old one
	removed    changeKind = "removed"    // gone into the trash; Message is what it was
	tombstoned changeKind = "tombstoned" // deleted, but its row stays with T "rm"; Before is what it was
	rootBumped changeKind = "rootBumped" // a thread's root whose tcount, tlm or replies changed with a reply
	updated    changeKind = "updated"    // anything else: a reaction, somebody follows the thread, a file's message was completed
)

// change is one change of the message collection. Hidden copies of the history are not told.
type change struct {
	Kind    changeKind
	Message *message // as it stands after the change; never changed afterwards, so it may be kept and read without a lock
	Before  *message // as it stood before; nil for inserted
	Room    Room     // the message's room without its Members
	By      userRef  // who did it
	// Silent is set where the real server changes the document without telling its streams: a root whose tcount fell with a deleted
	// reply, but not to 0.
	Silent bool

	bulk *bulkDeletion // for pruned
}

// watcher is one reader of the change feed; s.mu guards its queue.
type watcher struct {
	queue   []change
	wake    chan struct{} // holds one token when the queue has something new
	quit    chan struct{} // closed by stop
	stopped bool
}

// subscribe makes a watcher whose queue fills from now on; whoever reads it calls s.tasks.Done at the end. It is nil after Close.
func (s *Server) subscribe() *watcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enter() {
		return nil
	}
	w := &watcher{wake: make(chan struct{}, 1), quit: make(chan struct{})}
	s.watchers = append(s.watchers, w)
	return w
}

func (s *Server) unwatch(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.stopped {
		return
	}
	w.stopped = true
	close(w.quit)
	s.watchers = slices.DeleteFunc(s.watchers, func(other *watcher) bool { return other == w })
}

// feed calls fn for every change that is queued for a watcher, in the order of the commits, one at a time and without any lock: fn may
// call every method of the server except Close. Commits do not wait for it, and nothing is dropped however slow it is.
func (s *Server) feed(w *watcher, fn func(change)) {
	for {
		select {
		case <-w.wake:
		case <-w.quit:
			return
		case <-s.ctx.Done():
			return
		}
		for c, ok := s.next(w); ok; c, ok = s.next(w) {
			fn(c)
		}
	}
}

// next takes the oldest change that a watcher has not been told.
func (s *Server) next(w *watcher) (change, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(w.queue) == 0 || w.stopped || s.closed {
		w.queue = nil
		return change{}, false
	}
	c := w.queue[0]
	w.queue = w.queue[1:]
	return c, true
}

// tell sends webhooks and realtime events of a change on their way, queues it for every watcher and wakes whoever waits; the caller
// holds s.mu.
func (s *Server) tell(c change) {
	s.touch()
	if c.Message.Hidden {
		return
	}
	if r := s.rooms[c.Message.RID]; r != nil {
		c.Room = r.Room
	}
	s.fireChange(c)
	s.emitChange(c)
	for _, w := range s.watchers {
		w.queue = append(w.queue, c)
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}
