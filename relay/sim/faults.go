package sim

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// Fault is something that goes wrong with API requests. The first injected fault that matches a request strikes it, alone.
type Fault struct {
	Method string // empty = any
	Path   string // a path.Match pattern without the /v3 prefix, e.g. "/messages/*/thread"; empty = any

	Status int    // answer with this status in the documented error envelope
	Code   string // default: the one that fits Status
	// RetryAfter sets Retry-After, rounded up to whole seconds, and both spellings of the reset header.
	RetryAfter time.Duration

	AfterCommit bool          // do the work first, then fail; without a Status, cut the connection
	Reset       bool          // cut the connection instead of answering
	Truncate    bool          // answer with half of the JSON body
	Delay       time.Duration // before anything else; ends early when the request is given up or the simulator closes
	Times       int           // how many requests it strikes; 0 = every one until ClearFaults
}

// Inject adds a fault behind those already there.
func (s *CometChat) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults removes every fault. Requests already struck stay so.
func (s *CometChat) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (f *Fault) matches(r *http.Request) bool {
	if f.Method != "" && f.Method != r.Method {
		return false
	}
	if f.Path == "" {
		return true
	}
	ok, err := path.Match(f.Path, strings.TrimPrefix(r.URL.EscapedPath(), apiRoot))
	return err == nil && ok
}

// strike finds the fault of a request and counts it; the zero fault does nothing.
func (s *CometChat) strike(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f *Fault) bool { return f.matches(r) })
	if i < 0 {
		return Fault{}
	}
	struck := *s.faults[i]
	if struck.Times > 0 {
		s.faults[i].Times--
		if s.faults[i].Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
	}
	return struck
}

// fails tells whether the fault replaces the answer.
func (f *Fault) fails() bool { return f.Status != 0 || f.Reset || f.AfterCommit }

// recorder keeps an answer until it is known what becomes of it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (rec *recorder) Header() http.Header         { return rec.header }
func (rec *recorder) WriteHeader(status int)      { rec.status = status }
func (rec *recorder) Write(b []byte) (int, error) { return rec.body.Write(b) }

// serveAPI runs one request through its fault, records it, and answers.
func (s *CometChat) serveAPI(h http.Handler, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	open := s.enter()
	s.mu.Unlock()
	if !open {
		writeError(w, faultError(http.StatusServiceUnavailable, ""))
		return
	}
	defer s.tasks.Done()
	body, readErr := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	f := s.strike(r)
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	given := f.Delay > 0 && !s.pause(r.Context(), f.Delay)
	cut := given || s.decide(h, rec, f, withBody(r, body, readErr))
	s.log(r, body, rec.status, cut)
	if cut {
		reset(w)
		return
	}
	for name, values := range rec.header {
		w.Header()[name] = values
	}
	out := rec.body.Bytes()
	if f.Truncate {
		out = out[:len(out)/2]
	}
	w.WriteHeader(rec.status)
	_, _ = w.Write(out) // a client that has gone away has nothing to be told
}

// decide fills the recorder with the answer, and reports whether the connection is to be cut instead.
func (s *CometChat) decide(h http.Handler, rec *recorder, f Fault, r *http.Request) bool {
	if !f.fails() || f.AfterCommit {
		h.ServeHTTP(rec, r)
	}
	if !f.fails() {
		return false
	}
	if f.Status == 0 || f.Reset {
		return true
	}
	rec.header, rec.body = http.Header{}, bytes.Buffer{}
	if f.RetryAfter > 0 {
		setRetryAfter(rec.header, s.cfg.Now(), f.RetryAfter)
	}
	writeError(rec, faultError(f.Status, f.Code))
	return false
}

// withBody gives the request the body that was read, or the error in its place.
func withBody(r *http.Request, body []byte, err error) *http.Request {
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		r.Body = io.NopCloser(failed{err})
	}
	return r
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

func (s *CometChat) log(r *http.Request, body []byte, status int, cut bool) {
	if cut {
		status = 0
	}
	kept := Request{
		Method: r.Method, Path: r.URL.RequestURI(), OnBehalfOf: r.Header.Get("onBehalfOf"), Status: status,
		Body: body[:min(len(body), keptBody)],
	}
	s.cfg.Log.Debug("api request", "method", kept.Method, "path", kept.Path, "status", status)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.add(kept)
}

// reset cuts the connection, so that the client sees it fail rather than end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the server's own way, for connections that cannot be taken over
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the connection ends either way
	}
	_ = conn.Close()
}
