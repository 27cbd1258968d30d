package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/ingest"
)

func TestAStoredEventIsAnsweredAndCanBeRead(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	h := serve(t, b, 0, nil)
	got := h.post(`{"id":"1","text":"hi"}`)
	if got.status != http.StatusOK || strings.TrimSpace(got.body) != "{}" || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("answer %+v", got)
	}
	s, err := b.Subscriber(bus.SubscriberConfig{Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	messages, err := s.Subscribe(ctx, bus.Events)
	if err != nil {
		t.Fatal(err)
	}
	m := bustest.Receive(t, messages)
	e, err := bus.ReadEvent(m)
	if err != nil {
		t.Fatal(err)
	}
	m.Ack()
	if e.ID != "chat:1" || e.Message.Text != "hi" || e.Thread != created("", "").Thread {
		t.Errorf("stored is %+v", e)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestEveryRowOfTheHookTable(t *testing.T) {
	const said = `{"id":"%s","text":"hi"}`
	closed := receiver(func(http.Header, []byte) ([]event.Event, error) { return nil, fmt.Errorf("x: %w", relay.ErrHookClosed) })
	broken := receiver(func(http.Header, []byte) ([]event.Event, error) { return nil, errors.New("secret detail") })
	panics := receiver(func(http.Header, []byte) ([]event.Event, error) { panic("secret detail") })
	platforms := map[event.ConnectionID]relay.Receiver{"support": chat(), "closed": closed, "broken": broken, "panics": panics}
	cases := []struct {
		name         string
		path, body   string
		change       func(*http.Request)
		status       int
		calls        string
		problem      string // of the answer's JSON; empty for {}
		events, dead int    // what is stored additionally
	}{
		{name: "stored", body: said, status: 200, calls: "support/stored", events: 1},
		{name: "identity", body: said, change: header("Content-Encoding", "identity"), status: 200, calls: "support/stored", events: 1},
		{name: "gzip in capitals, which it is not", body: said, change: header("Content-Encoding", "GZIP"), status: 400,
			calls: "support/unreadable", problem: "the body could not be read to its end"},
		{name: "duplicate", body: `{"id":"stored","text":"hi"}`, status: 200, calls: "support/duplicate"},
		{name: "unknown shape", body: `{"x":1}`, status: 200, calls: "support/kept_as_dead_letter", dead: 1},
		{name: "the same again", body: `{"x":1}`, status: 200, calls: "support/kept_as_dead_letter"},
		{name: "not JSON", body: `{"id":`, status: 400, calls: "support/not_json", problem: "the body is not JSON"},
		{name: "empty", body: ``, status: 400, calls: "support/not_json", problem: "the body is not JSON"},
		{name: "wrong password", body: said, change: func(r *http.Request) { r.SetBasicAuth("hook", "x") }, status: 401,
			calls: "support/unauthorized", problem: "wrong or missing credentials"},
		{name: "no credentials", body: said, change: header("Authorization", ""), status: 401,
			calls: "support/unauthorized", problem: "wrong or missing credentials"},
		{name: "closed", path: "/hooks/closed", body: said, status: 403, calls: "closed/closed",
			problem: "this hook has no credentials configured and takes nothing"},
		{name: "unknown", path: "/hooks/nobody", body: said, status: 404, calls: "unknown/unknown_connection", problem: "no such connection"},
		{name: "unknown and odd", path: "/hooks/a%2Fb%0A%22%7D", body: said, status: 404, calls: "unknown/unknown_connection", problem: "no such connection"},
		{name: "unknown and long", path: "/hooks/" + strings.Repeat("x", 5000), body: said, status: 404,
			calls: "unknown/unknown_connection", problem: "no such connection"},
		{name: "unknown encoding", body: said, change: header("Content-Encoding", "br"), status: 415, calls: "support/encoding",
			problem: "Content-Encoding must be gzip or absent"},
		{name: "two encodings", body: said, change: header("Content-Encoding", "gzip, gzip"), status: 415, calls: "support/encoding",
			problem: "Content-Encoding must be gzip or absent"},
		{name: "the platform fails", path: "/hooks/broken", body: said, status: 503, calls: "broken/failed", problem: "the call could not be decoded"},
		{name: "the platform panics", path: "/hooks/panics", body: said, status: 503, calls: "panics/failed", problem: "the call could not be decoded"},
	}
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	events, dead := 0, 0
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, b, 0, platforms)
			r := h.request(strings.NewReader(strings.ReplaceAll(c.body, "%s", c.name)))
			if c.path != "" {
				r = h.request(strings.NewReader(c.body))
				r.URL.Path, r.URL.RawPath = "", ""
				r.URL.Opaque = c.path
			}
			if c.change != nil {
				c.change(r)
			}
			wantAnswer(t, h.do(r), c.status, c.problem)
			h.wantCalls(map[string]int{c.calls: 1})
			events, dead = events+c.events, dead+c.dead
			wantStored(t, srv, events, dead)
		})
	}
}

// header sets a header, or removes it if the value is empty.
func header(key, value string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del(key)
		if value != "" {
			r.Header.Set(key, value)
		}
	}
}

// wantAnswer compares an answer with what the status promises; problem is its text, empty where all is well.
func wantAnswer(t *testing.T, got reply, status int, problem string) {
	t.Helper()
	want := "{}"
	if problem != "" {
		data, err := json.Marshal(map[string]string{"error": problem})
		if err != nil {
			t.Fatal(err)
		}
		want = string(data)
	}
	if got.status != status || got.body != want+"\n" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("answer %d %q (%s), want %d %s", got.status, got.body, got.header.Get("Content-Type"), status, want)
	}
	retry, challenge := "", ""
	if status >= 500 {
		retry = "5"
	}
	if status == http.StatusUnauthorized {
		challenge = `Basic realm="threadrelay"`
	}
	if got.header.Get("Retry-After") != retry || got.header.Get("WWW-Authenticate") != challenge {
		t.Errorf("headers %v, want Retry-After %q and WWW-Authenticate %q", got.header, retry, challenge)
	}
}

func TestOtherMethodsAreNotAllowed(t *testing.T) {
	h := serve(t, bustest.Open(t), 0, nil)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		r := h.request(nil)
		r.Method = method
		if got := h.do(r); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != http.MethodPost {
			t.Errorf("%s: %+v", method, got)
		}
	}
	h.wantCalls(nil)
}

func TestADeadLetterHoldsTheCallWithoutItsCredentials(t *testing.T) {
	srv := bustest.StartServer(t, "")
	h := serve(t, srv.Open(bus.Config{}), 0, nil)
	for _, body := range []string{`{"v":2,"key":"hunter2"}`, `{"v":2,"key":"hunter2"}`, `{"v":3}`} {
		wantAnswer(t, h.post(body), http.StatusOK, "")
	}
	h.wantCalls(map[string]int{"support/kept_as_dead_letter": 3})
	letters := srv.Stored(bus.DeadStream)
	if len(letters) != 2 {
		t.Fatalf("%d dead letters", len(letters))
	}
	m := letters[0]
	if string(m.Data) != `{"v":2,"key":"[removed]"}` {
		t.Errorf("payload %s", m.Data)
	}
	if !strings.HasPrefix(m.Subject, "relay.dead.ingest.support.") || m.Header.Get("Relay-Dead-Stage") != "ingest" ||
		m.Header.Get("Relay-Dead-Consumer") != "support" || !strings.Contains(m.Header.Get("Relay-Dead-Reason"), "no id, no text") {
		t.Errorf("%s with %v", m.Subject, m.Header)
	}
}

func TestWhatCannotTravelIsKept(t *testing.T) {
	large := created("large", strings.Repeat("x", 1_200_000))
	unfit := created("unfit", "hi")
	unfit.Time = time.Time{}
	notJSON := created("raw", "")
	notJSON.Type, notJSON.Message, notJSON.Payload = event.Other, nil, json.RawMessage(`{"x"`)
	lineBreak := created("a\r\nNats-Rollup: all", "hi")
	longID := created(strings.Repeat("x", 70_000), "hi")
	spaceID := created("1 ", "hi") // would be taken for the event "chat:1"
	cases := []struct {
		name   string
		events []event.Event
		reason string
	}{
		{"too large for NATS", []event.Event{large}, "message too large"},
		{"not valid", []event.Event{unfit}, "time is missing"},
		{"one of two not valid", []event.Event{created("1", "hi"), unfit}, "time is missing"},
		{"a payload that is no JSON", []event.Event{notJSON}, "encode"},
		{"a line break in the id", []event.Event{lineBreak}, "control character"},
		{"an id too long for a header", []event.Event{longID}, "event id is 70005 bytes long"},
		{"a space at the end of the id", []event.Event{spaceID}, "begins or ends with a space"},
	}
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	wantAnswer(t, serve(t, b, 0, nil).post(`{"id":"1","text":"hi"}`), http.StatusOK, "")
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := fmt.Sprintf(`{"case":%d,"password":"hunter2"}`, i)
			for _, redacts := range []bool{true, false} {
				var platform relay.Receiver = receiver(func(http.Header, []byte) ([]event.Event, error) { return c.events, nil })
				want := body
				if redacts {
					platform = redacting{platform.(receiver), removePassword}
					want = strings.ReplaceAll(body, "hunter2", "[removed]")
				}
				h := serve(t, b, 0, map[event.ConnectionID]relay.Receiver{"support": platform})
				wantAnswer(t, h.post(body), http.StatusOK, "")
				h.wantCalls(map[string]int{"support/kept_as_dead_letter": 1})
				letters := srv.Stored(bus.DeadStream)
				if len(letters) == 0 {
					t.Fatal("no dead letter")
				}
				last := letters[len(letters)-1]
				if reason := last.Header.Get("Relay-Dead-Reason"); string(last.Data) != want || !strings.Contains(reason, c.reason) {
					t.Errorf("kept %s because %q", last.Data, reason)
				}
			}
		})
	}
	wantStored(t, srv, 1, 2*len(cases))
}

func TestAPayloadThatRedactionLengthenedIsCut(t *testing.T) {
	srv := bustest.StartServer(t, "")
	long := strings.Repeat("x", 2<<20)
	platform := receiver(func(http.Header, []byte) ([]event.Event, error) {
		return nil, &relay.ShapeError{Payload: []byte(long), Err: errors.New("odd")}
	})
	h := serve(t, srv.Open(bus.Config{}), 0, map[event.ConnectionID]relay.Receiver{"support": platform})
	for range 2 {
		wantAnswer(t, h.post(""), http.StatusOK, "")
	}
	wantStored(t, srv, 0, 1)
	m := srv.Stored(bus.DeadStream)[0]
	if reason := m.Header.Get("Relay-Dead-Reason"); len(m.Data) != ingest.MaxBody || !strings.Contains(reason, "odd (payload cut from 2097152 bytes)") {
		t.Errorf("%d bytes are kept because %q", len(m.Data), reason)
	}
}

func TestSeveralEventsOfOneCall(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	var batch []event.Event
	platform := receiver(func(http.Header, []byte) ([]event.Event, error) { return batch, nil })
	h := serve(t, b, 0, map[event.ConnectionID]relay.Receiver{"support": platform})
	batch = []event.Event{created("1", "a"), created("2", "b")}
	wantAnswer(t, h.post(""), http.StatusOK, "")
	batch = []event.Event{created("2", "b"), created("3", "c")} // one of them is new
	wantAnswer(t, h.post(""), http.StatusOK, "")
	batch = []event.Event{created("1", "a"), created("3", "c")}
	wantAnswer(t, h.post(""), http.StatusOK, "")
	h.wantCalls(map[string]int{"support/stored": 2, "support/duplicate": 1})
	wantStored(t, srv, 3, 0)
}

func TestIdenticalCallsAtTheSameTimeStoreOneEvent(t *testing.T) {
	const callers = 64
	srv := bustest.StartServer(t, "")
	h := serve(t, srv.Open(bus.Config{}), bustest.Patience, nil)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if got := h.do(h.request(strings.NewReader(`{"id":"1","text":"hi"}`))); got.status != http.StatusOK {
				t.Errorf("answer %+v", got)
			}
		})
	}
	wg.Wait()
	h.wantCalls(map[string]int{"support/stored": 1, "support/duplicate": callers - 1})
	wantStored(t, srv, 1, 0)
}

func TestAnswersAreTimed(t *testing.T) {
	h := serve(t, bustest.Open(t), 0, nil)
	h.post(`{"id":"1","text":"hi"}`)
	h.post(`nonsense`)
	families, err := h.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "threadrelay_hook_seconds" {
			if got := f.GetMetric()[0].GetHistogram().GetSampleCount(); got != 2 {
				t.Errorf("%d calls were timed", got)
			}
			return
		}
	}
	t.Error("no histogram")
}

func TestMetricsThatAreTakenAreAnError(t *testing.T) {
	b := bustest.Open(t)
	reg := prometheus.NewRegistry()
	cfg := ingest.WebhookConfig{Bus: b, Metrics: reg}
	if _, err := ingest.NewWebhook(cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := ingest.NewWebhook(cfg); err == nil || !strings.HasPrefix(err.Error(), "ingest: metrics: ") {
		t.Errorf("error %v", err)
	}
}
