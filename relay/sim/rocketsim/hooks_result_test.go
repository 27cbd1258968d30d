package rocketsim_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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

func TestAnswersArePosted(t *testing.T) {
	for name, c := range map[string]struct {
		in       rocketsim.Integration
		said     said
		want     string // sender, alias, text, room
		thread   bool
		unposted string
	}{
		"text":          {said: said{200, "application/json; charset=utf-8", `{"text":" on it "}`}, want: "rocket.cat||on it|GENERAL"},
		"in the thread": {said: said{200, "application/json", `{"text":"on it","tmid":"ROOT"}`}, want: "rocket.cat||on it|GENERAL", thread: true},
		"as a script":   {said: said{201, "text/javascript", `{"text":"x"}`}, want: "rocket.cat||x|GENERAL"},
		"alias":         {said: said{200, "application/json", `{"text":"x","alias":"Max"}`}, want: "rocket.cat|Max|x|GENERAL"},
		"alias of the integration": {
			in: rocketsim.Integration{Alias: "Ops"}, said: said{200, "application/json", `{"text":"x"}`}, want: "rocket.cat|Ops|x|GENERAL",
		},
		"attachments": {said: said{200, "application/json", `{"attachments":[{"text":"a"}]}`}, want: "rocket.cat|||GENERAL"},
		"to a channel": {
			in: rocketsim.Integration{Username: "bot"}, said: said{200, "application/json", `{"text":"x","channel":"#team"}`}, want: "bot||x|TEAM",
		},
		"to the integration's room": {
			in: rocketsim.Integration{Username: "bot", TargetRoom: "#team"}, said: said{200, "application/json", `{"text":"x"}`}, want: "bot||x|TEAM",
		},
		"as the author": {
			in: rocketsim.Integration{ImpersonateUser: true}, said: said{200, "application/json", `{"text":"x"}`}, want: "ann||x|GENERAL",
		},
		"another name without the permission": {
			in: rocketsim.Integration{Username: "ben"}, said: said{200, "application/json", `{"text":"x","alias":"Max"}`}, unposted: "Not enough permission",
		},
		"into a private room of others": {
			said: said{200, "application/json", `{"text":"x","channel":"#team"}`}, unposted: "error-not-allowed",
		},
		"to nowhere":         {said: said{200, "application/json", `{"text":"x","channel":"#nowhere"}`}, unposted: "no such room"},
		"no JSON type":       {said: said{200, "text/plain", `{"text":"x"}`}},
		"broken JSON":        {said: said{200, "application/json", `{"text":"x"`}},
		"no object":          {said: said{200, "application/json", `["text"]`}},
		"nothing to say":     {said: said{200, "application/json", `{"text":"","tmid":"ROOT"}`}},
		"acknowledged":       {said: said{200, "application/json", `{}`}},
		"a failure's answer": {said: said{400, "application/json", `{"text":"x"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			x := newSite(t, rocketsim.Config{})
			root := x.say(rocketsim.Say{From: "ann", Room: "GENERAL", Text: "hello", ID: "ROOT"})
			rec := newReceiver(t, func(n int, _ object) said {
				if n > 0 {
					return fine() // what was posted fires the webhook again
				}
				return c.said
			})
			c.in.URLs = []string{rec.URL}
			made := x.hook(c.in)
			asked := x.say(in("ann", "help"))
			first := x.settled()[0]
			if first.MessageID != asked || c.unposted == "" && first.Unposted != "" || !strings.Contains(first.Unposted, c.unposted) {
				t.Fatalf("first %+v", first)
			}
			m, posted := x.Message(first.Posted)
			if posted != (c.want != "") {
				t.Fatalf("posted %v: %+v", posted, m)
			}
			if !posted {
				return
			}
			if got := strings.Join([]string{m.From, m.Alias, m.Text, m.Room}, "|"); got != c.want || (m.Thread == root) != c.thread {
				t.Errorf("posted %s in thread %q", got, m.Thread)
			}
			if got := fmt.Sprint(m.Bot); got != "map[i:"+made.ID+"]" {
				t.Errorf("bot %s", got)
			}
			if c.thread && len(x.Thread(root)) != 1 {
				t.Errorf("thread %+v", x.Thread(root))
			}
		})
	}
}

// TestAnswersFireAgain is the loop that a careless webhook makes (Rocket.Chat issue 14723).
func TestAnswersFireAgain(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	rec := newReceiver(t, func(n int, body object) said {
		if n == 3 {
			return fine()
		}
		return said{200, "application/json", fmt.Sprintf(`{"text":"%s!"}`, body["text"])}
	})
	x.hook(rocketsim.Integration{URLs: []string{rec.URL}})
	x.say(in("ann", "echo"))
	if got := x.texts(rec); got != "echo echo! echo!! echo!!!" {
		t.Errorf("told %q", got)
	}
	if calls := rec.calls(); calls[0]["bot"] != false || calls[1]["bot"] != true || calls[1]["user_name"] != "rocket.cat" {
		t.Errorf("calls %v", calls)
	}
}

func TestIntegrationsAreChecked(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	good := []string{"http://relay.test/hook"}
	made := x.hook(rocketsim.Integration{ID: "i1", URLs: good})
	if made.Name != "relay" || made.Username != "rocket.cat" || made.Event != "sendMessage" || made.Token == "" {
		t.Errorf("defaults %+v", made)
	}
	for name, bad := range map[string]rocketsim.Integration{
		"no URL":             {},
		"relative URL":       {URLs: []string{"/hook"}},
		"unreadable URL":     {URLs: []string{"http://[::1"}},
		"id taken":           {ID: "i1", URLs: good},
		"unknown event":      {Event: "messageEdited", URLs: good},
		"unknown user":       {Username: "nobody", URLs: good},
		"unknown room":       {Channel: []string{"#nowhere"}, URLs: good},
		"unknown delay":      {RetryDelay: "soon", URLs: good},
		"channel of no kind": {Channel: []string{"general"}, URLs: good},
	} {
		if _, err := x.AddIntegration(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	x.Close()
	if _, err := x.AddIntegration(rocketsim.Integration{URLs: good}); err == nil {
		t.Error("accepted after Close")
	}
}

func TestIntegrationsMadeThroughREST(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	rec := newReceiver(t, nil)
	r := x.post("integrations.create", "root", object{
		"type": "webhook-outgoing", "username": "rocket.cat", "channel": "#general, #team", "event": "sendMessage", "urls": []string{rec.URL},
		"name": "relay", "enabled": true, "scriptEnabled": false, "triggerWords": []string{"!"}, "runOnEdits": true,
	}).ok(t)
	token := r.at("integration", "token")
	x.say(in("ann", "!one"))
	x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "!two"})
	x.say(in("ann", "three"))
	if got := x.texts(rec); got != "!one !two" {
		t.Errorf("told %q", got)
	}
	if got := rec.calls()[0]; got["token"] != token || token == nil {
		t.Errorf("token %v, want %v", got["token"], token)
	}
	if all := x.Integrations(); len(all) != 1 || !slices.Equal(all[0].Channel, []string{"#general", "#team"}) {
		t.Errorf("integrations %+v", all)
	}
}
