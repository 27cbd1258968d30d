package ingest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/ingest"
)

// upgraded is a platform that takes no call whatever its credentials, and decodes lists of ids that were kept.
type upgraded struct{}

func (upgraded) Receive(http.Header, []byte) ([]event.Event, error) { return nil, relay.ErrHookClosed }

func (upgraded) Decode(body []byte) ([]event.Event, error) {
	var ids []string
	if err := json.Unmarshal(body, &ids); err != nil {
		return nil, &relay.ShapeError{Payload: body, Err: fmt.Errorf("not a list of ids")}
	}
	events := make([]event.Event, len(ids))
	for i, id := range ids {
		if id == "panic" {
			panic("out of ids")
		}
		events[i] = created(id, "hello "+id)
	}
	return events, nil
}

func TestReingest(t *testing.T) {
	cases := []struct {
		name     string
		receiver relay.Receiver
		body     string
		stored   int
		problem  string
	}{
		{"one event", upgraded{}, `["1"]`, 1, ""},
		{"several events, one of them twice", upgraded{}, `["1","2","1"]`, 2, ""},
		{"still of unknown shape", upgraded{}, `{}`, 0, "still cannot be decoded: relay: unknown shape: not a list of ids"},
		{"a panic", upgraded{}, `["panic"]`, 0, "out of ids"},
		{"one event that cannot travel", upgraded{}, `["1"," 2 "]`, 0, "still cannot be taken in"},
		{"a platform without Decode", receiver(func(http.Header, []byte) ([]event.Event, error) { panic("called") }), `["1"]`, 0, "decodes no calls"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			b := srv.Open(bus.Config{})
			err := ingest.Reingest(bustest.Context(t), b.Publisher(), c.receiver, []byte(c.body))
			if c.problem == "" && err != nil || c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
			wantStored(t, srv, c.stored, 0)
		})
	}
}

func TestReingestWithoutAStream(t *testing.T) {
	srv := bustest.StartServer(t, "")
	nc := srv.Connect()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if err := ingest.Reingest(bustest.Context(t), b.Publisher(), upgraded{}, []byte(`["1"]`)); !errors.Is(err, bus.ErrNotConnected) {
		t.Errorf("got %v", err)
	}
}
