package cometchat

import (
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
		{"no reaction", `{"trigger":"message_reaction_added","data":{}}`, "reaction: missing"},
		{"reaction to nothing", `{"trigger":"message_reaction_added","data":{"reaction":{"id":"1","reaction":"⚓","uid":"a"}}}`, "reaction: messageId: message id is missing"},
		{"reaction as documents write it", `{"trigger":"message_reaction_removed","data":{"reaction":{"messageId":"<messageId>","reaction":"⚓","uid":"a"}}}`, "reaction: messageId: message id is not"},
		{"reaction of nothing", `{"trigger":"message_reaction_added","data":{"reaction":{"messageId":"5","reaction":"","uid":"a"}}}`, "reaction: 0 bytes long"},
		{"reaction a novel", `{"trigger":"message_reaction_added","data":{"reaction":{"messageId":"5","reaction":"` + strings.Repeat("x", 257) + `","uid":"a"}}}`, "reaction: 257 bytes long"},
		{"reaction of nobody", `{"trigger":"message_reaction_added","data":{"reaction":{"messageId":"5","reaction":"⚓"}}}`, "reaction: uid: missing"},
		{"reaction by no uid", `{"trigger":"message_reaction_added","data":{"reaction":{"messageId":"5","reaction":"⚓","uid":"a b"}}}`, "reaction: uid: id has white space"},
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

func TestReceiveOfAnotherApp(t *testing.T) {
	tests := []struct {
		name, app string
		taken     bool
	}{
		{"ours", `"app1"`, true},
		{"ours in other letters", `"APP1"`, true},
		{"none", `null`, true},
		{"empty", `""`, true},
		{"masked", `"167*****1529"`, true},
		{"as documents write it", `"<appId>"`, true},
		{"no id at all", `"a b"`, true},
		{"an object", `{}`, true},
		{"longer than any", `"` + strings.Repeat("a", 65) + `"`, true},
		{"another", `"app2"`, false},
		{"another, a number", `12`, false},
		{"part of ours", `"app"`, false},
	}
	c := newConnection(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, call := range []string{
				`{"trigger":"message_sent","appId":` + tt.app + `,"data":{"message":{"id":"7","category":"message","type":"text","sender":"ana","receiver":"zoe","receiverType":"user","sentAt":1760000000,"data":{"text":"x"}}}}`,
				`{"trigger":"call_started","appId":` + tt.app + `,"data":{}}`,
				`{"trigger":"message_reaction_added","appId":` + tt.app + `,"data":{"reaction":{"id":"3","messageId":"7","reaction":"⚓","uid":"ana"}}}`,
			} {
				events, err := c.Receive(goodAuth(), []byte(call))
				var shape *relay.ShapeError
				if tt.taken && (err != nil || !strings.HasPrefix(string(events[0].ID), "cometchat:app1:")) {
					t.Errorf("got %v, %v", events, err)
				}
				if !tt.taken && (!errors.As(err, &shape) || !strings.Contains(err.Error(), `appId: the call is about another app than the connection's, which is "app1"`) || string(shape.Payload) != call) {
					t.Errorf("got %v, %v", events, err)
				}
			}
		})
	}
}
