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

// addGolden seeds a fuzz target with the golden files, the calls or the rows, and with a few nasty ones.
func addGolden(f *testing.F, rows bool, nasty ...string) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(err, files)
	}
	for _, name := range files {
		if strings.HasPrefix(filepath.Base(name), "rest.") != rows {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var small bytes.Buffer
		if err := json.Compact(&small, b); err != nil {
			f.Fatal(err)
		}
		f.Add(small.Bytes())
	}
	for _, s := range nasty {
		f.Add([]byte(s))
	}
}

func nastyCalls() []string {
	return []string{
		``, `[]`, `null`, `1e999`, `"\ud800"`, "{\"trigger\":\"\xff\"}", `{"trigger":"t","data":{"token":{"a":[1]},"x":1e999}}`,
		`{"trigger":"message_sent","data":{"message":{"id":1e999}}}`, `{"trigger":"t","secret":"a","secret":["b"]}`,
		`{"trigger":"t","data":"https://u:p@h/?fat=1&FAT=2 \u0000"}`, strings.Repeat(`{"trigger":`, 50) + `1` + strings.Repeat(`}`, 50),
		`{"trigger":"message_reaction_added","data":{"reaction":{"messageId":7,"reaction":"` + testKey + `","uid":1}}}`,
		string(direct("moderation_manual_approved", "ana", "helper", `,"editedAt":1`, `"text":"`+testKey+`"`)),
	}
}

// Receive never panics, never says neither event nor error, and lets no credential out. Decode says the same of the body.
func FuzzReceive(f *testing.F) {
	addGolden(f, false, nastyCalls()...)
	c := newConnection(f, nil)
	closed := newConnection(f, func(c *Config) { c.WebhookUsername, c.WebhookPassword = "", "" })
	f.Fuzz(func(t *testing.T, body []byte) {
		events := fuzzDecoder(t, body, func(b []byte) ([]event.Event, error) { return c.Receive(goodAuth(), b) })
		if again := fuzzDecoder(t, body, closed.Decode); !reflect.DeepEqual(events, again) {
			t.Fatalf("Receive says %+v, Decode %+v", events, again)
		}
	})
}

// What the REST API lists is taken with the same care. What is pending is known as that, and wakes nobody.
func FuzzEventsOf(f *testing.F) {
	addGolden(f, true, nastyCalls()...)
	c := newConnection(f, nil)
	f.Fuzz(func(t *testing.T, row []byte) {
		events := fuzzDecoder(t, row, func(b []byte) ([]event.Event, error) { return c.eventsOf(b) })
		pending := pendingID(row)
		for _, e := range events {
			isPending := e.Type == event.Other && strings.HasSuffix(string(e.ID), ":pending")
			if isPending != (pending != "") {
				t.Fatalf("%q is pending, and the event is %+v", pending, e)
			}
			if e.Trigger == "" {
				t.Fatalf("no trigger: %+v", e)
			}
		}
	})
}

// fuzzDecoder checks what holds for every decoder and returns its events.
func fuzzDecoder(t *testing.T, body []byte, decode func([]byte) ([]event.Event, error)) []event.Event {
	t.Helper()
	before := bytes.Clone(body)
	events, err := decode(body)
	if !bytes.Equal(before, body) {
		t.Fatal("the body was changed")
	}
	var shape *relay.ShapeError
	switch {
	case errors.As(err, &shape):
		checkPayload(t, shape.Payload)
		if strings.Contains(err.Error(), testKey) {
			t.Fatal("the API key stands in the error")
		}
	case err != nil:
		if !errors.Is(err, relay.ErrNotJSON) || json.Valid(body) {
			t.Fatalf("%v for %q", err, body)
		}
	case len(events) == 0:
		t.Fatal("neither event nor error")
	}
	ids := map[event.ID]bool{}
	for _, e := range events {
		checkEvent(t, e)
		if ids[e.ID] {
			t.Fatalf("two events are %s", e.ID)
		}
		ids[e.ID] = true
	}
	return events
}

// Redacted JSON is JSON without credentials, and redacting it again changes nothing. Of what is no JSON nothing is left.
func FuzzRedact(f *testing.F) {
	addGolden(f, false, append(nastyCalls(), `{"a":{"b":[{"Password":{"c":1}}]}}`, `"://@://:@"`, `{"\u0074oken":[[[]]]}`, `{"a`, `{"token":`, `[1,`)...)
	c := newConnection(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		got := c.Redact(body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if !json.Valid(got) {
			t.Fatalf("%q is no JSON any more: %q", body, got)
		}
		checkPayload(t, got)
		if again := c.Redact(got); !bytes.Equal(again, got) {
			t.Fatalf("%q becomes %q", got, again)
		}
	})
}

func checkEvent(t *testing.T, e event.Event) {
	t.Helper()
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(e.ID)+e.Trigger, testKey) && e.Thread == (event.ThreadRef{Connection: "cc"}) {
		t.Fatalf("the API key stands in %s or %s", e.ID, e.Trigger)
	}
	for _, r := range string(e.ID) + e.Trigger {
		if r <= ' ' || r > '~' {
			t.Fatalf("id %q or trigger %q does not fit into a header", e.ID, e.Trigger)
		}
	}
	switch {
	case e.Type == event.Other:
		checkPayload(t, e.Payload)
	case e.Payload != nil:
		t.Fatalf("a payload in %+v", e)
	}
	if e.Incomplete != strings.HasSuffix(string(e.ID), incompleteSuffix) {
		t.Fatalf("%s is incomplete: %t", e.ID, e.Incomplete)
	}
	if !strings.HasPrefix(string(e.ID), "cometchat:app1:") {
		t.Fatalf("id %s", e.ID)
	}
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if said := e; said.Type != event.Other {
		said.Thread = event.ThreadRef{}
		if said.Message != nil { // ids stay as they are: without them nothing could be answered
			m := *said.Message
			m.Sender.ID, m.Recipient, m.Mentions, said.Message = "", "", nil, &m
		}
		if said.Reaction != nil {
			r := *said.Reaction
			r.By.ID, said.Reaction = "", &r
		}
		if text, err := json.Marshal(said); err != nil || bytes.Contains(text, []byte(testKey)) {
			t.Fatalf("the API key stands in %s (%v)", text, err)
		}
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
