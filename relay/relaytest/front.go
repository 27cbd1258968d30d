package relaytest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
)

// front stands before a stage: it counts requests, and does wrong where a check wants that.
type front struct {
	next    http.Handler
	changes func(*http.Request) bool

	mu       sync.Mutex
	faults   []*fault
	requests int
	changing int
	// frozen are the answers that are repeated from now on, by path; nil if none are.
	frozen map[string]*httptest.ResponseRecorder
}

// fault is what goes wrong with a request. At first skip requests pass; then it strikes so many times, or for 0 all there are.
type fault struct {
	// changing: it strikes only requests that change something.
	changing    bool
	skip, times int
	// done: the work is done before anything goes wrong.
	done bool
	// One of these is the answer.
	answer func(w http.ResponseWriter, r *http.Request)
	cut    bool  // none, and the connection ends
	half   bool  // that of the stage, of which half is missing
	hold   *hold // none before the hold ends
}

// hold keeps requests waiting.
type hold struct {
	reached, ended chan struct{}
	once           sync.Once
	end            func()
}

func newHold() *hold {
	h := &hold{reached: make(chan struct{}), ended: make(chan struct{})}
	h.end = sync.OnceFunc(func() { close(h.ended) })
	return h
}

// wait returns when the hold ends or the request is given up.
func (h *hold) wait(r *http.Request) {
	h.once.Do(func() { close(h.reached) })
	select {
	case <-h.ended:
	case <-r.Context().Done():
	}
}

// inject adds a fault behind those that are there.
func (f *front) inject(x fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &x)
}

// clear takes all faults away and ends all holds.
func (f *front) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range f.faults {
		if x.hold != nil {
			x.hold.end()
		}
	}
	f.faults, f.frozen = nil, nil
}

// pending reports whether a fault has yet to strike for the last time.
func (f *front) pending() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.faults, func(x *fault) bool { return x.times > 0 })
}

// freeze has each list go on as it begins: what a GET of a path is answered first, every further one is answered too.
func (f *front) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = map[string]*httptest.ResponseRecorder{}
}

// count returns how many requests there were, and how many of them change something.
func (f *front) count() (all, changing int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests, f.changing
}

// ServeHTTP serves a request, with the fault that strikes it if there is one.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := f.strike(r)
	if x == nil {
		f.pass(w, r)
		return
	}
	body, err := io.ReadAll(r.Body) // so that the server notices when the client gives up
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	work := httptest.NewRecorder()
	if x.done || x.half {
		f.next.ServeHTTP(work, r)
	}
	switch {
	case x.half:
		send(w, work, work.Body.Len()/2)
	case x.hold != nil && x.answer == nil:
		x.hold.wait(r)
		panic(http.ErrAbortHandler)
	case x.cut:
		panic(http.ErrAbortHandler)
	case x.answer != nil:
		x.answer(w, r)
	}
}

// strike counts a request and finds its fault.
func (f *front) strike(r *http.Request) *fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	changing := r.Method != http.MethodGet && r.Method != http.MethodHead
	if f.changes != nil {
		changing = f.changes(r)
	}
	f.requests++
	if changing {
		f.changing++
	}
	for _, x := range f.faults {
		switch {
		case x.changing && !changing, x.times < 0:
		case x.skip > 0:
			x.skip--
		default:
			if x.times > 0 {
				if x.times--; x.times == 0 {
					x.times = -1 // spent
				}
			}
			return x
		}
	}
	return nil
}

// pass has the stage answer, or repeats what it answered.
func (f *front) pass(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	frozen := f.frozen != nil && r.Method == http.MethodGet
	old := f.frozen[r.URL.Path]
	f.mu.Unlock()
	if !frozen {
		f.next.ServeHTTP(w, r)
		return
	}
	if old == nil {
		old = httptest.NewRecorder()
		f.next.ServeHTTP(old, r)
		f.mu.Lock()
		if f.frozen != nil {
			f.frozen[r.URL.Path] = old
		}
		f.mu.Unlock()
	}
	send(w, old, old.Body.Len())
}

// send sends so many bytes of a recorded answer.
func send(w http.ResponseWriter, rec *httptest.ResponseRecorder, n int) {
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(n))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes()[:n]) // a client that has gone away has nothing to be told
}

// answering is a fault that answers every request with a status and a body.
func answering(status int, contentType string, body []byte) fault {
	return fault{answer: func(w http.ResponseWriter, _ *http.Request) { write(w, status, contentType, body) }}
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // some statuses have no body
}
