package sim

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

const (
	maxForm  = 64 << 10 // bytes of a posted form
	maxLive  = 64       // live pages at a time
	pageSafe = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'"
)

//go:embed page.html page.css page.js
var pageFiles embed.FS

// page is the chat page: plain HTML that works by links and forms alone, kept up to date by server-sent events.
type page struct {
	sim     *CometChat
	tmpl    *template.Template
	streams chan struct{} // one per live page
}

// newPage mounts the page's few addresses. They are relative in the HTML, so a prefix does not matter.
func (s *CometChat) newPage() (http.Handler, error) {
	tmpl, err := template.ParseFS(pageFiles, "page.html")
	if err != nil {
		return nil, fmt.Errorf("sim: chat page: %w", err)
	}
	p := &page{sim: s, tmpl: tmpl, streams: make(chan struct{}, maxLive)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.show)
	mux.HandleFunc("POST /say", p.say)
	mux.HandleFunc("POST /break", p.breakIt)
	mux.HandleFunc("POST /mend", p.mend)
	mux.HandleFunc("GET /live", p.live)
	for _, name := range []string{"page.css", "page.js"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pageFiles, name) })
	}
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pageSafe)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		guarded.ServeHTTP(w, r)
	}), nil
}

// show renders the page for ?as=<uid>&with=user/<uid> or group/<guid>.
func (p *page) show(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.render(w, http.StatusOK, p.sim.look(q.Get("as"), q.Get("with")))
}

func (p *page) render(w http.ResponseWriter, status int, v chatView) {
	var b bytes.Buffer
	if err := p.tmpl.ExecuteTemplate(&b, "page", v); err != nil {
		p.sim.cfg.Log.Error("chat page failed", "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a browser that has gone away has nothing to be told
}

// say takes a new message or a reply. The page's script asks with the header X-Live and gets only a status and a line of text.
func (p *page) say(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	as, with, words := r.PostForm.Get("as"), r.PostForm.Get("with"), r.PostForm.Get("text")
	m := Say{From: as, Parent: r.PostForm.Get("parent"), Text: strings.ReplaceAll(words, "\r\n", "\n")}
	kind, id, _ := strings.Cut(with, "/")
	if kind == "group" {
		m.ToGroup = id
	} else {
		m.ToUser = id
	}
	sent, err := p.sim.Say(m) //nolint:contextcheck // webhooks outlive the request that causes them
	live := r.Header.Get("X-Live") != ""
	switch {
	case err != nil && live:
		http.Error(w, tellPerson(err), http.StatusUnprocessableEntity)
	case err != nil:
		v := p.sim.look(as, with)
		v.Error, v.Draft = tellPerson(err), words
		p.render(w, http.StatusUnprocessableEntity, v)
	case live:
		w.WriteHeader(http.StatusNoContent)
	default:
		root := sent.ID
		if sent.ParentID != "" {
			root = sent.ParentID
		}
		at := url.URL{RawQuery: url.Values{"as": {as}, "with": {with}}.Encode(), Fragment: "thread-" + root}
		w.Header().Set("Location", "./"+at.String())
		w.WriteHeader(http.StatusSeeOther)
	}
}

func tellPerson(err error) string {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Message
	}
	return "The simulator is shutting down."
}
