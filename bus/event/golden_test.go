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

func ana() event.User {
	return event.User{ID: "ana", Name: "Ana", Avatar: "https://example.org/ana.png"}
}

func created() event.Event {
	return event.Event{
		ID: "cometchat:app:42:created", Type: event.MessageCreated, Time: at(), Platform: "cometchat", Self: "helper",
		Trigger: "message_sent",
		Thread:  event.ThreadRef{Connection: "support", Conversation: "group/engineering", Root: "41"},
		Message: &event.Message{
			ID: "42", Parent: "41", Kind: "text", Text: "is <it> & \"up\"?", Sender: ana(), Mentions: []event.UserID{"helper"},
			Attachments: []event.MediaRef{{URL: "https://example.org/a.png", Name: "a.png", MIMEType: "image/png", Size: 12}},
		},
	}
}

func edited() event.Event {
	e := created()
	e.ID, e.Type, e.Trigger, e.Time = "cometchat:app:42:edited:1793536200-0a1b2c3d", event.MessageEdited, "message_edited", at().Add(time.Minute)
	e.Message = &event.Message{
		ID: "42", Parent: "41", Kind: "text", Text: "is it up now?", Sender: event.User{ID: "helper"}, Marker: &event.Marker{Action: "0123456789abcdef", Bot: "echo"},
	}
	return e
}

func deleted() event.Event {
	return event.Event{
		ID: "cometchat:app:43:deleted", Type: event.MessageDeleted, Time: at().Add(90 * time.Minute), Platform: "cometchat",
		Trigger: "message_deleted", Thread: event.ThreadRef{Connection: "support", Conversation: "users/ana+zoe", Root: "43"},
		Message: &event.Message{ID: "43", Kind: "text", Sender: event.User{ID: "app_system", System: true}, Recipient: "zoe"},
	}
}

func reactionAdded() event.Event {
	return event.Event{
		ID: "cometchat:app:42:reaction-added:7-1793536200", Type: event.ReactionAdded, Time: at(), Platform: "cometchat", Self: "helper",
		Trigger: "message_reaction_added", Thread: event.ThreadRef{Connection: "support", Conversation: "group/engineering", Root: "41"},
		Reaction: &event.Reaction{Message: "42", Emoji: "⚓", By: ana()},
	}
}

func reactionRemoved() event.Event {
	e := reactionAdded()
	e.ID, e.Type, e.Trigger = "cometchat:app:42:reaction-removed:7-1793536200:incomplete", event.ReactionRemoved, "message_reaction_removed"
	e.Incomplete, e.Thread = true, event.ThreadRef{Connection: "support", Conversation: "message/42"}
	e.Reaction = &event.Reaction{Message: "42", Emoji: ":tada:", By: event.User{ID: "ana"}}
	return e
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

// replyWithAll has every field that a reply may have.
func replyWithAll() event.Action {
	a := reply()
	a.Identity = &event.Identity{Name: "Helper <h>", Avatar: "https://example.org/h.png"}
	a.Text, a.Mentions = "see <@uid:ana>", []event.UserID{"ana"}
	a.Attachments = []event.MediaRef{{URL: "https://example.org/a.png", Name: "a.png", MIMEType: "image/png", Size: 12}, {URL: "https://example.org/b"}}
	a.Tags = []string{"urgent", "bot"}
	a.Metadata = json.RawMessage(`{"ticket":7,"path":["a","b"]}`)
	a.Custom = &event.Custom{Kind: "location", Data: json.RawMessage(`{"lat":53.5,"lon":9.9}`)}
	return a
}

func post() event.Action {
	a := reply()
	a.Type, a.Text, a.Cause, a.Thread.Root = event.Post, "", "", ""
	a.Attachments = []event.MediaRef{{URL: "https://example.org/plan.pdf", Name: "plan.pdf", MIMEType: "application/pdf", Size: 20480}}
	a.Also = &event.Recipients{Users: []event.UserID{"zoe"}, Groups: []event.ConversationID{"group/crew"}}
	return a
}

func edit() event.Action {
	a := reply()
	a.Type, a.Target, a.Text = event.Edit, "43", "You said: hello"
	return a
}

func remove() event.Action {
	a := reply()
	a.Type, a.Target, a.Text = event.Delete, "43", ""
	return a
}

func react() event.Action {
	a := reply()
	a.Type, a.Target, a.Text, a.Emoji = event.React, "42", "", "⚓"
	return a
}

func unreact() event.Action {
	a := react()
	a.Type, a.Emoji, a.Thread.Root = event.Unreact, ":tada:", ""
	return a
}

// replyAfter answers a message that another action is yet to send.
func replyAfter() event.Action {
	a := reply()
	a.Cause, a.Thread.Root, a.Follows = "", "", "00112233445566778899aabbccddeeff"
	return a
}

func editAfter() event.Action {
	a := edit()
	a.Target, a.TargetAction, a.Follows = "", "fedcba9876543210", "fedcba9876543210"
	return a
}

func receipt() event.Receipt {
	return event.Receipt{
		ID: "0123456789abcdef:done", Action: "0123456789abcdef", Type: event.Reply, Outcome: event.Done, Time: at(), Bot: "echo",
		Thread:  event.ThreadRef{Connection: "support", Conversation: "user/ana", Root: "42"},
		Message: "44", Parts: []event.MessageID{"44", "45"}, Files: []event.MessageID{"45"}, Root: "42",
	}
}

func receiptElsewhere() event.Receipt {
	r := receipt()
	r.Parts, r.Files, r.Root, r.Fallback = nil, nil, "", "post-flat"
	return r
}

func receiptFailed() event.Receipt {
	r := receipt()
	r.ID, r.Outcome, r.Message, r.Parts, r.Files, r.Root = "0123456789abcdef:failed:17", event.Failed, "", nil, nil, ""
	r.Kind, r.Reason = "root_gone", "cometchat: send 0123456789abcdef: HTTP 404 ERR_MESSAGE_ID_NOT_FOUND"
	return r
}

func receiptSuperseded() event.Receipt {
	r := receipt()
	r.ID, r.Type, r.Outcome, r.Message, r.Parts, r.Files, r.Root = "0123456789abcdef:superseded", event.Edit, event.Superseded, "43", nil, nil, ""
	return r
}

func goldenReceipts() map[string]event.Receipt {
	return map[string]event.Receipt{
		"receipt.done.v1.json": receipt(), "receipt.done-elsewhere.v1.json": receiptElsewhere(), "receipt.failed.v1.json": receiptFailed(),
		"receipt.superseded.v1.json": receiptSuperseded(),
	}
}

func goldenEvents() map[string]event.Event {
	return map[string]event.Event{
		"event.created.v1.json": created(), "event.edited.v1.json": edited(), "event.deleted.v1.json": deleted(),
		"event.reaction-added.v1.json": reactionAdded(), "event.reaction-removed.v1.json": reactionRemoved(), "event.other.v1.json": other(),
	}
}

func goldenActions() map[string]event.Action {
	return map[string]event.Action{
		"action.reply.v1.json": reply(), "action.reply-with-all.v1.json": replyWithAll(), "action.post.v1.json": post(),
		"action.edit.v1.json": edit(), "action.delete.v1.json": remove(), "action.react.v1.json": react(), "action.unreact.v1.json": unreact(),
		"action.reply-follows.v1.json": replyAfter(), "action.edit-follows.v1.json": editAfter(),
	}
}

func capabilities() event.Capabilities {
	return event.Capabilities{
		TextLimit: 9000, TextUnit: "byte", Edit: true, Delete: true, React: true, AttachmentLimit: 100 << 20, Identity: event.Ghosts,
		Idempotence: event.ByMarker, Budgets: []event.Budget{{Scope: "sender", N: 30, Per: time.Minute}},
	}
}

// golden returns a golden file's content without the line's end. With -update it is what it should be.
func golden(t testing.TB, name string, want []byte) string {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update && want != nil {
		if err := os.WriteFile(path, append(want, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(got), "\n")
}

// The golden files are the JSON form that others rely on: a difference here is a change of the contract.
func TestGolden(t *testing.T) {
	cases := map[string]func() ([]byte, error){
		"capabilities.v1.json": func() ([]byte, error) { return json.Marshal(capabilities()) },
	}
	for name, e := range goldenEvents() {
		cases[name] = e.Encode
	}
	for name, a := range goldenActions() {
		cases[name] = a.Encode
	}
	for name, r := range goldenReceipts() {
		cases[name] = r.Encode
	}
	for name, encode := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := encode()
			if err != nil {
				t.Fatal(err)
			}
			if want := golden(t, name, got); string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, tested := cases[f.Name()]; !tested && !f.IsDir() {
			t.Errorf("%s is nobody's golden file", f.Name())
		}
	}
}

func TestGoldenIsReadBack(t *testing.T) {
	for name, want := range goldenEvents() {
		want.Version = event.Version
		if got, err := event.DecodeEvent([]byte(golden(t, name, nil))); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v (%v)", name, got, err)
		}
	}
	for name, want := range goldenActions() {
		want.Version = event.Version
		if got, err := event.DecodeAction([]byte(golden(t, name, nil))); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v (%v)", name, got, err)
		}
	}
	for name, want := range goldenReceipts() {
		want.Version = event.Version
		if got, err := event.DecodeReceipt([]byte(golden(t, name, nil))); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v (%v)", name, got, err)
		}
	}
	var got event.Capabilities
	if err := json.Unmarshal([]byte(golden(t, "capabilities.v1.json", nil)), &got); err != nil || !reflect.DeepEqual(got, capabilities()) {
		t.Errorf("got %+v (%v)", got, err)
	}
}
