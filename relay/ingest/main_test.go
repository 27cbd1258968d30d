package ingest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/ingest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver is a platform that is one function.
type receiver func(h http.Header, body []byte) ([]event.Event, error)

func (r receiver) Receive(h http.Header, body []byte) ([]event.Event, error) { return r(h, body) }

// redacting is a platform that also removes credentials.
type redacting struct {
	receiver
	redact func([]byte) []byte
}

func (r redacting) Redact(body []byte) []byte { return r.redact(body) }

// removePassword is the redaction of the tests.
func removePassword(body []byte) []byte {
	return bytes.ReplaceAll(body, []byte("hunter2"), []byte("[removed]"))
}

// chat is a small platform: it wants a password, and bodies of the form {"id": "…", "text": "…"}.
func chat() relay.Receiver {
	return redacting{redact: removePassword, receiver: func(h http.Header, body []byte) ([]event.Event, error) {
		if _, password, _ := (&http.Request{Header: h}).BasicAuth(); password != "hunter2" {
			return nil, fmt.Errorf("chat: %w: the password is wrong", relay.ErrUnauthorized)
		}
		var said struct{ ID, Text *string }
		if !json.Valid(body) {
			return nil, fmt.Errorf("chat: %w at some byte", relay.ErrNotJSON)
		}
		if err := json.Unmarshal(body, &said); err != nil || said.ID == nil || said.Text == nil {
			return nil, fmt.Errorf("chat: %w", &relay.ShapeError{Payload: removePassword(body), Err: errors.Join(errors.New("no id, no text"), err)})
		}
		return []event.Event{created(*said.ID, *said.Text)}, nil
	}}
}

// created is a message that somebody wrote just now.
func created(id, text string) event.Event {
	return event.Event{
		ID: event.ID("chat:" + id), Type: event.MessageCreated, Platform: "chat",
		Time:    time.Now().UTC(),
		Thread:  event.ThreadRef{Connection: "support", Conversation: "group/engineering", Root: "41"},
		Message: &event.Message{ID: "m", Sender: event.User{ID: "ana"}, Text: text},
	}
}

// hook is a running webhook listener.
type hook struct {
	t       *testing.T
	url     string
	handler http.Handler
	metrics *prometheus.Registry
}

// serve mounts the connection "support" as cmd does, and any other that is given.
func serve(t *testing.T, b *bus.Bus, timeout time.Duration, platforms map[event.ConnectionID]relay.Receiver) *hook {
	t.Helper()
	if platforms == nil {
		platforms = map[event.ConnectionID]relay.Receiver{"support": chat()}
	}
	reg := prometheus.NewRegistry()
	w, err := ingest.NewWebhook(ingest.WebhookConfig{Bus: b, Connections: platforms, StoreTimeout: timeout, Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/{connection}", w)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return &hook{t: t, url: srv.URL, handler: mux, metrics: reg}
}

// reply is what the sender of a call got.
type reply struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// request makes a call of the connection "support" with the right password.
func (h *hook) request(body io.Reader) *http.Request {
	h.t.Helper()
	r, err := http.NewRequest(http.MethodPost, h.url+"/hooks/support", body)
	if err != nil {
		h.t.Fatal(err)
	}
	r.SetBasicAuth("hook", "hunter2")
	return r
}

// do makes a call and reads the answer. It may be used beside the test's own goroutine.
func (h *hook) do(r *http.Request) reply {
	start := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Error(err)
		return reply{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Error(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body), time.Since(start)}
}

// post makes a call of the connection "support" with the right password.
func (h *hook) post(body string) reply {
	h.t.Helper()
	return h.do(h.request(strings.NewReader(body)))
}

// wantCalls compares the count of calls, by "connection/outcome".
func (h *hook) wantCalls(want map[string]int) {
	h.t.Helper()
	counts := make(map[string]int)
	for key, n := range want {
		connection, outcome, _ := strings.Cut(key, "/")
		counts[fmt.Sprintf("connection=%q,outcome=%q", connection, outcome)] = n
	}
	bustest.WantCounts(h.t, h.metrics, "threadrelay_hook_calls_total", counts)
}

// wantStored compares the number of messages in the streams of events and of dead letters.
func wantStored(t *testing.T, srv *bustest.Server, events, dead int) {
	t.Helper()
	if got := srv.Count(bus.EventsStream); got != events {
		t.Errorf("%d events are stored, want %d", got, events)
	}
	if got := srv.Count(bus.DeadStream); got != dead {
		t.Errorf("%d dead letters are stored, want %d", got, dead)
	}
}
