package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/threadrelay/threadrelay/relay/console"
)

func works(context.Context) error { return nil }

func fails(context.Context) error { return errors.New("secret detail of the failure") }

func hangs(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func panics(context.Context) error { panic("secret detail of the panic") }

// get asks for a page, with an Authorization header if that is not empty.
func get(t *testing.T, c *console.Console, path, authorization string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	rec := httptest.NewRecorder()
	c.Handler().ServeHTTP(rec, r)
	return rec
}

// registry has the collectors that every process of ours has.
func registry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

func TestAlive(t *testing.T) {
	c := console.New(console.Config{Metrics: registry(), Checks: []console.Check{{Name: "bus", Look: fails, Vital: true}}})
	c.Drain()
	rec := get(t, c, "/livez", "")
	if rec.Code != http.StatusOK || rec.Body.String() != "{\"status\":\"alive\"}\n" || rec.Header().Get("Content-Type") != "application/json" {
		t.Errorf("answer %d %s (%v)", rec.Code, rec.Body, rec.Header())
	}
}

func TestReady(t *testing.T) {
	bus := func(look func(context.Context) error) console.Check {
		return console.Check{Name: "bus", Look: look, Vital: true}
	}
	chat := func(look func(context.Context) error) console.Check { return console.Check{Name: "chat", Look: look} }
	cases := []struct {
		name       string
		checks     []console.Check
		drain      bool
		code       int
		status     string
		components map[string]string
	}{
		{"nothing to check", nil, false, 200, "ready", map[string]string{}},
		{"all is well", []console.Check{bus(works), chat(works)}, false, 200, "ready", map[string]string{"bus": "ok", "chat": "ok"}},
		{"a vital one fails", []console.Check{bus(fails), chat(works)}, false, 503, "not ready", map[string]string{"bus": "failing", "chat": "ok"}},
		{"another fails", []console.Check{bus(works), chat(fails)}, false, 200, "ready", map[string]string{"bus": "ok", "chat": "failing"}},
		{"both fail", []console.Check{chat(fails), bus(fails)}, false, 503, "not ready", map[string]string{"bus": "failing", "chat": "failing"}},
		{"a vital one hangs", []console.Check{bus(hangs), chat(works)}, false, 503, "not ready", map[string]string{"bus": "failing", "chat": "ok"}},
		{"another hangs", []console.Check{chat(hangs), bus(works)}, false, 200, "ready", map[string]string{"bus": "ok", "chat": "failing"}},
		{"another hangs and a vital one notices the time", []console.Check{chat(hangs), bus((context.Context).Err)}, false, 200, "ready",
			map[string]string{"bus": "ok", "chat": "failing"}},
		{"a vital one panics", []console.Check{bus(panics), chat(works)}, false, 503, "not ready", map[string]string{"bus": "failing", "chat": "ok"}},
		{"draining", []console.Check{bus(works), chat(works)}, true, 503, "draining", map[string]string{"bus": "ok", "chat": "ok"}},
		{"draining and failing", []console.Check{bus(fails)}, true, 503, "draining", map[string]string{"bus": "failing"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := console.New(console.Config{Checks: c.checks, Metrics: registry()})
				if c.drain {
					k.Drain()
				}
				start := time.Now()
				rec := get(t, k, "/readyz", "")
				if took := time.Since(start); took > time.Second {
					t.Errorf("the answer took %s", took)
				}
				if rec.Code != c.code || rec.Header().Get("Content-Type") != "application/json" {
					t.Errorf("answer %d (%v), want %d", rec.Code, rec.Header(), c.code)
				}
				if strings.Contains(rec.Body.String(), "secret") {
					t.Errorf("the page shows the reason: %s", rec.Body)
				}
				wantReport(t, rec.Body.Bytes(), c.status, c.components)
			})
		})
	}
}

// More about a component is shown beside its word, and changes nothing about the status.
func TestReadyShowsDetails(t *testing.T) {
	lag := 3
	k := console.New(console.Config{Metrics: registry(), Checks: []console.Check{
		{Name: "bus", Look: works, Vital: true},
		{Name: "poll/a", Look: fails, Detail: func() any { return map[string]int{"lag": lag} }},
	}})
	for want := 3; want < 5; want++ {
		lag = want
		rec := get(t, k, "/readyz", "")
		var got struct {
			Status     string
			Components map[string]string
			Details    map[string]map[string]int
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if rec.Code != http.StatusOK || got.Status != "ready" || got.Components["poll/a"] != "failing" || len(got.Details) != 1 || got.Details["poll/a"]["lag"] != want {
			t.Errorf("answer %d %s", rec.Code, rec.Body)
		}
	}
}

func wantReport(t *testing.T, body []byte, status string, components map[string]string) {
	t.Helper()
	var got struct {
		Status     string            `json:"status"`
		Components map[string]string `json:"components"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if got.Status != status || !reflect.DeepEqual(got.Components, components) {
		t.Errorf("report %+v, want %s %v", got, status, components)
	}
}

func TestReadinessComesBack(t *testing.T) {
	var problem error
	c := console.New(console.Config{Metrics: registry(), Checks: []console.Check{
		{Name: "bus", Look: func(context.Context) error { return problem }, Vital: true},
	}})
	for _, step := range []struct {
		problem error
		want    int
	}{{nil, 200}, {errors.New("away"), 503}, {nil, 200}} {
		problem = step.problem
		if got := get(t, c, "/readyz", "").Code; got != step.want {
			t.Errorf("with %v: %d, want %d", problem, got, step.want)
		}
	}
}

func TestReasonsAreLogged(t *testing.T) {
	var lines bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := console.New(console.Config{Metrics: registry(), Log: log, Checks: []console.Check{
		{Name: "bus", Look: fails}, {Name: "chat", Look: panics}, {Name: "desk", Look: works},
	}})
	get(t, c, "/readyz", "")
	for _, want := range []string{"component=bus error=\"secret detail of the failure\"", "component=chat", "secret detail of the panic"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, &lines)
		}
	}
	if strings.Contains(lines.String(), "desk") {
		t.Errorf("what works is in the log:\n%s", &lines)
	}
}

func TestTheTokenGuardsTheMetrics(t *testing.T) {
	const token = "drawbridge77portcullis"
	cases := []struct {
		name, token, path, authorization string
		code                             int
	}{
		{"no token configured", "", "/metrics", "", 200},
		{"no token configured, one sent", "", "/metrics", "Bearer x", 200},
		{"right", token, "/metrics", "Bearer " + token, 200},
		{"none", token, "/metrics", "", 401},
		{"wrong", token, "/metrics", "Bearer x", 401},
		{"empty", token, "/metrics", "Bearer ", 401},
		{"a part of it", token, "/metrics", "Bearer " + token[:5], 401},
		{"more than it", token, "/metrics", "Bearer " + token + "x", 401},
		{"not as a bearer", token, "/metrics", token, 401},
		{"as a password", token, "/metrics", "Basic " + token, 401},
		{"livez is open", token, "/livez", "", 200},
		{"readyz is open", token, "/readyz", "", 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := console.New(console.Config{Metrics: registry(), Token: c.token})
			rec := get(t, k, c.path, c.authorization)
			if rec.Code != c.code {
				t.Errorf("answer %d, want %d", rec.Code, c.code)
			}
			challenge := ""
			if c.code == http.StatusUnauthorized {
				challenge = `Bearer realm="threadrelay"`
			}
			if got := rec.Header().Get("WWW-Authenticate"); got != challenge {
				t.Errorf("challenge %q", got)
			}
			if strings.Contains(rec.Body.String(), token) {
				t.Error("the page shows the token")
			}
			metrics := strings.Contains(rec.Body.String(), "go_goroutines ") && strings.Contains(rec.Body.String(), "process_")
			if want := c.code == http.StatusOK && c.path == "/metrics"; metrics != want {
				t.Errorf("metrics are shown: %t, want %t", metrics, want)
			}
		})
	}
}

func TestOtherMethodsAndPagesAreRefused(t *testing.T) {
	c := console.New(console.Config{Metrics: registry()})
	cases := []struct {
		method, path string
		code         int
	}{
		{http.MethodPost, "/livez", 405}, {http.MethodPost, "/readyz", 405}, {http.MethodDelete, "/metrics", 405},
		{http.MethodGet, "/debug/pprof/", 404}, {http.MethodGet, "/hooks/support", 404}, {http.MethodHead, "/livez", 200},
	}
	for _, k := range cases {
		rec := httptest.NewRecorder()
		c.Handler().ServeHTTP(rec, httptest.NewRequest(k.method, k.path, nil))
		if rec.Code != k.code {
			t.Errorf("%s %s: %d, want %d", k.method, k.path, rec.Code, k.code)
		}
	}
}
