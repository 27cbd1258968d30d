package cometchat

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// seen is what a server saw of a request.
type seen struct {
	method, path string
	header       http.Header
	body         string
}

// record answers with the golden file and keeps the last request.
func record(t *testing.T, into *seen, file string) *Connection {
	t.Helper()
	body := string(golden(t, file))
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		*into = noteRequest(t, r)
		answer(200, body)(w, r)
	})
}

func noteRequest(t *testing.T, r *http.Request) seen {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return seen{method: r.Method, path: r.URL.EscapedPath(), header: r.Header, body: string(b)}
}

func TestSendReply(t *testing.T) {
	var got seen
	c := record(t, &got, "rest.thread_sent.json")
	receipt, err := c.Send(t.Context(), reply())
	if err != nil {
		t.Fatal(err)
	}
	if want := (event.Receipt{Action: "act-1", Message: "6001", Time: time.Unix(1760000800, 0).UTC()}); !reflect.DeepEqual(receipt, want) {
		t.Errorf("receipt %+v, want %+v", receipt, want)
	}
	if got.method != "POST" || got.path != "/v3/messages/5101/thread" {
		t.Errorf("%s %s", got.method, got.path)
	}
	for name, want := range map[string]string{"apikey": testKey, "onBehalfOf": "helper", "Content-Type": "application/json", "User-Agent": "threadrelay"} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q", name, got.header.Get(name))
		}
	}
	want := `{"receiver":"lena","receiverType":"user","category":"message","type":"text","data":{"text":"You said: <hi> & “ö”","metadata":{"threadrelay":{"action":"act-1","bot":"echo"}}}}`
	if strings.TrimSpace(got.body) != want {
		t.Errorf("body %s\nwant %s", got.body, want)
	}
}

func TestSendPost(t *testing.T) {
	var got seen
	c := record(t, &got, "rest.thread_sent.json")
	a := event.Action{ID: "act-2", Type: event.Post, Bot: "echo", Text: "hello", As: "Mona", Thread: event.ThreadRef{Connection: "cc", Conversation: "group/Harbour-Crew"}}
	if _, err := c.Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if got.path != "/v3/messages" || got.header.Get("onBehalfOf") != "mona" {
		t.Errorf("%s as %q", got.path, got.header.Get("onBehalfOf"))
	}
	want := map[string]any{
		"receiver": "harbour-crew", "receiverType": "group", "category": "message", "type": "text", "muid": "act-2",
		"data": map[string]any{"text": "hello", "metadata": map[string]any{"threadrelay": map[string]any{"action": "act-2", "bot": "echo"}}},
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || !reflect.DeepEqual(body, want) {
		t.Errorf("body %s, %v", got.body, err)
	}
}

// TestMarkerReturns sends and receives what was sent: the marker must survive.
func TestMarkerReturns(t *testing.T) {
	var got seen
	c := record(t, &got, "rest.thread_sent.json")
	if _, err := c.Send(t.Context(), reply()); err != nil {
		t.Fatal(err)
	}
	var sent map[string]any
	if err := json.Unmarshal([]byte(got.body), &sent); err != nil {
		t.Fatal(err)
	}
	sent["id"], sent["sender"], sent["sentAt"] = "7", "helper", 5
	hook, err := json.Marshal(map[string]any{"trigger": "message_sent", "data": map[string]any{"message": sent}})
	if err != nil {
		t.Fatal(err)
	}
	m := receiveOne(t, c, hook).Message
	if want := (event.Marker{Action: "act-1", Bot: "echo"}); m.Marker == nil || *m.Marker != want || m.Text != reply().Text {
		t.Errorf("%+v, marker %+v", m, m.Marker)
	}
}

func TestSendReceivers(t *testing.T) {
	tests := []struct{ conversation, as, receiver, kind string }{
		{"user/Ana", "", "ana", "user"},
		{"group/crew", "", "crew", "group"},
		{"users/ana+zoe", "ana", "zoe", "user"},
		{"users/ana+zoe", "ZOE", "ana", "user"},
		{"users/a+b+c", "a", "b+c", "user"},
		{"users/ana+ana", "ana", "ana", "user"},
	}
	var got seen
	c := record(t, &got, "rest.thread_sent.json")
	for _, tt := range tests {
		a := reply()
		a.Thread.Conversation, a.As = event.ConversationID(tt.conversation), event.UserID(tt.as)
		if _, err := c.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		var body Draft
		if err := json.Unmarshal([]byte(got.body), &body); err != nil || body.Receiver != tt.receiver || body.ReceiverType != tt.kind {
			t.Errorf("%+v: %s, %v", tt, got.body, err)
		}
	}
}

func TestSendRejectsWithoutACall(t *testing.T) {
	tests := []struct {
		name   string
		change func(*event.Action)
		bot    string
		says   string
	}{
		{"nobody to act as", func(*event.Action) {}, "", `connection "cc" has no BotUID`},
		{"user no uid", func(a *event.Action) { a.As = "a b" }, "helper", `user "a b"`},
		{"header injection", func(a *event.Action) { a.As = "a\r\nX: y" }, "helper", "white space"},
		{"neither side", func(a *event.Action) { a.Thread.Conversation = "users/ana+zoe" }, "helper", `"users/ana+zoe"`},
		{"message", func(a *event.Action) { a.Thread.Conversation = "message/12" }, "helper", `"message/12"`},
		{"other platform", func(a *event.Action) { a.Thread.Conversation = "#general" }, "helper", `"#general"`},
		{"empty group", func(a *event.Action) { a.Thread.Conversation = "group/" }, "helper", `"group/"`},
		{"climbing group", func(a *event.Action) { a.Thread.Conversation = "group/.." }, "helper", `"group/.."`},
		{"root no id", func(a *event.Action) { a.Thread.Root = "../users" }, "helper", `"../users"`},
		{"no root", func(a *event.Action) { a.Thread.Root = "" }, "helper", "without a root"},
		{"no text", func(a *event.Action) { a.Text = "" }, "helper", "without text"},
		{"unknown type", func(a *event.Action) { a.Type = "dance" }, "helper", `"dance"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConnection(t, func(cfg *Config) {
				cfg.BotUID = tt.bot
				cfg.HTTP = &http.Client{Transport: refusing{t}}
			})
			a := reply()
			tt.change(&a)
			_, err := c.Send(t.Context(), a)
			var f *relay.Failure
			if !errors.As(err, &f) || f.Kind != relay.Rejected || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q in it", err, tt.says)
			}
		})
	}
}

// refusing fails the test when anything is called.
type refusing struct{ t *testing.T }

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	r.t.Errorf("called: %s", req.URL.Path)
	return nil, errors.New("refused")
}

func TestSendAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"number": `{"data":{"id":6001,"sentAt":"1760000800"}}`,
		"array":  `{"data":[{"id":"6001","sentAt":1760000800}],"meta":{}}`,
	} {
		r, err := serve(t, answer(200, body)).Send(t.Context(), reply())
		if err != nil || r.Message != "6001" || r.Time.Unix() != 1760000800 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for _, body := range []string{`{"data":{"id":"1"}}`, `{"data":{"id":"1","sentAt":1e999}}`} {
		r, err := serve(t, answer(200, body)).Send(t.Context(), reply())
		if err != nil || !r.Time.IsZero() {
			t.Errorf("%s: %+v, %v", body, r, err)
		}
	}
}

func TestSendRootGone(t *testing.T) {
	c := serve(t, answer(404, `{"error":{"code":"ERR_MESSAGE_ID_NOT_FOUND","message":"gone"}}`))
	if f := sendError(t, c); f.Kind != relay.RootGone {
		t.Error(f)
	}
	a := reply()
	a.Type = event.Post
	_, err := c.Send(t.Context(), a)
	var f *relay.Failure
	if !errors.As(err, &f) || f.Kind != relay.Rejected {
		t.Error(err)
	}
}
