package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/console"
)

// morgue is a console over four dead letters: 1 and 2 are webhook calls, the others actions.

type morgue struct {
	*console.Console
	t   *testing.T
	bus *bus.Bus
	log *bytes.Buffer
}

var errStill = errors.New("still unknown")

// openMorgue returns a console whose platform "support" can decode calls by now; "ops" still cannot.

func openMorgue(t *testing.T, token string) *morgue {
	t.Helper()
	m := &morgue{t: t, bus: bustest.Open(t), log: &bytes.Buffer{}}
	at := time.Date(2026, 11, 1, 12, 30, 0, 0, time.UTC)
	for _, d := range []bus.DeadLetter{
		{Stage: bus.StageIngest, Consumer: "support", Key: "1", Reason: "unknown shape", Payload: []byte(`{"a":"<b>"}`)},
		{Stage: bus.StageIngest, Consumer: "ops", Key: "2", Reason: "unknown shape", Payload: []byte("\xff\x00")},
		{
			Stage: bus.Actions, Consumer: "deliver", Key: "7", Reason: "denied", Attempts: 2, First: at, Last: at.Add(time.Minute), Payload: nil,
			Subject: "relay.actions.3.support.b", Sequence: 7, Header: nats.Header{"Nats-Msg-Id": {"id"}, "Relay-Replay": {"first"}},
		},
		{Stage: bus.Actions, Consumer: "deliver", Key: "8", Reason: "no way back"},
	} {
		if err := m.bus.Bury(bustest.Context(t), d); err != nil {
			t.Fatal(err)
		}
	}
	m.Console = console.New(console.Config{
		Metrics: registry(), Token: token, Log: slog.New(slog.NewTextHandler(m.log, nil)),
		Dead: &console.Dead{Bus: m.bus, Replay: bus.ReplayConfig{Reingest: func(_ context.Context, connection string, _ []byte) error {
			if connection == "ops" {
				return errStill
			}
			return nil
		}}},
	})
	return m
}

// ask makes a request of a loopback address.

func (m *morgue) ask(method, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:9090"
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, r)
	return rec
}

// ids lists what is there.

func (m *morgue) ids() string {
	m.t.Helper()
	var all []string
	for d, err := range m.bus.DeadLetters(bustest.Context(m.t), bus.DeadFilter{}) {
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, d.ID)
	}
	return strings.Join(all, " ")
}

func TestDeadLettersAreListed(t *testing.T) {
	m := openMorgue(t, "")
	cases := []struct {
		query  string
		status int
		want   string
	}{
		{"", 200, "1 2 3 4"},
		{"?connection=support", 200, "1 3"},
		{"?stage=ingest", 200, "1 2"},
		{"?consumer=deliver&reason=no+way", 200, "4"},
		{"?reason=nothing+like+it", 200, ""},
		{"?connection=", 200, "1 2 3 4"},
		{"?colour=blue", 400, ""},
		{"?stage=ingest&stage=actions", 400, ""},
		{"?stage=%zz", 400, ""},
	}
	for _, c := range cases {
		rec := m.ask(http.MethodGet, "/dead"+c.query)
		if rec.Code != c.status {
			t.Errorf("%s: %d, want %d", c.query, rec.Code, c.status)
		}
		if c.status != 200 {
			continue
		}
		var got []string
		for line := range strings.Lines(rec.Body.String()) {
			var l console.Letter
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Errorf("%s: line %q: %v", c.query, line, err)
			}
			got = append(got, l.ID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.query, got, c.want)
		}
		if h := rec.Header(); h.Get("Content-Type") != "application/x-ndjson" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", c.query, h)
		}
	}
}

func TestADeadLetterIsShown(t *testing.T) {
	m := openMorgue(t, "")
	for id, want := range map[string]string{
		"1": `"connection":"support","reason":"unknown shape","attempts":0,`,
		"2": `"payloadBase64":"/wA="}`,
		"3": `"stage":"actions","consumer":"deliver","connection":"support","reason":"denied","attempts":2,"first":"2026-11-01T12:30:00Z",` +
			`"last":"2026-11-01T12:31:00Z","subject":"relay.actions.3.support.b","sequence":7,"replayOf":"first",` +
			`"header":{"Nats-Msg-Id":["id"],"Relay-Replay":["first"]},"payload":""}`,
	} {
		rec := m.ask(http.MethodGet, "/dead/"+id)
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("letter %s: %d %s\nwant %s", id, rec.Code, rec.Body, want)
		}
	}
	if body := m.ask(http.MethodGet, "/dead/1").Body.String(); !strings.Contains(body, `"payload":"{\"a\":\"<b>\"}"`) {
		t.Errorf("payload of %s", body)
	}
	for id, want := range map[string][]byte{"1": []byte(`{"a":"<b>"}`), "2": []byte("\xff\x00"), "3": {}} {
		var l console.Letter
		if err := json.Unmarshal(m.ask(http.MethodGet, "/dead/"+id).Body.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(l.Payload(), want) || l.ID != id || time.Since(l.Stored) > bustest.Patience {
			t.Errorf("letter %s came over as %+v", id, l)
		}
	}
}

func TestDeadLettersAreReplayedAndDropped(t *testing.T) {
	m := openMorgue(t, "")
	cases := []struct {
		method, path string
		status       int
		body, left   string
	}{
		{http.MethodPost, "/dead/1/replay", 200, `{"id":"1","outcome":"replayed"}`, "2 3 4"},
		{http.MethodPost, "/dead/1/replay", 404, "no such dead letter", "2 3 4"},
		{http.MethodPost, "/dead/2/replay", 422, "still unknown", "2 3 4"},
		{http.MethodPost, "/dead/4/replay", 422, "where it came from", "2 3 4"},
		{http.MethodPost, "/dead/3/replay", 200, `{"id":"3","outcome":"replayed"}`, "2 4"},
		{http.MethodDelete, "/dead/2", 200, `{"id":"2","outcome":"dropped"}`, "4"},
		{http.MethodDelete, "/dead/2", 404, "no such dead letter", "4"},
		{http.MethodGet, "/dead/2", 404, "no such dead letter", "4"},
		{http.MethodGet, "/dead/x", 400, `\"x\": not the id`, "4"},
		{http.MethodDelete, "/dead/0", 400, "not the id", "4"},
		{http.MethodPost, "/dead/01/replay", 400, "not the id", "4"},
		{http.MethodDelete, "/dead", 405, "", "4"},
		{http.MethodGet, "/dead/4/replay", 405, "", "4"},
		{http.MethodPost, "/dead/4", 405, "", "4"},
	}
	for _, c := range cases {
		rec := m.ask(c.method, c.path)
		if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.body) {
			t.Errorf("%s %s: %d %s", c.method, c.path, rec.Code, rec.Body)
		}
		if left := m.ids(); left != c.left {
			t.Errorf("%s %s: %q are left, want %q", c.method, c.path, left, c.left)
		}
	}
	for _, want := range []string{"letter=1 outcome=replayed", "letter=2 wanted=replayed", "letter=2 outcome=dropped"} {
		if !strings.Contains(m.log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, m.log)
		}
	}
}

// A server's deadlines are for short answers; a listing has its own, for each line.
