package rocketsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	liveBeat  = 15 * time.Second      // a comment, so that a dead connection is noticed
	liveRest  = 50 * time.Millisecond // between two updates of one page
	liveWrite = 10 * time.Second      // longest time for a browser to take an update
)

// liveUpdate is what a live page is sent: server-rendered fragments to put in place of the old ones. A list also tells the ids of all
// its messages in order, so that those not among them can go.
type liveUpdate struct {
	Parts map[string]string   `json:"parts,omitempty"` // by the id of the element
	Lists map[string]liveList `json:"lists,omitempty"` // by the id of the element
}

type liveList struct {
	Items []liveItem `json:"items"` // those that have changed
	IDs   []string   `json:"ids"`
}

type liveItem struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// live streams a page's changes as server-sent events until the browser leaves or the simulator closes. The first event carries
// everything; later ones carry what has changed.
func (p *chatPage) live(w http.ResponseWriter, r *http.Request) {
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

func (p *chatPage) stream(w http.ResponseWriter, r *http.Request) {
	s, at := p.sim, choiceOf(r.URL.Query())
	shown := map[string]string{}
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		event, err := p.update(s.look(at), shown)
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
func (p *chatPage) update(v chatView, shown map[string]string) ([]byte, error) {
	u := liveUpdate{Parts: map[string]string{}, Lists: map[string]liveList{}}
	parts := map[string]any{"rooms": v, "faults": v.Faults}
	lists := map[string][]messageView{"log": v.Messages}
	if v.Thread != nil {
		parts["thread-count"] = v.Thread
		lists["replies"] = append([]messageView{v.Thread.Root}, v.Thread.Replies...)
	}
	for id, data := range parts {
		html, err := p.fragment(id, data)
		if err != nil {
			return nil, err
		}
		if was, known := shown[id]; !known || was != html {
			shown[id], u.Parts[id] = html, html
		}
	}
	for id, messages := range lists {
		list, changed, err := p.list(id, messages, shown)
		if err != nil {
			return nil, err
		}
		if changed {
			u.Lists[id] = list
		}
	}
	if len(u.Parts) == 0 && len(u.Lists) == 0 {
		return nil, nil
	}
	data, err := json.Marshal(u)
	if err != nil {
		return nil, fmt.Errorf("rocketsim: live page: %w", err)
	}
	return fmt.Appendf(nil, "event: update\ndata: %s\n\n", data), nil
}

// list renders the messages of a list that differ from those shown, and reports whether any does, came or went.
func (p *chatPage) list(id string, messages []messageView, shown map[string]string) (liveList, bool, error) {
	l := liveList{Items: []liveItem{}, IDs: []string{}}
	for _, m := range messages {
		html, err := p.fragment("message", m)
		if err != nil {
			return l, false, err
		}
		l.IDs = append(l.IDs, m.Anchor)
		if shown[m.Anchor] != html {
			shown[m.Anchor] = html
			l.Items = append(l.Items, liveItem{m.Anchor, html})
		}
	}
	order := fmt.Sprint(l.IDs)
	was, known := shown["order of "+id]
	shown["order of "+id] = order
	return l, !known || was != order || len(l.Items) > 0, nil
}

func (p *chatPage) fragment(name string, v any) (string, error) {
	var b bytes.Buffer
	if err := p.tmpl.ExecuteTemplate(&b, name, v); err != nil {
		return "", fmt.Errorf("rocketsim: chat page: %w", err)
	}
	return b.String(), nil
}
