package rocketsim

import (
	"net/http"
	"path"
	"slices"
	"time"
)

// Fault is something that goes wrong with requests to the REST API and with downloads. The first injected fault that matches a request
// strikes it, alone; one that the request's own text asks for goes first (see [Config.PlainTexts]), and [Config.Chaos] comes last.
type Fault struct {
	Method  string // empty = any
	Route   string // a path.Match pattern of the name behind /api/v1/, e.g. "chat.*", or "file-upload" for downloads; empty = any
	Changes bool   // only requests that may change something, so anything but GET

	Status int    // answer with this status and the server's own body for it
	Text   string // error in that body, without an errorType, e.g. the E11000 of two servers that insert the same id at once
	Body   string // answer with this text/html instead, as a proxy in between would
	// RetryAfter is, with Status 429, how far X-RateLimit-Reset is away and how many seconds the text says; there is no Retry-After.
	RetryAfter time.Duration

	AfterCommit bool          // do the work first, then fail; without a Status, cut the connection
	Reset       bool          // cut the connection instead of answering
	Truncate    bool          // answer with half of the body
	Slow        time.Duration // the body of the answer trickles over this time; ends early like Delay, with a cut
	Delay       time.Duration // before anything else; ends early when the request is given up or the simulator closes
	Times       int           // how many requests it strikes; 0 = every one until ClearFaults

	thread string // only requests that change something in this thread; empty = any
	name   string // how the demo page calls it
}

// Inject adds a fault behind those already there.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	s.touch()
}

// ClearFaults removes every fault. Requests already struck stay so.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	s.faults = nil
	s.touch()
	others := slices.Clone(s.breakers)
	s.mu.Unlock()
	for _, b := range others {
		b.mend()
	}
}

func (f *Fault) matches(r *http.Request, name, thread string) bool {
	changes := r.Method != http.MethodGet && r.Method != http.MethodHead
	switch {
	case f.Method != "" && f.Method != r.Method, f.Changes && !changes, f.thread != "" && (f.thread != thread || !changes):
		return false
	case f.Route == "":
		return true
	}
	ok, err := path.Match(f.Route, name)
	return err == nil && ok
}

// strike finds the fault of a request and counts it; the zero fault does nothing.
func (s *Server) strike(r *http.Request, body []byte) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, _ := routeOf(r)
	said := s.aimOf(r, body)
	if f, ok := s.textFault(r, said); ok {
		return f
	}
	i := slices.IndexFunc(s.faults, func(f *Fault) bool { return f.matches(r, name, said.thread) })
	if i < 0 {
		return s.draw(r)
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

// fails tells whether the fault replaces the answer.
func (f *Fault) fails() bool { return f.Status != 0 || f.Reset || f.AfterCommit }

// strikes tells whether the fault does anything.
func (f *Fault) strikes() bool { return f.fails() || f.Truncate || f.Slow > 0 || f.Delay > 0 }

// faultError is what an injected status answers with.
func faultError(status int) *Error {
	e := &Error{Status: status, Reason: http.StatusText(status)}
	switch status {
	case http.StatusUnauthorized:
		e.Reason = "You must be logged in to do this."
	case http.StatusNotFound:
		e.Reason = "Resource not found"
	case http.StatusBadRequest:
		e.Code = "error-invalid-params"
	case http.StatusInternalServerError:
		e.Reason = "Internal server error"
	}
	return e
}
