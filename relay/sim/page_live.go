package sim

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

const (
	liveBeat  = 15 * time.Second      // a comment, so that a dead connection is noticed
	liveRest  = 50 * time.Millisecond // between two updates of one page
	liveWrite = 10 * time.Second      // longest time for a browser to take an update
)

// liveUpdate is what a live page is sent: server-rendered fragments to put in place of the old ones, and the ids of all threads
// in order, so that those not among them can go.
type liveUpdate struct {
	Rooms   string         `json:"rooms,omitempty"`
	Faults  *string        `json:"faults,omitempty"` // empty when nothing goes wrong any more
	Threads []liveFragment `json:"threads"`
	IDs     []string       `json:"ids"`
}

type liveFragment struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// live streams a page's changes as server-sent events until the browser leaves or the simulator closes. The first event carries
// everything; later ones carry what has changed.
func (p *page) live(w http.ResponseWriter, r *http.Request) {
	s := p.sim
	s.mu.Lock()
	open := s.enter()
	s.mu.Unlock()
	if !open {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	defer s.tasks.Done()
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		http.Error(w, "too many live pages", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	p.stream(w, r)
}

func (p *page) stream(w http.ResponseWriter, r *http.Request) {
	s, q := p.sim, r.URL.Query()
	shown := map[string]string{}
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		event, err := p.update(s.look(q.Get("as"), q.Get("with")), shown)
		if err != nil {
			s.cfg.Log.Error("live page failed", "error", err)
			return
		}
		if event != nil && !push(w, event) {
			return
		}
		for waiting := true; waiting; {
			select {
			case <-changed:
				waiting = false
			case <-beat.C:
				if !push(w, []byte(": still here\n\n")) {
					return
				}
			case <-r.Context().Done():
				return
			case <-s.ctx.Done():
				return
			}
		}
		if !s.pause(r.Context(), liveRest) {
			return
		}
	}
}

// push writes and flushes within liveWrite, and reports whether the browser is still there.
func push(w http.ResponseWriter, b []byte) bool {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(liveWrite)) // not every server has deadlines
	if _, err := w.Write(b); err != nil {
		return false
	}
	return control.Flush() == nil
}

// update renders the fragments that differ from those shown, which it brings up to date; nil when nothing differs.
func (p *page) update(v chatView, shown map[string]string) ([]byte, error) {
	u := liveUpdate{Threads: []liveFragment{}, IDs: []string{}}
	rooms, err := p.fragment("rooms", v)
	if err != nil {
		return nil, err
	}
	if shown["rooms"] != rooms {
		shown["rooms"], u.Rooms = rooms, rooms
	}
	faults, err := p.fragment("faults", v.Faults)
	if err != nil {
		return nil, err
	}
	if shown["faults"] != faults {
		shown["faults"], u.Faults = faults, &faults
	}
	now := map[string]bool{"rooms": true, "faults": true}
	for _, t := range v.Threads {
		id := "thread-" + t.Root.Key
		html, err := p.fragment("thread", t)
		if err != nil {
			return nil, err
		}
		u.IDs, now[id] = append(u.IDs, id), true
		if shown[id] != html {
			shown[id] = html
			u.Threads = append(u.Threads, liveFragment{ID: id, HTML: html})
		}
	}
	gone := false
	for id := range shown {
		if !now[id] {
			gone = true
			delete(shown, id)
		}
	}
	if u.Rooms == "" && u.Faults == nil && len(u.Threads) == 0 && !gone {
		return nil, nil
	}
	return fmt.Appendf(nil, "event: update\ndata: %s\n\n", encode(u)), nil
}

func (p *page) fragment(name string, v any) (string, error) {
	var b bytes.Buffer
	if err := p.tmpl.ExecuteTemplate(&b, name, v); err != nil {
		return "", fmt.Errorf("sim: chat page: %w", err)
	}
	return b.String(), nil
}
