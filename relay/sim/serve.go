package sim

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

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
	s.served++
	// No document names a header for it; this is the usual one.
	id := "sim-" + strconv.FormatInt(s.served, 10)
	s.mu.Unlock()
	w.Header().Set("X-Request-Id", id)
	if !open {
		writeError(w, faultError(http.StatusServiceUnavailable, ""))
		return
	}
	defer s.tasks.Done()
	body, readErr := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	f := s.strike(r, body)
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	given := f.Delay > 0 && !s.pause(r.Context(), f.Delay)
	cut := given || s.decide(h, rec, f, withBody(r, body, readErr))
	status := rec.status
	if cut {
		status = 0
	}
	s.log(Request{
		ID: id, Method: r.Method, Path: r.URL.RequestURI(), OnBehalfOf: r.Header.Get("onBehalfOf"), Status: status,
		Body: body[:min(len(body), keptBody)],
	}, f)
	if cut {
		reset(w)
		return
	}
	s.reply(w, r, rec, f)
}

// reply sends a recorded answer, whole, halved or trickling.
func (s *CometChat) reply(w http.ResponseWriter, r *http.Request, rec *recorder, f Fault) {
	for name, values := range rec.header {
		w.Header()[name] = values
	}
	out := rec.body.Bytes()
	if f.Truncate {
		out = out[:len(out)/2]
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(rec.status)
	if f.Slow == 0 {
		_, _ = w.Write(out) // a client that has gone away has nothing to be told
		return
	}
	if !s.trickle(w, r, out, f.Slow) {
		panic(http.ErrAbortHandler) // the length that was promised cannot be sent any more
	}
}

// trickle sends a body in small pieces over a time, and reports whether all of it went out.
func (s *CometChat) trickle(w http.ResponseWriter, r *http.Request, body []byte, over time.Duration) bool {
	const pieces = 20
	control := http.NewResponseController(w)
	for i := range pieces {
		piece := body[len(body)*i/pieces : len(body)*(i+1)/pieces]
		if _, err := w.Write(piece); err != nil {
			return false
		}
		if control.Flush() != nil || !s.pause(r.Context(), over/pieces) {
			return false
		}
	}
	return true
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
	if f.Body != "" {
		rec.header.Set("Content-Type", "text/html; charset=utf-8")
		rec.status = f.Status
		rec.body.WriteString(f.Body)
		return false
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

// log records a request that is about to be answered.
func (s *CometChat) log(kept Request, f Fault) {
	s.cfg.Log.Debug("api request", "method", kept.Method, "path", kept.Path, "status", kept.Status)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.add(kept)
	s.traffic.add(s.cfg.Now(), kept.Status, f.strikes())
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
