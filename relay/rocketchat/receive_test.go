package rocketchat

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// hookCalls returns the bodies of webhook calls.
func hookCalls(t testing.TB) map[string]json.RawMessage {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "hooks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Calls map[string]json.RawMessage }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Calls
}

// Each call makes the events in the golden file, with Decode as with Receive, however often.
func TestReceiveGolden(t *testing.T) {
	c := newConnection(t, nil)
	got := make(map[string][]json.RawMessage)
	for name, body := range hookCalls(t) {
		events, err := c.Receive(http.Header{}, body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, e := range events {
			raw, err := e.Encode()
			if err != nil || e.Validate() != nil {
				t.Errorf("%s: %v, %v", name, err, e.Validate())
			}
			got[name] = append(got[name], raw)
		}
		if bytes.Contains(bytes.Join(rawBytes(got[name]), nil), []byte(testHook)) || bytes.Contains(bytes.Join(rawBytes(got[name]), nil), []byte("bcrypt")) {
			t.Errorf("%s: a secret is in the events", name)
		}
		again, err := c.Decode(body)
		if err != nil || len(again) != len(events) || again[0].ID != events[0].ID {
			t.Errorf("%s: decoded again: %+v, %v", name, again, err)
		}
	}
	data, err := json.MarshalIndent(got, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "hooks.golden.json")
	if *update {
		if err := os.WriteFile(golden, append(data, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(bytes.TrimSpace(want), data) {
		t.Errorf("%v\n%s", err, data)
	}
}

func rawBytes(all []json.RawMessage) [][]byte {
	var out [][]byte
	for _, raw := range all {
		out = append(out, raw)
	}
	return out
}

// Calls that do not say all are incomplete, and no others.
func TestReceiveIncomplete(t *testing.T) {
	c := newConnection(t, nil)
	var got []string
	for name, body := range hookCalls(t) {
		events, err := c.Receive(http.Header{}, body)
		if err == nil && events[0].Incomplete {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	if want := []string{"direct_alias", "direct_old_server", "mention", "only_a_file", "own_message", "thread_reply_edited"}; !slices.Equal(got, want) {
		t.Errorf("incomplete are %q, want %q", got, want)
	}
}

func TestReceiveRefuses(t *testing.T) {
	c := newConnection(t, nil)
	closed := newConnection(t, func(cfg *Config) { cfg.WebhookToken = "" })
	good := string(hookCalls(t)["channel_root"])
	for name, tt := range map[string]struct {
		c    *Connection
		body string
		want error
	}{
		"closed":            {closed, good, relay.ErrHookClosed},
		"closed, not JSON":  {closed, "x", relay.ErrHookClosed},
		"another token":     {c, strings.Replace(good, testHook, strings.ToLower(testHook), 1), relay.ErrUnauthorized},
		"longer token":      {c, strings.Replace(good, testHook, testHook+"x", 1), relay.ErrUnauthorized},
		"empty token":       {c, `{"token":""}`, relay.ErrUnauthorized},
		"no token":          {c, `{"message_id":"m"}`, relay.ErrUnauthorized},
		"null token":        {c, `{"token":null}`, relay.ErrUnauthorized},
		"token of a kind":   {c, `{"token":["` + testHook + `"]}`, relay.ErrUnauthorized},
		"no object":         {c, `["` + testHook + `"]`, relay.ErrUnauthorized},
		"a string":          {c, `"` + testHook + `"`, relay.ErrUnauthorized},
		"not JSON":          {c, good + "}", relay.ErrNotJSON},
		"half":              {c, good[:len(good)/2], relay.ErrNotJSON},
		"nothing":           {c, "", relay.ErrNotJSON},
		"deep":              {c, strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), relay.ErrNotJSON},
		"form, as of Slack": {c, "token=" + testHook, relay.ErrNotJSON},
	} {
		events, err := tt.c.Receive(nil, []byte(tt.body))
		if !errors.Is(err, tt.want) || events != nil || strings.Contains(err.Error(), testHook) {
			t.Errorf("%s: %d events, %v", name, len(events), err)
		}
	}
}

func TestReceiveUnknownShapes(t *testing.T) {
	c := newConnection(t, nil)
	change := func(do func(m map[string]any)) string {
		var m map[string]any
		if err := json.Unmarshal(hookCalls(t)["channel_root"], &m); err != nil {
			t.Fatal(err)
		}
		do(m)
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for name, body := range map[string]string{
		"another event":      `{"token":"` + testHook + `","bot":false,"event":"somethingNew","x":"` + testToken + `"}`,
		"no id":              change(func(m map[string]any) { delete(m, "message_id") }),
		"no room":            change(func(m map[string]any) { delete(m, "channel_id") }),
		"no user":            change(func(m map[string]any) { delete(m, "user_id") }),
		"number for an id":   change(func(m map[string]any) { m["message_id"] = 7 }),
		"text is no text":    change(func(m map[string]any) { m["text"] = []string{"x"} }),
		"id of another kind": change(func(m map[string]any) { m["message_id"] = "a/b" }),
		"thread of a kind":   change(func(m map[string]any) { m["tmid"] = "a b" }),
		"long id":            change(func(m map[string]any) { m["message_id"] = strings.Repeat("x", 1000) }),
		"other message": change(func(m map[string]any) {
			m["message"] = object{"_id": "other", "rid": "GENERAL", "u": object{"_id": "u"}}
		}),
		"message of a kind": change(func(m map[string]any) { m["message"] = 5 }),
	} {
		events, err := c.Receive(nil, []byte(body))
		var shape *relay.ShapeError
		if !errors.As(err, &shape) || events != nil || !strings.Contains(err.Error(), "rocketchat: ") {
			t.Errorf("%s: %d events, %v", name, len(events), err)
			continue
		}
		if !json.Valid(shape.Payload) || bytes.Contains(shape.Payload, []byte(testHook)) || bytes.Contains(shape.Payload, []byte(testToken)) || !bytes.Contains(shape.Payload, []byte(`"bot":false`)) {
			t.Errorf("%s: kept %s", name, shape.Payload)
		}
		if _, err := c.Decode(shape.Payload); !errors.As(err, &shape) {
			t.Errorf("%s: what was kept is decoded to %v", name, err)
		}
	}
}

// A webhook and a poll of one thing make one event.
func TestReceivedAsPolled(t *testing.T) {
	f := newFakeSpace(t)
	p := startPolling(f, spaceChannel)
	p.all()
	f.say(fakeAna, spaceChannel, "root", "hello", nil)
	f.reply(zoe, spaceChannel, "root", "reply", "hi")
	for _, e := range p.all() {
		d := f.docs[string(e.Message.ID)]
		call := object{
			"token": testHook, "bot": false, "channel_id": d["rid"], "channel_name": "general", "message_id": d["_id"], "timestamp": d["ts"],
			"user_id": d["u"].(object)["_id"], "user_name": d["u"].(object)["username"], "text": d["msg"],
		}
		if d["tmid"] != nil {
			call["tmid"] = d["tmid"]
		}
		got := received(t, p.c, call)
		a, errA := e.Encode()
		b, errB := got.Encode()
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s\n%s", a, b)
		}
	}
	f.edit("root", "hello!")
	edited := p.all()[0]
	call := object{
		"token": testHook, "bot": false, "channel_id": spaceChannel, "channel_name": "general", "message_id": "root", "timestamp": f.docs["root"]["ts"],
		"user_id": fakeAna, "user_name": "ana", "text": "hello!", "isEdited": true,
	}
	for _, c := range []*Connection{p.c, f.connect()} { // from memory, and by asking
		whole, err := c.Complete(t.Context(), received(t, c, call))
		if err != nil || whole.ID != edited.ID || whole.Incomplete || whole.Thread != edited.Thread || whole.Message.Sender.ID != fakeAna || !whole.Time.Equal(edited.Time) {
			t.Errorf("%+v, %v, want %+v", whole, err, edited)
		}
	}
}

// received is the event of a call.
func received(t *testing.T, c *Connection, call object) event.Event {
	t.Helper()
	body, err := json.Marshal(call)
	if err != nil {
		t.Fatal(err)
	}
	events, err := c.Receive(nil, body)
	if err != nil || len(events) != 1 {
		t.Fatal(len(events), err)
	}
	return events[0]
}

func TestMayMention(t *testing.T) {
	for s, want := range map[string]bool{
		"": false, "@": false, "a @": false, "hi @ana": true, "@ana": true, ">@ana": true, "(@ana)": true, "ana@example.org": false, "a @ ana": false,
		"@all": true, "x@@ana": true, "ünder@ana": false, "@üwe": true,
	} {
		if got := mayMention(s); got != want {
			t.Errorf("%q: %t", s, got)
		}
	}
}

func TestOtherSide(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"anabot", "ana"}: "bot", {"anabot", "bot"}: "ana", {"anaana", "ana"}: "ana", {"ana", "ana"}: "", {"x", ""}: "", {"anabot", "zoe"}: "",
	} {
		got, ok := otherSide(in[0], event.UserID(in[1]))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%q: %q, %t", in, got, ok)
		}
	}
}

func TestRecipient(t *testing.T) {
	for name, tt := range map[string]struct {
		room   Room
		sender event.UserID
		want   event.UserID
		placed bool
	}{
		"channel":       {Room{Kind: Channel, UserIDs: []string{"a", "b"}}, "a", "", true},
		"two":           {Room{Kind: Direct, UserIDs: []string{"a", "b"}}, "b", "a", true},
		"oneself":       {Room{Kind: Direct, UserIDs: []string{"a"}}, "a", "a", true},
		"many":          {Room{Kind: Direct, UserIDs: []string{"a", "b", "c"}}, "b", "", true},
		"by id":         {Room{ID: "ab", Kind: Direct}, "b", "a", true},
		"does not show": {Room{ID: "x", Kind: Direct}, "b", "", false},
	} {
		if got, placed := recipient(tt.room, tt.sender); got != tt.want || placed != tt.placed {
			t.Errorf("%s: %q, %t", name, got, placed)
		}
	}
}

func TestMessageContent(t *testing.T) {
	c := newConnection(t, nil)
	for name, tt := range map[string]struct {
		doc  object
		want event.Message
	}{
		"a picture with a caption, as older servers have it": {
			object{
				"files":       []object{{"_id": "f", "name": "a b.png", "type": "image/png", "size": 5}, {"_id": "g", "name": "thumb-a b.png", "type": "image/png"}},
				"attachments": []object{{"type": "file", "description": "look", "title_link": "/file-upload/f/a.png", "image_url": "/file-upload/g/a.png"}},
			},
			event.Message{Kind: "image", Text: "look", Attachments: []event.MediaRef{{URL: "https://chat.example.org/file-upload/f/a%20b.png", Name: "a b.png", MIMEType: "image/png", Size: 5}}},
		},
		"a file that has no entry of its own": {
			object{"attachments": []object{{"type": "file", "title": "a.bin", "title_link": "/file-upload/f/a.bin"}}},
			event.Message{Kind: "text", Attachments: []event.MediaRef{{URL: "https://chat.example.org/file-upload/f/a.bin", Name: "a.bin"}}},
		},
		"a program's picture, and a quote": {
			object{"msg": "x", "attachments": []object{
				{"title": "chart", "image_url": "https://u:p@example.org/c.png"}, {"message_link": "https://chat.example.org/m", "image_url": "https://example.org/q.png"},
				{"image_url": "javascript:alert(1)"}, {"image_url": "//example.org/x.png"},
			}},
			event.Message{Kind: "text", Text: "x", Attachments: []event.MediaRef{{URL: "https://[removed]@example.org/c.png", Name: "chart"}}},
		},
		"a bridge's message": {
			object{"msg": testToken, "alias": "Nancy", "avatar": "https://example.org/n.png", "u": object{"_id": "rocket.cat", "username": "rocket.cat"}},
			event.Message{Kind: "text", Text: "[removed]", Sender: event.User{ID: "rocket.cat", Name: "Nancy", Avatar: "https://example.org/n.png"}},
		},
		"the platform's own voice": {
			object{"msg": "x", "u": object{"_id": "rocket.cat", "username": "rocket.cat"}},
			event.Message{Kind: "text", Text: "x", Sender: event.User{ID: "rocket.cat", Name: "rocket.cat", Avatar: "https://chat.example.org/avatar/rocket.cat", System: true}},
		},
		"mentions": {
			object{"msg": "x", "mentions": []object{{"_id": "u2", "username": "bob"}, {"_id": "all", "username": "all"}, {"_id": "u2", "username": "bob"}, {}}},
			event.Message{Kind: "text", Text: "x", Mentions: []event.UserID{"u2", "all"}},
		},
	} {
		doc := object{"_id": "m", "rid": "r"}
		maps.Copy(doc, tt.doc)
		got := c.said(messageOf(t, doc), "")
		tt.want.ID = "m"
		a, errA := json.Marshal(got)
		b, errB := json.Marshal(tt.want)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s:\n%s\n%s", name, a, b)
		}
	}
}
