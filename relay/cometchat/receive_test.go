package cometchat

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func basicAuth(user, password string) http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header
}

func goodAuth() http.Header { return basicAuth("hook", testPassword) }

// receiveOne returns the one event of a body.
func receiveOne(t *testing.T, c *Connection, body []byte) event.Event {
	t.Helper()
	events, err := c.Receive(goodAuth(), body)
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	return events[0]
}

func TestReceiveCredentials(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
		want   error
	}{
		{"good", goodAuth(), relay.ErrNotJSON},
		{"none", http.Header{}, relay.ErrUnauthorized},
		{"nil header", nil, relay.ErrUnauthorized},
		{"wrong password", basicAuth("hook", "x"), relay.ErrUnauthorized},
		{"wrong user", basicAuth("x", testPassword), relay.ErrUnauthorized},
		{"swapped", basicAuth(testPassword, "hook"), relay.ErrUnauthorized},
		{"empty", basicAuth("", ""), relay.ErrUnauthorized},
		{"password longer", basicAuth("hook", testPassword+"x"), relay.ErrUnauthorized},
		{"bearer", http.Header{"Authorization": {"Bearer " + testPassword}}, relay.ErrUnauthorized},
		{"broken base64", http.Header{"Authorization": {"Basic !!!"}}, relay.ErrUnauthorized},
	}
	open := newConnection(t, nil)
	closed := newConnection(t, func(c *Config) { c.WebhookUsername, c.WebhookPassword = "", "" })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The body is not JSON: whoever sees ErrUnauthorized was refused before any parse.
			if _, err := open.Receive(tt.header, []byte("{nonsense")); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if _, err := closed.Receive(tt.header, []byte("{nonsense")); !errors.Is(err, relay.ErrHookClosed) {
				t.Errorf("closed hook: got %v", err)
			}
		})
	}
}

func TestReceiveNotJSON(t *testing.T) {
	c := newConnection(t, nil)
	for name, body := range map[string]string{
		"empty":     "",
		"words":     "hello",
		"truncated": `{"trigger":"message_sent","data":{"message":{"id":"1`,
		"two":       `{"trigger":"a"} {"trigger":"b"}`,
		"comma":     `{"trigger":"before_message",}`,
		"nul":       "{\"trigger\":\"a\x00\"}",
		"too deep":  strings.Repeat("[", 200000) + strings.Repeat("]", 200000),
		"infinity":  `{"trigger":Infinity}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Receive(goodAuth(), []byte(body))
			var shape *relay.ShapeError
			if !errors.Is(err, relay.ErrNotJSON) || errors.As(err, &shape) {
				t.Errorf("got %v", err)
			}
		})
	}
	_, err := c.Receive(goodAuth(), []byte(`{"quiet": zebra}`))
	if got, want := err.Error(), "cometchat: relay: not JSON: at byte 11 of 16"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReceiveUnknownShape(t *testing.T) {
	message := func(fields string) string {
		return `{"trigger":"message_sent","data":{"message":{"category":"message","type":"text",` + fields + `}}}`
	}
	const rest = `"sender":"a","receiver":"b","receiverType":"user"`
	tests := []struct{ name, body, says string }{
		{"array", `[1]`, "body: not an object"},
		{"string", `"x"`, "body: not an object"},
		{"null", `null`, "body: missing"},
		{"number", `1e999`, "body: not an object"},
		{"no trigger", `{"data":{}}`, "trigger: missing"},
		{"empty trigger", `{"trigger":"","data":{}}`, "trigger: missing"},
		{"trigger null", `{"trigger":null}`, "trigger: missing"},
		{"trigger number", `{"trigger":7}`, `body: field "trigger": unfit number`},
		{"no data", `{"trigger":"message_sent"}`, "data: missing"},
		{"data string", `{"trigger":"message_sent","data":"x"}`, "data: not an object"},
		{"no message", `{"trigger":"message_edited","data":{}}`, "message: missing"},
		{"message empty array", `{"trigger":"message_sent","data":{"message":[]}}`, "message: not an object"},
		{"legacy without data", `{"trigger":"after_message"}`, "message: missing"},
		{"no id", message(rest), "message: message id is missing"},
		{"id a word", message(rest + `,"id":"abc"`), "not a decimal number"},
		{"id with decimals", message(rest + `,"id":12.0`), "not a decimal number"},
		{"id with exponent", message(rest + `,"id":1e999`), "not a decimal number"},
		{"id negative", message(rest + `,"id":-5`), "not a decimal number"},
		{"id zero", message(rest + `,"id":0`), "zero"},
		{"id too long", message(rest + `,"id":"123456789012345678901"`), "21 digits"},
		{"id bool", message(rest + `,"id":true`), `field "id": unfit bool`},
		{"id with newline", message(rest + `,"id":"1\n2"`), "not a decimal number"},
		{"parent a word", message(rest + `,"id":1,"parentId":"abc"`), "parentId: message id"},
		{"sentAt beyond all numbers", message(rest + `,"id":1,"sentAt":1e999`), `field "sentAt": unfit number`},
		{"sentAt negative", message(rest + `,"id":1,"sentAt":-1`), `field "sentAt": unfit number`},
		{"sentAt a date", message(rest + `,"id":1,"sentAt":"2026-01-01"`), `field "sentAt": unfit string`},
		{"sentAt far beyond year 9999", message(rest + `,"id":1,"sentAt":999999999999999`), `field "sentAt": unfit number`},
		{"text number", message(rest + `,"id":1,"data":{"text":5}`), `"data.text": unfit number`},
		{"data a string", message(rest + `,"id":1,"data":"x"`), `field "data": unfit string`},
		{"data a full array", message(rest + `,"id":1,"data":["x"]`), `field "data": unfit array`},
		{"mentions a string", message(rest + `,"id":1,"data":{"mentions":"x"}`), `mentions": unfit string`},
		{"attachments an object", message(rest + `,"id":1,"data":{"attachments":{"url":"x"}}`), `attachments": unfit object`},
		{"size beyond all numbers", message(rest + `,"id":1,"data":{"attachments":[{"url":"x","size":1e999}]}`), `size": unfit number`},
		{"no sender", message(`"id":1,"receiver":"b","receiverType":"user"`), "sender: id is missing"},
		{"sender too long", message(`"id":1,"sender":"` + strings.Repeat("x", 101) + `","receiver":"b","receiverType":"user"`), "sender: id is 101 bytes"},
		{"sender with space", message(`"id":1,"sender":"a b","receiver":"b","receiverType":"user"`), "sender: id has white space"},
		{"sender nul", message(`"id":1,"sender":"a\u0000","receiver":"b","receiverType":"user"`), "sender: id has white space"},
		{"sender object", message(`"id":1,"sender":{"uid":"a"},"receiver":"b","receiverType":"user"`), `field "sender": unfit object`},
		{"receiver climbs", message(`"id":1,"sender":"a","receiver":"..","receiverType":"group"`), "receiver: id would change a path"},
		{"no receiver type", message(`"id":1,"sender":"a","receiver":"b"`), "receiverType: neither"},
		{"action without original", `{"trigger":"message_deleted","data":{"message":{"category":"action","type":"message","id":"9"}}}`, "data.entities.on.entity: missing"},
	}
	c := newConnection(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events, err := c.Receive(goodAuth(), []byte(tt.body))
			var shape *relay.ShapeError
			if !errors.As(err, &shape) {
				t.Fatalf("got %v, %v", events, err)
			}
			if string(shape.Payload) != tt.body {
				t.Errorf("payload %s", shape.Payload)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %q, want %q in it", err, tt.says)
			}
			if strings.Contains(err.Error(), "999") || strings.Contains(err.Error(), "abc") {
				t.Errorf("%q repeats the payload", err)
			}
		})
	}
}

func TestShapeErrorPayloadIsRedacted(t *testing.T) {
	c := newConnection(t, nil)
	_, err := c.Receive(goodAuth(), []byte(`{"data":{"apiKey":"`+testKey+`","note":"`+testKey+`"}}`))
	var shape *relay.ShapeError
	if !errors.As(err, &shape) {
		t.Fatal(err)
	}
	if got, want := string(shape.Payload), `{"data":{"apiKey":"[removed]","note":"[removed]"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	assertNoSecret(t, err)
}

func TestReceiveOther(t *testing.T) {
	tests := []struct {
		file    string
		thread  event.ThreadRef
		unix    int64 // milliseconds
		changed bool
	}{
		{"message_sent.pending.json", event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew", Root: "5400"}, 1760000500000, false},
		{"moderation_engine_blocked.json", event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew", Root: "5400"}, 1760000500000, false},
		{"message_reaction_added.json", event.ThreadRef{Connection: "cc", Conversation: "message/5101"}, 1760000600000, false},
		{"message_read_receipt.json", event.ThreadRef{Connection: "cc"}, 1760000610000, false},
		{"group_member_joined.json", event.ThreadRef{Connection: "cc"}, 0, true},
		{"user_connection_status_changed.json", event.ThreadRef{Connection: "cc"}, 1760000620123, false},
		{"message_sent.call.json", event.ThreadRef{Connection: "cc", Conversation: "users/lena+mona", Root: "5500"}, 1760000700000, true},
	}
	c := newConnection(t, nil)
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			body := golden(t, tt.file)
			e := receiveOne(t, c, body)
			trigger, _, _ := strings.Cut(tt.file, ".")
			if e.Type != event.Other || e.Trigger != trigger || e.Message != nil || e.Platform != "cometchat" || e.Self != "helper" {
				t.Errorf("%+v", e)
			}
			if e.Thread != tt.thread {
				t.Errorf("thread %v, want %v", e.Thread, tt.thread)
			}
			if e.Time.UnixMilli() != tt.unix {
				t.Errorf("time %v, want %d", e.Time, tt.unix)
			}
			if !strings.HasPrefix(string(e.ID), "cometchat:77a41c0de:other:"+trigger+":") || e.ID != receiveOne(t, c, body).ID {
				t.Errorf("id %s", e.ID)
			}
			if same := string(e.Payload) == string(body); same == tt.changed {
				t.Errorf("payload unchanged: %t\n%s", same, e.Payload)
			}
			for _, secret := range []string{"drawbridge-9", "channel-secret-5"} {
				if strings.Contains(string(e.Payload), secret) {
					t.Errorf("%s stands in the payload", secret)
				}
			}
			if _, err := e.Encode(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReceiveOtherIsGenerous(t *testing.T) {
	c := newConnection(t, nil)
	tests := []struct{ name, body, id, trigger string }{
		{"unknown trigger without data", `{"trigger":"New_Thing-2"}`, "cometchat:app1:other:new_thing_2:", "New_Thing-2"},
		{"trigger with anything in it", `{"trigger":"a b\n\u0000é.*>"}`, "cometchat:app1:other:a_b______:", "a_b______"},
		{"long trigger", `{"trigger":"` + strings.Repeat("x", 70) + `"}`, "cometchat:app1:other:" + strings.Repeat("x", 64) + ":", strings.Repeat("x", 64)},
		{"app id number", `{"trigger":"t","appId":12}`, "cometchat:12:other:t:", "t"},
		{"app id masked", `{"trigger":"t","appId":"1*2<x>"}`, "cometchat:1*2<x>:other:t:", "t"},
		{"app id no id", `{"trigger":"t","appId":"a b"}`, "cometchat:app1:other:t:", "t"},
		{"app id object", `{"trigger":"t","appId":{}}`, "cometchat:app1:other:t:", "t"},
		{"data array", `{"trigger":"t","data":[1e999]}`, "cometchat:app1:other:t:", "t"},
		{"reaction without id", `{"trigger":"message_reaction_added","data":{"reaction":{"messageId":"<messageId>"}}}`, "cometchat:app1:other:message_reaction_added:", "message_reaction_added"},
		{"times of wrong types", `{"trigger":"t","data":{"timestamp":"soon","body":{"timestamp":1e999}}}`, "cometchat:app1:other:t:", "t"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := receiveOne(t, c, []byte(tt.body))
			if e.Type != event.Other || e.Trigger != tt.trigger || e.Time.Unix() != 0 || e.Thread != (event.ThreadRef{Connection: "cc"}) {
				t.Errorf("%+v", e)
			}
			if id, ok := strings.CutPrefix(string(e.ID), tt.id); !ok || len(id) != 32 {
				t.Errorf("id %s, want %s and 32 digits", e.ID, tt.id)
			}
			if string(e.Payload) != tt.body || !json.Valid(e.Payload) {
				t.Errorf("payload %s", e.Payload)
			}
		})
	}
}
