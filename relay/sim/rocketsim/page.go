package rocketsim

import (
	"bytes"
	"embed"
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

// chatPage is the chat page: plain HTML that works by links and forms alone, kept up to date by server-sent events.
type chatPage struct {
	sim     *Server
	tmpl    *template.Template
	streams chan struct{} // one per live page
}

// mountPage puts the chat page into the mux: the page itself at the root, what it needs under /page, and the addresses that the server
// gives to messages, which lead to it.
func (s *Server) mountPage(mux *http.ServeMux) {
	p := &chatPage{
		sim: s, streams: make(chan struct{}, maxLive),
		tmpl: template.Must(template.ParseFS(pageFiles, "page.html")), // embedded, and shown by every test of the page
	}
	mux.Handle("GET /{$}", p.guard(p.show))
	for name, do := range map[string]action{"say": p.say, "edit": p.edit, "delete": p.erase, "react": p.react, "break": p.breakIt, "mend": p.mend} {
		mux.Handle("POST /page/"+name, p.guard(p.act(do)))
	}
	mux.Handle("GET /page/live", p.guard(p.live))
	for _, name := range []string{"page.css", "page.js"} {
		mux.Handle("GET /page/"+name, p.guard(func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pageFiles, name) }))
	}
	for _, kind := range []string{"channel", "group", "direct"} {
		mux.Handle("GET /"+kind+"/{room}", p.guard(p.permalink))
	}
}

// guard keeps other sites from posting forms, and the page from loading anything but its own.
func (p *chatPage) guard(h http.HandlerFunc) http.Handler {
	guarded := http.NewCrossOriginProtection().Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", pageSafe)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		guarded.ServeHTTP(w, r)
	})
}

// show renders the page for ?as=<username>&room=<id or name>&thread=<message id>.
func (p *chatPage) show(w http.ResponseWriter, r *http.Request) {
	p.render(w, http.StatusOK, p.sim.look(choiceOf(r.URL.Query())))
}

// choice is what a page shows: who looks, into which room, and at which thread beside it.
type choice struct{ As, Room, Thread string }

func choiceOf(q url.Values) choice { return choice{q.Get("as"), q.Get("room"), q.Get("thread")} }

// query is a choice as the page's addresses have it.
func (c choice) query() string {
	q := url.Values{"as": {c.As}, "room": {c.Room}}
	if c.Thread != "" {
		q.Set("thread", c.Thread)
	}
	return q.Encode()
}

func (p *chatPage) render(w http.ResponseWriter, status int, v chatView) {
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

// permalink leads from the address of a room or message, such as /channel/general?msg=ID, to the page.
func (p *chatPage) permalink(w http.ResponseWriter, r *http.Request) {
	s, at := p.sim, choice{Room: r.PathValue("room")}
	fragment := ""
	s.mu.Lock()
	if m := s.store.held[r.URL.Query().Get("msg")]; m != nil {
		at.Room, fragment = m.RID, messageAnchor(m.ID, m.TMID != "")
		if m.TMID != "" || m.HasThread {
			at.Thread = m.root()
		}
	}
	s.mu.Unlock()
	to := url.URL{Path: "/", RawQuery: at.query(), Fragment: fragment}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// action does what a posted form asks for, and says where its result is to be seen.
type action func(form url.Values) (choice, string, error)

// act answers a form: with the page again, or, for the page's script, which asks with the header X-Live, with a status and a line of text.
func (p *chatPage) act(do action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "the form cannot be read or is too large", http.StatusBadRequest)
			return
		}
		at, fragment, err := do(r.PostForm)
		live := r.Header.Get("X-Live") != ""
		switch {
		case err != nil && live:
			http.Error(w, tellPerson(err), http.StatusUnprocessableEntity)
		case err != nil:
			v := p.sim.look(choiceOf(r.PostForm))
			v.Error, v.Draft = tellPerson(err), r.PostForm.Get("text")
			p.render(w, http.StatusUnprocessableEntity, v)
		case live:
			w.WriteHeader(http.StatusNoContent)
		default:
			to := url.URL{Path: "/", RawQuery: at.query(), Fragment: fragment}
			http.Redirect(w, r, to.String(), http.StatusSeeOther)
		}
	}
}

// tellPerson is an error as people read it.
func tellPerson(err error) string {
	return strings.TrimPrefix(err.Error(), "rocketsim: ")
}
