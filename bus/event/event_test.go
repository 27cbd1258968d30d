package event_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

var update = flag.Bool("update", false, "write the golden files anew")

func at() time.Time { return time.Date(2026, 11, 1, 12, 30, 0, 0, time.UTC) }

func created() event.Event {
	return event.Event{
		ID: "cometchat:app:42:created", Type: event.MessageCreated, Time: at(), Platform: "cometchat", Self: "helper",
		Trigger: "message_sent",
		Thread:  event.ThreadRef{Connection: "support", Conversation: "group/engineering", Root: "41"},
		Message: &event.Message{
			ID: "42", Parent: "41", Kind: "text", Text: "is <it> & \"up\"?",
			Sender:      event.User{ID: "ana", Name: "Ana", Avatar: "https://example.org/ana.png"},
			Mentions:    []event.UserID{"helper"},
			Attachments: []event.MediaRef{{URL: "https://example.org/a.png", Name: "a.png", MIMEType: "image/png", Size: 12}},
		},
	}
}

func other() event.Event {
	return event.Event{
		ID: "cometchat:app:other:group_created:00ff", Type: event.Other, Time: at(), Platform: "cometchat", Trigger: "group_created",
		Thread: event.ThreadRef{Connection: "support"}, Payload: json.RawMessage(`{"trigger":"group_created","data":{"text":"<b>"}}`),
	}
}

func reply() event.Action {
	return event.Action{
		ID: "0123456789abcdef", Type: event.Reply, Time: at(), As: "helper", Text: "You said: hi", Bot: "echo",
		Cause: "cometchat:app:42:created", Thread: event.ThreadRef{Connection: "support", Conversation: "user/ana", Root: "42"},
	}
}

// The golden files are the JSON form that others rely on: a difference here is a change of the contract.
func TestGolden(t *testing.T) {
	cases := map[string]func() ([]byte, error){
		"event.created.v1.json": created().Encode,
		"event.other.v1.json":   other().Encode,
		"action.reply.v1.json":  reply().Encode,
	}
	for name, encode := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := encode()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, append(got, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != strings.TrimRight(string(want), "\n") {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestGoldenIsReadBack(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, want := range map[string]event.Event{"event.created.v1.json": created(), "event.other.v1.json": other()} {
		want.Version = event.Version
		if got, err := event.DecodeEvent(read(name)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v (%v)", name, got, err)
		}
	}
	want := reply()
	want.Version = event.Version
	if got, err := event.DecodeAction(read("action.reply.v1.json")); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v)", got, err)
	}
}

func TestEventValidate(t *testing.T) {
	cases := map[string]struct {
		spoil func(*event.Event)
		want  string
	}{
		"no id":          {func(e *event.Event) { e.ID = "" }, "id is empty"},
		"no type":        {func(e *event.Event) { e.Type = "" }, "type is empty"},
		"no time":        {func(e *event.Event) { e.Time = time.Time{} }, "time is missing"},
		"no message":     {func(e *event.Event) { e.Message = nil }, "without a message"},
		"no message id":  {func(e *event.Event) { e.Message.ID = "" }, "message without an id"},
		"no connection":  {func(e *event.Event) { e.Thread.Connection = "" }, "connection is empty"},
		"bad connection": {func(e *event.Event) { e.Thread.Connection = "a.b" }, `connection "a.b"`},
		"long root":      {func(e *event.Event) { e.Thread.Root = event.MessageID(strings.Repeat("x", 513)) }, "root is 513 bytes long"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := created()
			c.spoil(&e)
			if _, err := e.Encode(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestActionValidate(t *testing.T) {
	cases := map[string]struct {
		spoil func(*event.Action)
		want  string
	}{
		"no id":           {func(a *event.Action) { a.ID = "" }, "id is empty"},
		"unknown type":    {func(a *event.Action) { a.Type = "dance" }, `unknown type "dance"`},
		"no bot":          {func(a *event.Action) { a.Bot = "" }, "bot is empty"},
		"no conversation": {func(a *event.Action) { a.Thread.Conversation = "" }, "without a conversation"},
		"no root":         {func(a *event.Action) { a.Thread.Root = "" }, "reply without a root"},
		"no text":         {func(a *event.Action) { a.Text = "" }, "without text"},
		"no connection":   {func(a *event.Action) { a.Thread.Connection = "" }, "connection is empty"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := reply()
			c.spoil(&a)
			if _, err := a.Encode(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	post := reply()
	post.Type, post.Thread.Root = event.Post, ""
	if err := post.Validate(); err != nil {
		t.Errorf("a post needs no root: %v", err)
	}
}

func TestDecodeRefusesOtherVersions(t *testing.T) {
	for _, data := range []string{`{"id":"x"}`, `{"version":2,"id":"x"}`, `[]`, ``} {
		if _, err := event.DecodeEvent([]byte(data)); err == nil || !strings.Contains(err.Error(), "decode") {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestLane(t *testing.T) {
	cases := map[event.ThreadRef]string{
		{Conversation: "group/eng", Root: "41"}: "group%2Feng:41",
		{Conversation: "user/ana.b", Root: ""}:  "user%2Fana%2Eb:",
		{}:                                      ":",
		{Conversation: "#général *>", Root: "aB9_-"}: "%23g%C3%A9n%C3%A9ral%20%2A%3E:aB9_-",
	}
	for ref, want := range cases {
		if got := ref.Lane(); got != want {
			t.Errorf("lane of %v is %q, want %q", ref, got, want)
		}
	}
}

func TestActionIDs(t *testing.T) {
	seen := map[event.ActionID]string{}
	for _, c := range []struct {
		cause event.ID
		bot   string
		n     int
	}{{"e", "echo", 0}, {"e", "echo", 1}, {"e2", "echo", 0}, {"e", "echo2", 0}, {"ee", "cho", 0}, {"e", "echo1", 0}} {
		id := event.NewActionID(c.cause, c.bot, c.n)
		if id != event.NewActionID(c.cause, c.bot, c.n) {
			t.Errorf("%v: two ids", c)
		}
		if len(id) != 32 || seen[id] != "" {
			t.Errorf("%v: id %q (also of %q)", c, id, seen[id])
		}
		seen[id] = c.bot
	}
	if got, want := event.NewActionID("cometchat:app:42:created", "echo", 0), event.ActionID("4ccfa51cb80fc415b5e7265076a2204a"); got != want {
		t.Errorf("the id of a known action became %s: what was sent before would be sent again", got)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	for _, e := range []event.Event{created(), other()} {
		data, err := e.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"version":1,"id":"x","payload":{"a":1e999}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := event.DecodeEvent(data)
		if err != nil {
			return
		}
		out, err := e.Encode()
		if err != nil {
			t.Fatalf("decoded, but not encoded again: %v", err)
		}
		if again, err := event.DecodeEvent(out); err != nil || again.ID != e.ID || again.Thread != e.Thread {
			t.Fatalf("%+v became %+v (%v)", e, again, err)
		}
	})
}
