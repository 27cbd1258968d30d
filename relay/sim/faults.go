package sim

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with API requests. The first injected fault that matches a request strikes it, alone; one
// that the request's own text asks for goes first (see [CometChatConfig.PlainTexts]), and one that comes by chance last (see
// [FaultRates]).
type Fault struct {
	Method  string // empty = any
	Path    string // a path.Match pattern without the /v3 prefix, e.g. "/messages/*/thread"; empty = any
	Changes bool   // only requests that may change something, so anything but GET

	Status int    // answer with this status in the documented error envelope
	Code   string // default: the one that fits Status
	Body   string // answer with this text/html instead of the envelope, as a proxy in between would
	// RetryAfter sets Retry-After, rounded up to whole seconds, and both spellings of the reset header.
	RetryAfter time.Duration

	AfterCommit bool          // do the work first, then fail; without a Status, cut the connection
	Reset       bool          // cut the connection instead of answering
	Truncate    bool          // answer with half of the JSON body
	Slow        time.Duration // the body of the answer trickles over this time; ends early like Delay, with a cut
	Delay       time.Duration // before anything else; ends early when the request is given up or the simulator closes
	Times       int           // how many requests it strikes; 0 = every one until ClearFaults

	thread int64  // only requests that change something under a message of this thread; 0 = any
	name   string // how the demo page calls it
}

// Inject adds a fault behind those already there.
func (s *CometChat) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	s.touch()
}

// ClearFaults removes every fault of requests and of deliveries. Requests already struck stay so, and deliveries already held
// back arrive. [FaultRates] stay.
func (s *CometChat) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.deliveryFaults = nil, nil
	s.touch()
}

func (f *Fault) matches(r *http.Request, thread int64) bool {
	changes := r.Method != http.MethodGet && r.Method != http.MethodHead
	switch {
	case f.Method != "" && f.Method != r.Method, f.Changes && !changes, f.thread != 0 && (f.thread != thread || !changes):
		return false
	case f.Path == "":
		return true
	}
	ok, err := path.Match(f.Path, strings.TrimPrefix(r.URL.EscapedPath(), apiRoot))
	return err == nil && ok
}

// strike finds the fault of a request and counts it, or rolls the dice; the zero fault does nothing.
func (s *CometChat) strike(r *http.Request, body []byte) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.textFault(r, body); ok {
		return f
	}
	thread := s.threadOf(r)
	i := slices.IndexFunc(s.faults, func(f *Fault) bool { return f.matches(r, thread) })
	if i < 0 {
		return s.cfg.FaultRates.roll(s.dice)
	}
	struck := *s.faults[i]
	if struck.Times > 0 {
		s.faults[i].Times--
		if s.faults[i].Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		s.touch()
	}
	return struck
}

// threadOf is the root of the thread that a request's path names a message of; 0 without one.
func (s *CometChat) threadOf(r *http.Request) int64 {
	rest, ok := strings.CutPrefix(r.URL.Path, apiRoot+"/messages/")
	if !ok {
		return 0
	}
	key, _, _ := strings.Cut(rest, "/")
	id, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		return 0
	}
	if m := s.store.at(id); m != nil {
		return m.root()
	}
	return 0
}

// fails tells whether the fault replaces the answer.
func (f *Fault) fails() bool { return f.Status != 0 || f.Reset || f.AfterCommit }

// strikes tells whether the fault does anything.
func (f *Fault) strikes() bool { return f.fails() || f.Truncate || f.Slow > 0 || f.Delay > 0 }
