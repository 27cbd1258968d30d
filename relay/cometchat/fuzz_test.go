package cometchat

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func FuzzReceive(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(err, files)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		``, `[]`, `null`, `1e999`, `"\ud800"`, "{\"trigger\":\"\xff\"}", `{"trigger":"t","data":{"token":{"a":[1]},"x":1e999}}`,
		`{"trigger":"message_sent","data":{"message":{"id":1e999}}}`, `{"trigger":"t","secret":"a","secret":["b"]}`,
		`{"trigger":"t","data":"https://u:p@h/?fat=1&FAT=2 \u0000"}`, strings.Repeat(`{"trigger":`, 50) + `1` + strings.Repeat(`}`, 50),
	} {
		f.Add([]byte(s))
	}
	c := newConnection(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		events, err := c.Receive(goodAuth(), body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		var shape *relay.ShapeError
		switch {
		case errors.As(err, &shape):
			checkPayload(t, shape.Payload)
		case err != nil:
			if !errors.Is(err, relay.ErrNotJSON) || json.Valid(body) {
				t.Fatalf("%v for %q", err, body)
			}
		case len(events) == 0:
			t.Fatal("neither event nor error")
		}
		for _, e := range events {
			checkEvent(t, e)
		}
	})
}

func checkEvent(t *testing.T, e event.Event) {
	t.Helper()
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, r := range string(e.ID) + e.Trigger {
		if r <= ' ' || r > '~' {
			t.Fatalf("id %q or trigger %q does not fit into a header", e.ID, e.Trigger)
		}
	}
	if e.Type == event.Other {
		checkPayload(t, e.Payload)
	}
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := event.DecodeEvent(b)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if e.Payload != nil {
		if err := json.Compact(&compact, e.Payload); err != nil {
			t.Fatal(err)
		}
		e.Payload = compact.Bytes()
	}
	if !reflect.DeepEqual(e, back) {
		t.Fatalf("the round trip turned\n%+v into\n%+v", e, back)
	}
}

// checkPayload reports a credential that was left in a payload.
func checkPayload(t *testing.T, payload []byte) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(payload)) // token by token: it sees each of duplicate keys
	dec.UseNumber()
	if err := checkValue(dec); err != nil {
		t.Fatalf("%v in %q", err, payload)
	}
	if bytes.Contains(payload, []byte(testKey)) {
		t.Fatalf("the API key stands in %q", payload)
	}
}

func checkValue(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		for dec.More() {
			if err := checkValue(dec); err != nil {
				return err
			}
		}
		_, err = dec.Token()
	case json.Delim('{'):
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			if !isSecretKey(key.(string)) {
				if err := checkValue(dec); err != nil {
					return err
				}
				continue
			}
			if value, err := dec.Token(); err != nil || value != removed {
				return errors.New("the value of " + key.(string) + " was left")
			}
		}
		_, err = dec.Token()
	}
	return err
}
