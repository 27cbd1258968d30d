package rocketchat

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// checkEvents checks what must hold of any event, whatever the platform sent.
func checkEvents(t *testing.T, events []event.Event) {
	t.Helper()
	for _, e := range events {
		raw, err := e.Encode()
		if err != nil || e.Validate() != nil {
			t.Fatalf("%+v: %v, %v", e, err, e.Validate())
		}
		if bytes.Contains(raw, []byte(testToken)) {
			t.Fatalf("the token is in %s", raw)
		}
		if !strings.HasPrefix(string(e.ID), "rocketchat:rc:") || strings.HasSuffix(string(e.ID), incompleteSuffix) != e.Incomplete {
			t.Fatalf("%+v", e)
		}
		if e.Type == event.Other && !json.Valid(e.Payload) {
			t.Fatalf("%s holds what is not JSON: %s", e.ID, e.Payload)
		}
	}
}

// FuzzReceive feeds bodies of webhook calls whose token is right.
func FuzzReceive(f *testing.F) {
	for _, body := range hookCalls(f) {
		f.Add([]byte(body))
	}
	c := newConnection(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := c.Decode(body)
		again, errAgain := c.Decode(bytes.Clone(body))
		if (err == nil) != (errAgain == nil) || len(events) != len(again) {
			t.Fatalf("decoded twice: %v, %v", err, errAgain)
		}
		for i := range events {
			if a, b := events[i], again[i]; a.ID != b.ID || a.Type != b.Type {
				t.Fatalf("decoded twice: %+v, %+v", a, b)
			}
		}
		checkEvents(t, events)
		var shape *relay.ShapeError
		switch {
		case err == nil && len(events) == 0:
			t.Fatal("neither events nor an error")
		case errors.As(err, &shape):
			if !json.Valid(shape.Payload) || bytes.Contains(shape.Payload, []byte(testToken)) {
				t.Fatalf("kept %s", shape.Payload)
			}
		case err != nil && !errors.Is(err, relay.ErrNotJSON):
			t.Fatal(err)
		}
		if clean := c.Redact(body); !json.Valid(clean) || bytes.Contains(clean, []byte(testToken)) {
			t.Fatalf("redacted to %s", clean)
		}
	})
}

// FuzzFrames feeds frames of the realtime protocol.
func FuzzFrames(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "frames.json"))
	if err != nil {
		f.Fatal(err)
	}
	var file struct{ Frames []json.RawMessage }
	if err := json.Unmarshal(data, &file); err != nil {
		f.Fatal(err)
	}
	for _, frame := range file.Frames {
		f.Add([]byte(frame))
	}
	f.Add([]byte(`{"msg":"changed","collection":"stream-notify-room","fields":{"eventName":"GENERAL/deleteMessageBulk","args":[{"ids":["a"]}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, ok := readFrame(data)
		if !ok {
			return
		}
		s := newStream(t)
		if err := s.take(t.Context(), frame); err != nil && errors.As(err, new(*relay.Failure)) && strings.Contains(err.Error(), testToken) {
			t.Fatal(err)
		}
		if strings.Contains(s.d.refusal(frame.Error, "x").Error(), testToken) {
			t.Fatal("the token is in an error")
		}
		for len(s.heard) > 0 {
			checkEvents(t, (<-s.heard).Events)
		}
	})
}

// FuzzSync feeds the answers of chat.syncMessages, to a poll from the beginning and to one that goes on.
func FuzzSync(f *testing.F) {
	for _, answer := range []string{
		`{"success":true,"result":{"updated":[{"_id":"m","rid":"GENERAL","msg":"x","ts":"2026-01-02T03:04:05.678Z","_updatedAt":"2026-01-02T03:04:05.678Z","u":{"_id":"u","username":"ana"},"reactions":{":x:":{"usernames":["ana"]}}}],"deleted":[{"_id":"d","_deletedAt":"2026-01-02T03:04:05.679Z"}],"cursor":{"next":"1767323045678"}}}`,
		`{"success":true,"result":{"updated":[{"_id":"m","t":"rm","editedAt":{"$date":1767323045678},"ts":1767323045678}],"deleted":[]}}`,
		`{"success":true,"result":{"updated":[{"_id":"a/b"},{"_id":7},null,{}],"cursor":{"next":null}}}`,
	} {
		f.Add([]byte(answer), `{"v":1,"floor":1767323045000,"read":1767323045000,"reacted":[{"id":"m","sent":1,"changed":2,"there":{":x: zoe":0}}]}`)
		f.Add([]byte(answer), `{"v":1,"floor":1767323045000,"paged":true}`)
	}
	f.Fuzz(func(t *testing.T, answer []byte, cursor string) {
		c := newConnection(t, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: saying(answer)} })
		c.known.rooms.put("GENERAL", Room{ID: "GENERAL", Kind: Channel}, c.now().Add(roomsKept))
		for _, username := range []string{"ana", "zoe"} {
			c.names.put(username, event.UserID(username), c.now().Add(roomsKept))
		}
		page, err := c.Poll(t.Context(), relay.PollRequest{Source: "GENERAL", After: cursor})
		if err != nil {
			if !errors.As(err, new(*relay.Failure)) || strings.Contains(err.Error(), testToken) {
				t.Fatal(err)
			}
			return
		}
		checkEvents(t, page.Events)
		var at pollCursor
		if err := at.decode(page.Next); err != nil {
			t.Fatalf("the next cursor is %s: %v", page.Next, err)
		}
		if page.Calls < 1 || page.Calls > 200 {
			t.Fatalf("%d calls", page.Calls)
		}
	})
}

// saying is a transport to a server that always says the same.
type saying []byte

func (s saying) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// FuzzPollCursor feeds cursors.
func FuzzPollCursor(f *testing.F) {
	f.Add(`{"v":1,"floor":5,"from":1,"read":7,"paged":true,"seen":["a"],"below":3,"reacted":[{"id":"m","sent":1,"changed":2,"there":{":x: ana":0},"gone":{":y: zoe":4}}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		var at, back pollCursor
		if at.decode(s) != nil {
			return
		}
		if err := back.decode(at.encode()); err != nil || back.encode() != at.encode() {
			t.Fatalf("%s becomes %s: %v", s, at.encode(), err)
		}
	})
}
