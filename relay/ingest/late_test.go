package ingest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// plain is a platform whose calls are events as JSON. Whoever calls may.
type plain struct{}

func (plain) Receive(_ http.Header, body []byte) ([]event.Event, error) { return plain{}.Decode(body) }

func (plain) Decode(body []byte) ([]event.Event, error) {
	var e event.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, &relay.ShapeError{Payload: body, Err: err}
	}
	return []event.Event{e}, nil
}

// hook answers the webhooks of the connection "support".
func hook(t *testing.T, cfg WebhookConfig) func(event.Event) (status int, outcome string) {
	t.Helper()
	cfg.Connections = map[event.ConnectionID]relay.Receiver{"support": plain{}}
	w, err := NewWebhook(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return func(e event.Event) (int, string) {
		body, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/hooks/support", strings.NewReader(string(body)))
		a := w.take(httptest.NewRecorder(), r, "support", plain{})
		return a.status, a.outcome
	}
}

// An event whose ids the stream has forgotten is recognised all the same, by whichever way it comes again; and another one
// of the same thread is not taken for it.
func TestLateRepeatsAreRecognised(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{DedupWindow: 100 * time.Millisecond})
	post := hook(t, WebhookConfig{Bus: b})
	at := func(n int, ago time.Duration) event.Event {
		e := replied("41", n)
		e.Time = e.Time.Add(-ago)
		return e
	}
	for n := range 3 {
		if status, outcome := post(at(n, 2*time.Hour)); status != http.StatusOK || outcome != "stored" {
			t.Fatalf("event %d: %d %s", n, status, outcome)
		}
	}
	forget(t, b)
	for n := range 4 {
		want := "duplicate"
		if n == 3 {
			want = "stored"
		}
		if status, outcome := post(at(n, 2*time.Hour)); status != http.StatusOK || outcome != want {
			t.Errorf("event %d again: %d %s, want %s", n, status, outcome, want)
		}
	}
	body, err := json.Marshal(at(1, 2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := Reingest(bustest.Context(t), b.Publisher(), plain{}, body); err != nil {
		t.Error(err)
	}
	w := newWorld()
	for n := range 5 {
		w.happen("app", at(n, 2*time.Hour))
	}
	_, stop := start(t, quickly(b, w, "app"))
	await(t, "the cursor at the end", func() bool { return cursor(t, b, "app").After == "5" })
	stop()
	if got, want := shelved(t, srv, bus.EventsStream), numbered("41", 5); !slices.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
}

func TestWhatIsSearchedFor(t *testing.T) {
	now := time.Now()
	cases := map[string]struct {
		change func(*event.Event)
		want   bool
	}{
		"old":                             {func(*event.Event) {}, true},
		"new":                             {func(e *event.Event) { e.Time = now.Add(-time.Minute) }, false},
		"of the future":                   {func(e *event.Event) { e.Time = now.Add(time.Hour) }, false},
		"incomplete":                      {func(e *event.Event) { e.Incomplete = true }, false},
		"of no type, in a thread":         {func(e *event.Event) { e.Type = event.Other }, true},
		"of no type, and of no thread":    {func(e *event.Event) { e.Type, e.Thread.Root = event.Other, "" }, false},
		"a message of an unknown thread":  {func(e *event.Event) { e.Thread.Root = "" }, true},
		"an edit whose time is not known": {func(e *event.Event) { e.Type, e.Time = event.MessageEdited, time.Unix(0, 0) }, true},
	}
	for name, c := range cases {
		e := replied("41", 0)
		e.Time = now.Add(-time.Hour)
		c.change(&e)
		if got := mayBeForgotten(e, now.Add(-5*time.Minute)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A hundred thousand messages in a thread take longer to search than a webhook may take: the event is stored all the same.
func TestAWebhookIsNotLostForASearch(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	var parcels []parcel
	for n := range 30_000 {
		p, err := pack(replied("41", n))
		if err != nil {
			t.Fatal(err)
		}
		parcels = append(parcels, p)
	}
	if _, err := (shelf{publisher: b.Publisher()}).put(bustest.Context(t), parcels); err != nil {
		t.Fatal(err)
	}
	post := hook(t, WebhookConfig{Bus: b, StoreTimeout: 40 * time.Millisecond})
	await(t, "a webhook that is stored", func() bool { // the machine may be too slow for the rest of the 40 ms
		e := replied("41", 30_000)
		e.Time = e.Time.Add(-time.Hour)
		status, _ := post(e)
		return status == http.StatusOK
	})
	if n := stored(t, srv, bus.EventsStream)(); n != 30_001 {
		t.Errorf("%d events are stored", n)
	}
}
