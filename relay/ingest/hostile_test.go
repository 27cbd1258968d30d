package ingest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// hostile is bodies that somebody with the right credentials might send to do harm.
func hostile() map[string]string {
	deep := func(open, shut string) string {
		return `{"id":"deep` + open + `","text":"x","x":` + strings.Repeat(open, 100_000) + "1" + strings.Repeat(shut, 100_000) + `}`
	}
	return map[string]string{
		"invalid UTF-8":           "{\"id\":\"utf8\xff\xfe\",\"text\":\"\xc0\x80\xed\xa0\x80\"}",
		"NUL":                     `{"id":"nul\u0000","text":"a\u0000b"}`,
		"a raw NUL":               "{\"id\":\"raw\x00\",\"text\":\"x\"}",
		"NUL bytes alone":         strings.Repeat("\x00", 1000),
		"deep arrays":             deep("[", "]"),
		"deep objects":            `{"id":"deep","text":"x","x":` + strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000) + "}",
		"deep and not closed":     strings.Repeat("[", 500_000),
		"lone surrogates":         `{"id":"s\ud800","text":"\udc00\ud800\ud800"}`,
		"duplicate keys":          `{"id":"first","id":"second","text":"x","text":null,"text":"y"}`,
		"a number without bounds": `{"id":"n","text":"x","x":1e999999999,"y":-0.0}`,
		"a long number":           `{"id":"l","text":"x","x":` + strings.Repeat("9", 400_000) + `}`,
		"many keys":               `{"id":"k","text":"x"` + strings.Repeat(`,"":0`, 60_000) + `}`,
		"line breaks in the id":   `{"id":"a\r\nNats-Msg-Id: b\r\n\r\n","text":"x"}`,
		"a long id":               `{"id":"` + strings.Repeat("x", 400_000) + `","text":"x"}`,
		"an id of spaces":         `{"id":"   ","text":"x"}`,
		"wildcards":               `{"id":"relay.>.*","text":"x"}`,
		"text that swells":        `{"id":"swell","text":"` + strings.Repeat(`\u0001`, 80_000) + `"}`,
		"bytes that swell":        `{"id":"bytes","text":"` + strings.Repeat("\xff", 500_000) + `"}`,
		"a byte order mark":       "\ufeff" + `{"id":"bom","text":"x"}`,
		"two documents":           `{"id":"a","text":"x"}{"id":"b","text":"x"}`,
		"null":                    `null`,
		"a string":                `"x"`,
	}
}

// raw is a platform that has no type for anything: it hands on the payload.
func raw() relay.Receiver {
	return receiver(func(_ http.Header, body []byte) ([]event.Event, error) {
		if !json.Valid(body) {
			return nil, relay.ErrNotJSON
		}
		e := created(fmt.Sprint(len(body)), "")
		e.Type, e.Message, e.Payload = event.Other, nil, body
		return []event.Event{e}, nil
	})
}

// opaque is a platform whose ids are taken from the body as it is.
func opaque() relay.Receiver {
	return receiver(func(_ http.Header, body []byte) ([]event.Event, error) {
		e := created(string(body), string(body))
		e.Thread.Conversation, e.Thread.Root = event.ConversationID(body), event.MessageID(body)
		return []event.Event{e}, nil
	})
}

// Each hostile body is refused, or it is stored as an event that can be read again, or it is kept as a dead letter. A 5xx
// would have it sent again for ever.
func TestHostileBodiesHaveAnEnd(t *testing.T) {
	for kind, platform := range map[string]relay.Receiver{"fields": chat(), "payload": raw(), "ids": opaque()} {
		t.Run(kind, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			h := serve(t, srv.Open(bus.Config{}), bustest.Patience, map[event.ConnectionID]relay.Receiver{"support": platform})
			for name, body := range hostile() {
				t.Run(name, func(t *testing.T) { wantAnEnd(t, srv, h, body) })
			}
			for _, m := range srv.Stored(bus.EventsStream) {
				if _, err := event.DecodeEvent(m.Data); err != nil {
					t.Errorf("%s cannot be read: %v", m.Subject, err)
				}
			}
		})
	}
}

func wantAnEnd(t *testing.T, srv *bustest.Server, h *hook, body string) {
	t.Helper()
	events, dead := srv.Count(bus.EventsStream), srv.Count(bus.DeadStream)
	switch got := h.post(body); got.status {
	case http.StatusOK:
		events, dead = srv.Count(bus.EventsStream)-events, srv.Count(bus.DeadStream)-dead
		if events+dead != 1 {
			t.Errorf("answered 200, and %d events and %d dead letters were stored", events, dead)
		}
	case http.StatusBadRequest:
		wantStored(t, srv, events, dead)
	default:
		t.Errorf("answer %+v", got)
	}
}
