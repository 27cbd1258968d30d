package rocketchat

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func postOf(text string) event.Action {
	return event.Action{
		ID: "act-1", Type: event.Post, Bot: "echo", Text: text, Time: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC),
		Thread: event.ThreadRef{Connection: "rc", Conversation: fakeRoom},
	}
}

func replyTo(root event.MessageID, text string) event.Action {
	a := postOf(text)
	a.Type, a.Thread.Root = event.Reply, root
	return a
}

func changeOf(typ event.ActionType, target event.MessageID) event.Action {
	a := postOf("")
	a.Type, a.Target = typ, target
	return a
}

// sendKind sends an action that has to fail, and returns the failure.
func sendKind(t *testing.T, c *Connection, a event.Action) *relay.Failure {
	t.Helper()
	r, err := c.Send(t.Context(), a)
	var f *relay.Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %+v, %v", r, err)
	}
	assertNoSecret(t, err)
	return f
}

func TestPost(t *testing.T) {
	f, c := newFakeChat(t)
	a := postOf("You said: <hi> & “ö” 5 * 3")
	a.Tags, a.Metadata = []string{"t"}, json.RawMessage(`{"k":1}`)
	a.Custom = &event.Custom{Kind: "place", Data: json.RawMessage(`{"x":2}`)}
	r, err := c.Send(t.Context(), a)
	must(t, err)
	id := messageID("act-1", "", 0)
	d := f.doc(id)
	if d == nil || r.Action != "act-1" || r.Message != event.MessageID(id) || r.Parts != nil || r.Time.IsZero() || d["msg"] != a.Text || d["tmid"] != nil {
		t.Fatalf("%+v: %v", r, d)
	}
	stamp, _ := json.Marshal(d["threadrelay"])
	if want := `{"action":"act-1","bot":"echo","data":{"x":2},"kind":"place","metadata":{"k":1},"tags":["t"]}`; string(stamp) != want {
		t.Errorf("stamp %s", stamp)
	}
	if bot, _ := json.Marshal(d["bot"]); string(bot) != `{"i":"threadrelay"}` {
		t.Errorf("bot %s", bot)
	}
	if got := f.count("chat.sendMessage"); got != 1 || len(f.calls) != 1 {
		t.Errorf("%d calls", len(f.calls))
	}
}

func TestReplyLooksForItsRootOnce(t *testing.T) {
	f, c := newFakeChat(t)
	f.say("rootMessage000001", fakeRoom, "", "root")
	for i, id := range []event.ActionID{"a", "b"} {
		a := replyTo("rootMessage000001", "re")
		a.ID = id
		r, err := c.Send(t.Context(), a)
		must(t, err)
		if d := f.doc(string(r.Message)); d["tmid"] != "rootMessage000001" {
			t.Errorf("%d: %v", i, d)
		}
	}
	if n := f.count("chat.getMessage"); n != 1 {
		t.Errorf("the root was looked up %d times", n)
	}
	own, err := c.Send(t.Context(), postOf("a root of our own"))
	must(t, err)
	a := replyTo(own.Message, "re")
	a.ID = "c"
	_, err = c.Send(t.Context(), a)
	must(t, err)
	if n := f.count("chat.getMessage"); n != 1 {
		t.Errorf("a root of our own was looked up")
	}
}

func TestRootIsGone(t *testing.T) {
	f, c := newFakeChat(t)
	f.say("tombstone00000001", fakeRoom, "", "")
	f.find("tombstone00000001")["t"] = "rm"
	f.say("elsewhere00000001", otherRoom, "", "x")
	tests := []struct {
		root event.MessageID
		want relay.Kind
	}{
		{"unknown0000000001", relay.RootGone}, {"tombstone00000001", relay.RootGone}, {"elsewhere00000001", relay.Rejected},
	}
	for _, tt := range tests {
		if got := sendKind(t, c, replyTo(tt.root, "re")); got.Kind != tt.want || !strings.Contains(got.Error(), "act-1") {
			t.Errorf("%s: %v", tt.root, got)
		}
	}
	if n := f.count("chat.sendMessage"); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

func TestRootThatGoesLater(t *testing.T) {
	f, c := newFakeChat(t)
	now := time.Now()
	c.now = func() time.Time { return now }
	known := func(root event.MessageID) {
		t.Helper()
		f.say(string(root), fakeRoom, "", "root")
		a := replyTo(root, "re")
		a.ID = event.ActionID(root)
		_, err := c.Send(t.Context(), a)
		must(t, err)
		f.docs = nil
	}
	known("forgotten00000001")
	now = now.Add(rootsKept)
	known("deleted0000000001")
	c.Remember(event.Event{Type: event.MessageDeleted, Message: &event.Message{ID: "deleted0000000001"}, Thread: event.ThreadRef{Connection: "rc", Conversation: fakeRoom, Root: "deleted0000000001"}})
	for _, root := range []event.MessageID{"forgotten00000001", "deleted0000000001"} {
		if got := sendKind(t, c, replyTo(root, "re")); got.Kind != relay.RootGone {
			t.Errorf("%s: %v", root, got)
		}
	}
}

func TestRepeatIsHarmless(t *testing.T) {
	texts := map[string]string{
		"today":      "Cannot read properties of undefined (reading 'starred')",
		"long ago":   "Cannot read property 'starred' of undefined",
		"both races": "E11000 duplicate key error collection: rocketchat.rocketchat_message",
		"something":  "Something that nobody knows",
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			f, c := newFakeChat(t)
			want, err := c.Send(t.Context(), postOf("hello"))
			must(t, err)
			f.before = func(w http.ResponseWriter, call fakeCall) bool {
				if call.route != "chat.sendMessage" {
					return false
				}
				body, _ := json.Marshal(object{"success": false, "error": text})
				answer(400, string(body))(w, call.r)
				return true
			}
			again := newConnection(t, func(cfg *Config) { cfg.URL = c.client.base })
			got, err := again.Send(t.Context(), postOf("hello"))
			if err != nil || got.Message != want.Message || !got.Time.Equal(want.Time) || len(f.docs) != 1 {
				t.Errorf("%+v, %v, want %+v; %v", got, err, want, f.texts())
			}
		})
	}
}

func TestRefusalThatIsNoRepeat(t *testing.T) {
	f, c := newFakeChat(t)
	starred := answer(400, `{"success":false,"error":"Cannot read properties of undefined (reading 'starred')"}`)
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		if call.route == "chat.sendMessage" {
			starred(w, call.r)
		}
		return call.route == "chat.sendMessage"
	}
	if got := sendKind(t, c, postOf("x")); got.Kind != relay.Rejected || !strings.Contains(got.Error(), "an app of the workspace") {
		t.Error(got)
	}
	f.say(messageID("act-1", "", 0), fakeRoom, "", "mine")
	if got := sendKind(t, c, postOf("x")); got.Kind != relay.Rejected || !strings.Contains(got.Error(), "is taken") {
		t.Error(got)
	}
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		if call.route == "chat.sendMessage" {
			starred(w, call.r)
		} else {
			answer(503, "busy")(w, call.r)
		}
		return true
	}
	if got := sendKind(t, c, postOf("x")); got.Kind != relay.Temporary {
		t.Error(got)
	}
}

func TestAnswerThatIsLost(t *testing.T) {
	f, c := newFakeChat(t)
	f.meddle(nil, func(http.ResponseWriter, fakeCall) bool { panic(http.ErrAbortHandler) })
	if got := sendKind(t, c, postOf("x")); got.Kind != relay.Temporary {
		t.Error(got)
	}
	f.meddle(nil, nil)
	r, err := c.Send(t.Context(), postOf("x"))
	if err != nil || len(f.docs) != 1 || r.Message != event.MessageID(messageID("act-1", "", 0)) {
		t.Errorf("%+v, %v: %v", r, err, f.texts())
	}
}

func TestLongTextsBecomeParts(t *testing.T) {
	f, c := newFakeChat(t)
	a := postOf(strings.Repeat("one two three 🎉 ", 1000))
	for range 2 {
		r, err := c.Send(t.Context(), a)
		must(t, err)
		var ids []event.MessageID
		for i := range f.texts() {
			ids = append(ids, event.MessageID(messageID("act-1", "", i)))
		}
		if len(ids) != 4 || !slices.Equal(r.Parts, ids) || r.Message != ids[0] {
			t.Fatalf("%+v, want %v", r, ids)
		}
	}
	if got := strings.Join(f.texts(), " "); got != a.Text {
		t.Errorf("got %d bytes of %d", len(got), len(a.Text))
	}
	last, _ := json.Marshal(f.docs[3]["threadrelay"])
	if string(last) != `{"action":"act-1","bot":"echo","part":4}` {
		t.Errorf("%s", last)
	}
}

func TestInterruptedParts(t *testing.T) {
	f, c := newFakeChat(t)
	a := postOf(strings.Repeat("word ", 2500))
	a.As, a.Identity = "mirror-ana", &event.Identity{Name: "Ana"}
	sent := 0
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		if sent++; sent == 2 {
			f.impersonate = false // what changes meanwhile must not move the cuts
			answer(500, "")(w, call.r)
			return true
		}
		return false
	}
	if got := sendKind(t, c, a); got.Kind != relay.Temporary {
		t.Fatal(got)
	}
	_, err := c.Send(t.Context(), a)
	must(t, err)
	got := strings.ReplaceAll(strings.Join(f.texts(), " "), "**Ana**: ", "")
	if got != a.Text || len(f.docs) != 3 {
		t.Errorf("%d parts of %d bytes, want 3 of %d", len(f.docs), len(got), len(a.Text))
	}
}

func TestUnfitActions(t *testing.T) {
	f, c := newFakeChat(t)
	with := func(a event.Action, change func(*event.Action)) event.Action { change(&a); return a }
	tests := map[string]event.Action{
		"no text":              with(postOf("x"), func(a *event.Action) { a.Text = "" }),
		"blank":                postOf(" \n\x00"),
		"no conversation":      with(postOf("x"), func(a *event.Action) { a.Thread.Conversation = "" }),
		"impossible room":      with(postOf("x"), func(a *event.Action) { a.Thread.Conversation = "\x00/../" }),
		"impossible name":      with(postOf("x"), func(a *event.Action) { a.Thread.Conversation = "#" }),
		"impossible root":      replyTo("../\x00?", "x"),
		"impossible target":    changeOf(event.Delete, "../\x00?"),
		"further recipients":   with(postOf("x"), func(a *event.Action) { a.Also = &event.Recipients{Users: []event.UserID{"u"}} }),
		"somebody else":        with(postOf("x"), func(a *event.Action) { a.As = fakeAna }),
		"custom content alone": with(postOf(""), func(a *event.Action) { a.Custom = &event.Custom{Kind: "k", Data: json.RawMessage(`{}`)} }),
		"endless metadata":     with(postOf("x"), func(a *event.Action) { a.Metadata = json.RawMessage(`{"k":"` + strings.Repeat("x", maxStamp) + `"}`) }),
		"edit with tags":       with(changeOf(event.Edit, "m"), func(a *event.Action) { a.Text, a.Tags = "x", []string{"t"} }),
		"edit to blank":        with(changeOf(event.Edit, "m"), func(a *event.Action) { a.Text = "\x00" }),
		"endless edit":         with(changeOf(event.Edit, "m"), func(a *event.Action) { a.Text = strings.Repeat("🎉", maxText/2) + "x" }),
		"nameless emoji":       with(changeOf(event.React, "m"), func(a *event.Action) { a.Emoji = "a b" }),
	}
	for name, a := range tests {
		if got := sendKind(t, c, a); got.Kind != relay.Rejected {
			t.Errorf("%s: %v", name, got)
		}
		if _, found, err := c.Find(t.Context(), a, time.Time{}); found || err == nil {
			t.Errorf("%s: Find returns %t, %v", name, found, err)
		}
		if charges := c.Charges(a); charges != nil {
			t.Errorf("%s: charges %v", name, charges)
		}
	}
	if len(f.calls) != 0 {
		t.Errorf("%d calls", len(f.calls))
	}
}

func TestRoomsByName(t *testing.T) {
	f, c := newFakeChat(t)
	for range 2 {
		for conversation, want := range map[event.ConversationID]string{"#general": fakeRoom, "@ana.b": "direct-ana.b", "@zoe": "direct-zoe"} {
			a := postOf("x")
			a.ID, a.Thread.Conversation = event.ActionID(conversation), conversation
			r, err := c.Send(t.Context(), a)
			must(t, err)
			if d := f.doc(string(r.Message)); d["rid"] != want {
				t.Errorf("%s: %v", conversation, d)
			}
		}
	}
	for _, route := range []string{"rooms.get", "rooms.info", "im.create", "users.info"} {
		if n := f.count(route); n != 1 {
			t.Errorf("%s was asked %d times", route, n)
		}
	}
	a := postOf("x")
	a.Thread.Conversation = "@nobody"
	if got := sendKind(t, c, a); got.Kind != relay.Rejected {
		t.Error(got)
	}
}
