package rocketsim_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// TestWhatFollowsAnAnswer goes through the table of triggerHandler.ts.
func TestWhatFollowsAnAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		said     said
		attempts string // what followed each
		disabled bool
	}{
		"200":                 {said{200, "application/json", "{}"}, "ok", false},
		"200 with a text":     {said{200, "text/plain", "fine"}, "ok", false},
		"201":                 {said{201, "text/plain", "made"}, "ok", false},
		"202":                 {said{202, "text/plain", "later"}, "ok", false},
		"200 with nothing":    {said{200, "application/json", ""}, "retry retry given up", false},
		"204":                 {said{204, "", ""}, "retry retry given up", false},
		"203 with a body":     {said{203, "text/plain", "x"}, "retry retry given up", false},
		"400":                 {said{400, "text/plain", "x"}, "retry retry given up", false},
		"429":                 {said{429, "text/plain", "x"}, "retry retry given up", false},
		"503":                 {said{503, "text/plain", "x"}, "retry retry given up", false},
		"500":                 {said{500, "text/plain", "x"}, "given up", false},
		"500 with nothing":    {said{500, "text/plain", ""}, "retry retry given up", false},
		"410":                 {said{410, "text/plain", "x"}, "disabled", true},
		"410 with nothing":    {said{410, "text/plain", ""}, "retry retry given up", false},
		"302 to nowhere":      {said{302, "text/plain", "x"}, "retry retry given up", false},
		"502 twice, then 200": {said{0, "", ""}, "retry retry ok", false},
	} {
		t.Run(name, func(t *testing.T) {
			x := newSite(t, rocketsim.Config{Speed: 1e6})
			rec := newReceiver(t, func(n int, _ object) said {
				if c.said.status == 0 {
					return []said{{502, "text/plain", "x"}, {502, "text/plain", "x"}, fine()}[n]
				}
				return c.said
			})
			made := x.hook(rocketsim.Integration{URLs: []string{rec.URL}, RetryFailedCalls: true, RetryCount: 2})
			id := x.say(in("ann", "hello"))
			var next []string
			for i, d := range x.settled() {
				if d.Next == "" {
					d.Next = "ok"
				}
				next = append(next, d.Next)
				if d.Attempt != i+1 || d.MessageID != id || d.Integration != made.ID || (d.Err == "") != (d.Next == "ok") {
					t.Errorf("attempt %+v", d)
				}
				if !bytes.Equal(d.Body, x.Deliveries()[0].Body) {
					t.Errorf("attempt %d has another body", i+1)
				}
			}
			if got := strings.Join(next, " "); got != c.attempts {
				t.Errorf("attempts %s, want %s", got, c.attempts)
			}
			if got := x.Integrations()[0].Disabled; got != c.disabled {
				t.Errorf("disabled %v", got)
			}
		})
	}
}

func TestNothingIsTriedAgainUnasked(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	rec := newReceiver(t, func(int, object) said { return said{503, "text/plain", "x"} })
	x.hook(rocketsim.Integration{URLs: []string{rec.URL}})
	x.say(in("ann", "hello"))
	if d := x.settled(); len(d) != 1 || d[0].Status != 503 || d[0].Next != "given up" {
		t.Errorf("attempts %+v", d)
	}
}

func TestADisabledIntegrationComesBack(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	rec := newReceiver(t, func(n int, _ object) said {
		if n == 0 {
			return said{410, "text/plain", "gone"}
		}
		return fine()
	})
	made := x.hook(rocketsim.Integration{URLs: []string{rec.URL}})
	for _, text := range []string{"1", "2"} {
		x.say(in("ann", text))
		x.settled()
	}
	must(t, x.EnableIntegration(made.ID, true))
	x.say(in("ann", "3"))
	if got := x.texts(rec); got != "1 3" {
		t.Errorf("told %q", got)
	}
	if err := x.EnableIntegration("nothing", true); err == nil {
		t.Error("an unknown integration was enabled")
	}
}

// TestBrokenConnectionsAreNotTriedAgain also cuts an answer and makes one too large.
func TestBrokenConnectionsAreNotTriedAgain(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "{")
		},
		"endless":      func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 10<<20+1)) },
		"no answer":    func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
		"no such host": nil,
	} {
		t.Run(name, func(t *testing.T) {
			cfg := rocketsim.Config{Speed: 1e6}
			if name == "no answer" {
				cfg.Hooks.Timeout = 20 * time.Millisecond
			}
			x := newSite(t, cfg)
			at := "http://127.0.0.1:0/nothing"
			if serve != nil {
				web := httptest.NewServer(serve)
				defer web.Close()
				at = web.URL
			}
			x.hook(rocketsim.Integration{URLs: []string{at}, RetryFailedCalls: true})
			x.say(in("ann", "hello"))
			if d := x.settled(); len(d) != 1 || d[0].Err == "" || d[0].Next != "given up" {
				t.Errorf("attempts %+v", d)
			}
			if x.Integrations()[0].Disabled {
				t.Error("disabled")
			}
		})
	}
}

// carrier answers calls without a network.
type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

// TestRetriesComeWhenTheDocumentsSay runs on a clock of its own, without a network.
func TestRetriesComeWhenTheDocumentsSay(t *testing.T) {
	for _, c := range []struct {
		delay string
		count int
		speed float64
		want  string
	}{
		{"powers-of-ten", 3, 0, "[0s 100ms 1.1s 11.1s]"},
		{"", 5, 0, "[0s 100ms 1.1s 11.1s 1m51.1s 18m31.1s]"},
		{"powers-of-two", 0, 0, "[0s 2s 6s 14s 30s]"},
		{"increments-of-two", 0, 0, "[0s 2s 6s 12s 20s]"},
		{"increments-of-two", 1, 20, "[0s 100ms]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			var at []any
			transport := carrier(func(*http.Request) (*http.Response, error) {
				at = append(at, time.Since(start))
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
			})
			s, err := rocketsim.New(rocketsim.Config{Speed: c.speed, Hooks: rocketsim.HooksConfig{Transport: transport}})
			must(t, err)
			defer s.Close()
			_, err = s.AddIntegration(rocketsim.Integration{
				URLs: []string{"http://relay.test/"}, RetryFailedCalls: true, RetryCount: c.count, RetryDelay: c.delay,
			})
			must(t, err)
			_, err = s.Say(rocketsim.Say{From: "rocket.cat", Room: "GENERAL", Text: "hello"})
			must(t, err, s.AwaitHooks(t.Context()))
			if got := fmt.Sprint(at); got != c.want {
				t.Errorf("%q at speed %g: called at %s, want %s", c.delay, c.speed, got, c.want)
			}
		})
	}
}
