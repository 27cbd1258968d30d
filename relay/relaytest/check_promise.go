package relaytest

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func promiseChecks() []check {
	return []check{
		{"promises/kept", nil, promisesKept},
		{"promises/capabilities", []Interface{Capable}, saneCapabilities},
	}
}

// promisesKept: a connection is what it promises to be, and promises all that it is.
func promisesKept(s *suite) {
	conn := s.p.Connect(s.t, Address{URL: "http://127.0.0.1:1"})
	for _, i := range interfaces() {
		is, promised := implements(conn, i), slices.Contains(s.p.Promises, i)
		switch {
		case promised && !is:
			s.t.Errorf("the connection promises to be a %s and is none", i)
		case is && !promised:
			s.t.Errorf("the connection is a %s, which its platform does not promise: nothing would notice if it got lost", i)
		}
	}
	for _, i := range s.p.Promises {
		if !slices.Contains(interfaces(), i) {
			s.t.Errorf("there is no interface %q", i)
		}
	}
}

// saneCapabilities: what the platform says of itself makes sense to whoever goes by it.
func saneCapabilities(s *suite) {
	c := s.stand(StageConfig{}).abilities()
	if c.TextLimit <= 0 {
		s.t.Errorf("the text limit is %d", c.TextLimit)
	}
	if length(c.TextUnit, "x") == 0 {
		s.t.Errorf("the text limit's unit is %q: want byte, rune or utf16", c.TextUnit)
	}
	if !slices.Contains([]event.IdentityKind{event.Ghosts, event.Alias, event.NoIdentity}, c.Identity) {
		s.t.Errorf("the identity is %q: want ghosts, alias or none", c.Identity)
	}
	if !slices.Contains([]event.Idempotence{event.Native, event.ByMarker, event.NoIdempotence}, c.Idempotence) {
		s.t.Errorf("the idempotence is %q: want native, marker or none", c.Idempotence)
	}
	if c.Idempotence == event.ByMarker && !s.promises(Finder) {
		s.t.Error("sends are idempotent by marker, and no Finder looks for it")
	}
	if c.AttachmentLimit < 0 {
		s.t.Errorf("the attachment limit is %d", c.AttachmentLimit)
	}
	for _, b := range c.Budgets {
		if b.N <= 0 || b.Per <= 0 || !slices.Contains([]string{"connection", "sender", "route"}, b.Scope) {
			s.t.Errorf("budget %+v: want a scope, and more than 0 calls in more than no time", b)
		}
	}
}

func secretChecks() []check {
	return []check{
		{"secrets/printed", nil, secretsPrinted},
		{"secrets/redirect", []Interface{Sender}, secretsRedirected},
		{"secrets/spoken", nil, secretsSpoken},
	}
}

// secretsPrinted: however a connection is printed or logged, its secrets do not show.
func secretsPrinted(s *suite) {
	for _, at := range []Address{{URL: "http://127.0.0.1:1"}, {URL: "http://127.0.0.1:1", ClosedHook: true}} {
		conn := s.p.Connect(s.t, at)
		s.sift("the printed connection", nil, conn, struct{ C any }{conn}, []any{conn})
		for _, verb := range []string{"%s", "%d", "%x", "%T"} {
			s.siftText("the connection printed with "+verb, fmt.Sprintf(verb, conn))
		}
		var logged bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
			slog.New(h).Info("a line", "connection", conn, "inside", []any{conn})
		}
		s.siftText("the logged connection", logged.String())
	}
}

// secretsRedirected: whoever answers a call with a redirect does not learn the secrets at its other end.
func secretsRedirected(s *suite) {
	b := s.stand(StageConfig{})
	var mu sync.Mutex
	var stolen strings.Builder
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&stolen, "%s %s %v %s\n", r.Method, r.URL, r.Header, body)
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	defer trap.Close()
	elsewhere, err := url.Parse(trap.URL)
	s.must(err)
	// By the name instead of the number: another host, to which Go's client does not forward what it knows for a credential.
	targets := []string{trap.URL, "http://localhost:" + elsewhere.Port()}
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, target := range targets {
			b.front.clear()
			b.front.inject(fault{answer: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", target+r.URL.RequestURI())
				w.WriteHeader(status)
			}})
			if _, err := b.send(s.ctx, b.action(event.Post, b.group(), "")); err == nil {
				s.t.Errorf("Send answered with a redirect (%d) returns no error", status)
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	s.siftText("a request that was led elsewhere", stolen.String())
}

// secretsSpoken: a secret that somebody writes into a message, or the platform into a webhook, gets no further.
func secretsSpoken(s *suite) {
	b := s.stand(StageConfig{})
	var cursor string
	if s.promises(Poller) {
		first, err := b.poll(s.ctx, relay.PollRequest{Source: b.scene.Sources[0].Name})
		s.must(err)
		cursor = first.Next
	}
	var said []event.MessageID
	for _, secret := range s.p.Secrets {
		if secret.Known {
			said = append(said, b.say(b.group(), "the secret is "+secret.Value+", do not tell"))
		}
	}
	if s.promises(Poller) {
		if _, err := b.poll(s.ctx, relay.PollRequest{Source: b.scene.Sources[0].Name, After: cursor}); err != nil {
			s.t.Error(err)
		}
	}
	if s.promises(Receiver) && slices.Contains(s.p.Tells.Hooks, event.MessageCreated) {
		for _, id := range said {
			b.told(event.MessageCreated, id)
		}
	}
	if s.promises(Reader) {
		if _, err := b.readConversation(s.ctx, b.group(), relay.PageRequest{}); err != nil {
			s.t.Error(err)
		}
	}
}
