package rocketsim

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// keptBody is how much of a request's body is remembered, and moreThanFile what a request may have besides a file.
const (
	keptBody     = 64 << 10
	moreThanFile = 1 << 20
)

// serve runs one request through its fault, records it, and answers.
func (s *Server) serve(routes map[string]route, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	open, most := s.enter(), int64(s.cfg.Settings.MaxFileSize)+moreThanFile
	s.mu.Unlock()
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	if !open {
		s.refuse(rec, faultError(http.StatusServiceUnavailable))
		s.reply(w, r, rec, Fault{})
		return
	}
	defer s.tasks.Done()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		s.refuse(rec, plain("request entity too large"))
		rec.status = http.StatusRequestEntityTooLarge
		s.reply(w, r, rec, Fault{})
		return
	}
	f := s.strike(r, body)
	gone := f.Delay > 0 && !s.pause(r.Context(), f.Delay)
	cut := gone || s.decide(rec, f, func() { s.work(routes, rec, r, body) })
	s.log(r, rec, body, cut, f)
	if cut {
		reset(w)
		return
	}
	s.reply(w, r, rec, f)
}

// decide fills the recorder with the answer, and reports whether the connection is to be cut instead.
func (s *Server) decide(rec *recorder, f Fault, work func()) bool {
	if !f.fails() || f.AfterCommit {
		work()
	}
	if !f.fails() {
		return false
	}
	if f.Status == 0 || f.Reset {
		return true
	}
	rec.header, rec.body = http.Header{}, bytes.Buffer{}
	if f.Body != "" {
		rec.header.Set("Content-Type", "text/html; charset=utf-8")
		rec.status = f.Status
		rec.body.WriteString(f.Body)
		return false
	}
	e := faultError(f.Status)
	if f.Status == http.StatusTooManyRequests {
		e = s.tooMany(rec.header, window{limit: s.cfg.Limits.Calls}, f.RetryAfter)
	}
	if f.Text != "" {
		e = &Error{Status: f.Status, Reason: f.Text}
	}
	s.refuse(rec, e)
	return false
}

// reply sends a recorded answer, whole, halved or trickling.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, rec *recorder, f Fault) {
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
func (s *Server) trickle(w http.ResponseWriter, r *http.Request, body []byte, over time.Duration) bool {
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

// pause waits, and reports whether it did so to the end: it ends early with the context and with Close.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return false
}

// log records a request that is about to be answered.
func (s *Server) log(r *http.Request, rec *recorder, body []byte, cut bool, f Fault) {
	name, _ := routeOf(r)
	kept := Request{
		Route: name, Method: r.Method, Path: r.URL.RequestURI(), UserID: r.Header.Get("X-User-Id"), Status: rec.status,
		Body: bytes.Clone(body[:min(len(body), keptBody)]),
	}
	if cut {
		kept.Status = 0
	}
	s.cfg.Log.Debug("api request", "method", kept.Method, "path", r.URL.Path, "status", kept.Status)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.add(kept)
	s.traffic.add(s.cfg.Now(), kept.Status, f.strikes())
	s.touch()
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
