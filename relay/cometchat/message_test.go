package cometchat

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

func lena() event.User {
	return event.User{ID: "lena", Name: "Lena Vogt", Avatar: "https://pics.example.net/lena.png"}
}

func omar() event.User {
	return event.User{ID: "omar", Name: "Omar Diallo", Avatar: "https://pics.example.net/omar.png"}
}

func directThread() event.ThreadRef {
	return event.ThreadRef{Connection: "cc", Conversation: "user/lena", Root: "5101"}
}

func groupReply() *event.Message {
	return &event.Message{
		ID: "5203", Parent: "5200", Sender: omar(), Kind: "text", Text: "see <@uid:mona> and <@uid:helper>",
		Mentions: []event.UserID{"helper", "mona"},
		Attachments: []event.MediaRef{
			{URL: "https://files.example.net/plan.pdf", Name: "plan.pdf", MIMEType: "application/pdf", Size: 20480},
			{URL: "https://files.example.net/crane.jpg", Name: "crane.jpg", MIMEType: "image/jpeg", Size: 777},
		},
	}
}

func TestReceiveMessages(t *testing.T) {
	edited := &event.Message{ID: "5101", Sender: lena(), Recipient: "helper", Kind: "text", Text: "is the big crane free?"}
	gone := &event.Message{ID: "5101", Sender: lena(), Recipient: "helper", Kind: "text"}
	group := event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew", Root: "5200"}
	tests := []struct {
		file string
		want event.Event
		unix int64
	}{
		{"message_sent.direct.json", event.Event{ID: "5101:created", Type: event.MessageCreated, Thread: directThread(),
			Message: &event.Message{ID: "5101", Sender: lena(), Recipient: "helper", Kind: "text", Text: "is the crane free?"}}, 1760000100},
		{"message_sent.group-reply.json", event.Event{ID: "5203:created", Type: event.MessageCreated, Thread: group, Message: groupReply()}, 1760000300},
		{"user_mentioned.json", event.Event{ID: "5203:created", Type: event.MessageCreated, Thread: group, Message: groupReply()}, 1760000300},
		{"message_edited.action.json", event.Event{ID: "5101:edited:1760000160-90b7fa0e", Type: event.MessageEdited, Thread: directThread(), Message: edited}, 1760000160},
		{"message_edited.plain.json", event.Event{ID: "5101:edited:1760000160-90b7fa0e", Type: event.MessageEdited, Thread: directThread(), Message: edited}, 1760000160},
		{"message_deleted.action.json", event.Event{ID: "5101:deleted", Type: event.MessageDeleted, Thread: directThread(), Message: gone}, 1760000190},
		{"message_deleted.plain.json", event.Event{ID: "5101:deleted", Type: event.MessageDeleted, Thread: directThread(), Message: gone}, 1760000190},
		{"after_message.bot.json", event.Event{ID: "5301:created", Type: event.MessageCreated,
			Thread:  event.ThreadRef{Connection: "cc", Conversation: "user/lena", Root: "5301"},
			Message: &event.Message{ID: "5301", Sender: lena(), Recipient: "helper", Kind: "text", Text: "hello bot"}}, 1760000400},
		{"moderation_manual_approved.json", event.Event{ID: "5400:created", Type: event.MessageCreated,
			Thread:  event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew", Root: "5400"},
			Message: &event.Message{ID: "5400", Sender: omar(), Kind: "text", Text: "cheap ropes!"}}, 1760000500},
	}
	c := newConnection(t, nil)
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			want := tt.want
			want.Version, want.Platform, want.Self = 1, "cometchat", "helper"
			want.ID = "cometchat:77a41c0de:" + want.ID
			want.Trigger, _, _ = strings.Cut(tt.file, ".")
			want.Time = time.Unix(tt.unix, 0).UTC()
			got := receiveOne(t, c, golden(t, tt.file))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v %+v\nwant %+v %+v", got, got.Message, want, want.Message)
			}
			b, err := got.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if back, err := event.DecodeEvent(b); err != nil || !reflect.DeepEqual(back, got) {
				t.Errorf("the round trip gives %+v, %v", back, err)
			}
		})
	}
}

// direct is a message_sent body of a plain 1:1 message whose fields can be set.
func direct(trigger, sender, receiver, fields, data string) []byte {
	return fmt.Appendf(nil, `{"trigger":%q,"appId":"z","data":{"message":{"id":"7","category":"message","type":"text","sender":%q,"receiver":%q,"receiverType":"user","sentAt":1760000000,"data":{%s}%s}}}`,
		trigger, sender, receiver, data, fields)
}

func TestConversationAndRoot(t *testing.T) {
	tests := []struct {
		name, bot, sender, receiver, fields string
		conversation                        event.ConversationID
		root, parent                        event.MessageID
	}{
		{"to the bot", "helper", "Ana", "HELPER", "", "user/ana", "7", ""},
		{"from the bot", "helper", "helper", "ana", "", "user/ana", "7", ""},
		{"from the bot to itself", "helper", "helper", "helper", "", "user/helper", "7", ""},
		{"between others", "helper", "zoe", "ana", "", "users/ana+zoe", "7", ""},
		{"between others, back", "helper", "ana", "zoe", "", "users/ana+zoe", "7", ""},
		{"no bot", "", "ana", "helper", "", "users/ana+helper", "7", ""},
		{"group", "helper", "ana", "Crew", `,"receiverType":"group"`, "group/crew", "7", ""},
		{"group of the bot's name", "helper", "ana", "helper", `,"receiverType":"group"`, "group/helper", "7", ""},
		{"parent string", "helper", "ana", "helper", `,"parentId":"3"`, "user/ana", "3", "3"},
		{"parent number", "helper", "ana", "helper", `,"parentId":18446744073709551615`, "user/ana", "18446744073709551615", "18446744073709551615"},
		{"parent zero", "helper", "ana", "helper", `,"parentId":0`, "user/ana", "7", ""},
		{"parent string zero", "helper", "ana", "helper", `,"parentId":"0"`, "user/ana", "7", ""},
		{"parent empty", "helper", "ana", "helper", `,"parentId":""`, "user/ana", "7", ""},
		{"parent null", "helper", "ana", "helper", `,"parentId":null`, "user/ana", "7", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConnection(t, func(cfg *Config) { cfg.BotUID = tt.bot })
			e := receiveOne(t, c, direct("message_sent", tt.sender, tt.receiver, tt.fields, `"text":"x"`))
			if e.Thread.Conversation != tt.conversation || e.Thread.Root != tt.root || e.Message.Parent != tt.parent {
				t.Errorf("thread %v, parent %q", e.Thread, e.Message.Parent)
			}
			if isGroup := strings.HasPrefix(string(tt.conversation), "group/"); e.Message.Direct() == isGroup {
				t.Errorf("recipient %q", e.Message.Recipient)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	action := func(what string) string {
		return `,"category":"action","data":{"action":"` + what + `","entities":{"on":{"entity":{"id":5,"category":"message","type":"text","sender":"ana","receiver":"zoe","receiverType":"user","data":{"text":"t"}}}}},"type":"message"`
	}
	tests := []struct {
		name, trigger, fields, data string
		want                        event.Type
	}{
		{"custom", "message_sent", `,"category":"custom","type":"location"`, `"customData":{}`, event.MessageCreated},
		{"interactive", "message_sent", `,"category":"interactive","type":"form"`, ``, event.MessageCreated},
		{"card", "message_sent", `,"category":"card"`, ``, event.MessageCreated},
		{"call", "message_sent", `,"category":"call"`, `"action":"initiated"`, event.Other},
		{"member", "message_sent", `,"category":"action","type":"groupMember"`, `"action":"joined"`, event.Other},
		{"agentic", "message_sent", `,"category":"agentic"`, `"text":{"deep":1}`, event.Other},
		{"unknown", "message_sent", `,"category":"hologram"`, ``, event.Other},
		{"no category", "message_sent", `,"category":""`, ``, event.Other},
		{"edit as sent", "message_sent", action("edited"), ``, event.MessageEdited},
		{"delete as sent", "message_sent", action("deleted"), ``, event.MessageDeleted},
		{"delete called edited", "message_deleted", action("edited"), ``, event.MessageDeleted},
		{"unknown action", "message_sent", action("pinned"), ``, event.Other},
		{"member under edited", "message_edited", `,"category":"action","type":"groupMember"`, ``, event.Other},
		{"held", "message_sent", ``, `"text":"x","moderation":{"status":"pending"}`, event.Other},
		{"disapproved", "user_mentioned", ``, `"text":"x","moderation":{"status":"disapproved"}`, event.Other},
		{"unmoderated", "message_sent", ``, `"text":"x","moderation":{"status":"unmoderated"}`, event.MessageCreated},
		{"edit held", "message_edited", ``, `"text":"x","moderation":{"status":"disapproved"}`, event.Other},
		{"delete of a held one", "message_deleted", ``, `"moderation":{"status":"disapproved"}`, event.MessageDeleted},
		{"approval", "moderation_engine_approved", ``, `"text":"x","moderation":{"status":"pending"}`, event.MessageCreated},
		{"refusal", "moderation_engine_blocked", ``, `"text":"x","moderation":{"status":"disapproved"}`, event.Other},
		{"legacy before", "before_message", ``, `"text":"x"`, event.Other},
	}
	c := newConnection(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := receiveOne(t, c, direct(tt.trigger, "ana", "zoe", tt.fields, tt.data))
			if e.Type != tt.want || (e.Message == nil) != (tt.want == event.Other) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestMessageFields(t *testing.T) {
	c := newConnection(t, nil)
	get := func(fields, data string) event.Message {
		return *receiveOne(t, c, direct("message_sent", "ana", "zoe", fields, data)).Message
	}
	base := event.Message{ID: "7", Sender: event.User{ID: "ana"}, Recipient: "zoe", Kind: "text"}
	tests := []struct {
		name, fields, data string
		want               func(*event.Message)
	}{
		{"nulls", `,"updatedAt":null,"muid":null`, `"text":null,"mentions":null,"metadata":null,"attachments":null,"entities":null,"moderation":null`, func(*event.Message) {}},
		{"empty arrays", ``, `"text":"t","mentions":[],"metadata":[ ],"attachments":[],"entities":[],"moderation":[]`, func(m *event.Message) { m.Text = "t" }},
		{"empty arrays below", ``, `"entities":{"sender":[]},"metadata":{"threadrelay":[]},"attachments":[[],null,{"url":""}]`, func(*event.Message) {}},
		{"entity without sense", ``, `"entities":{"sender":{"entity":{"name":5}}}`, func(*event.Message) {}},
		{"data empty array", `,"data":[]`, ``, func(*event.Message) {}},
		{"system", `,"sender":"APP_system"`, ``, func(m *event.Message) { m.Sender = event.User{ID: "app_system", System: true} }},
		{"name and picture", ``, `"entities":{"sender":{"entity":{"name":"Ana","avatar":"https://u:p@h/a?fat=x"}}}`, func(m *event.Message) {
			m.Sender.Name, m.Sender.Avatar = "Ana", "https://[removed]@h/a?fat=[removed]"
		}},
		{"mentions", ``, `"mentions":{"Zoe":{},"ana":[],"ANA":null,"":{},"a b":{}}`, func(m *event.Message) { m.Mentions = []event.UserID{"ana", "zoe"} }},
		{"marker", ``, `"metadata":{"threadrelay":{"action":"a1","bot":"echo","more":1}}`, func(m *event.Message) { m.Marker = &event.Marker{Action: "a1", Bot: "echo"} }},
		{"marker without action", ``, `"metadata":{"threadrelay":{"bot":"echo"}}`, func(*event.Message) {}},
		{"marker of wrong type", ``, `"metadata":{"threadrelay":{"action":5}}`, func(*event.Message) {}},
		{"metadata of wrong type", ``, `"metadata":"x"`, func(*event.Message) {}},
		{"older media", `,"type":"image"`, `"url":"https://f/x.png?fat=abc"`, func(m *event.Message) {
			m.Kind, m.Attachments = "image", []event.MediaRef{{URL: "https://f/x.png?fat=[removed]"}}
		}},
		{"media with both", `,"type":"file"`, `"url":"https://f/x","attachments":[{"url":"https://f/y","size":"many"}]`, func(m *event.Message) {
			m.Kind, m.Attachments = "file", []event.MediaRef{{URL: "https://f/y"}}
		}},
		{"url of a text", ``, `"url":"https://f/x"`, func(*event.Message) {}},
		{"invalid utf-8 and lone surrogates", ``, "\"text\":\"\xff\\ud800\\u0000!\"", func(m *event.Message) { m.Text = "\ufffd\ufffd\x00!" }},
		{"duplicate keys", `,"sender":"first","sender":"ana"`, `"text":"a","text":"b"`, func(m *event.Message) { m.Text = "b" }},
		{"huge unknown number", `,"score":1e999`, ``, func(*event.Message) {}},
		{"number ids", `,"id":90071992547409931234,"sender":12,"receiver":34`, ``, func(m *event.Message) {
			m.ID, m.Sender.ID, m.Recipient = "90071992547409931234", "12", "34"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := base
			tt.want(&want)
			if got := get(tt.fields, tt.data); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestTimesAndIDs(t *testing.T) {
	c := newConnection(t, nil)
	tests := []struct {
		name, trigger, fields string
		unix                  int64
		id                    event.ID
	}{
		{"sentAt string", "message_sent", `,"sentAt":"1760000009"`, 1760000009, "cometchat:z:7:created"},
		{"updatedAt instead", "message_sent", `,"sentAt":0,"updatedAt":1760000009`, 1760000009, "cometchat:z:7:created"},
		{"none", "message_sent", `,"sentAt":null`, 0, "cometchat:z:7:created"},
		{"edited", "message_edited", `,"editedAt":1760000001,"updatedAt":1760000002`, 1760000001, "cometchat:z:7:edited:1760000001-2d711642"},
		{"updated", "message_edited", `,"updatedAt":1760000002`, 1760000002, "cometchat:z:7:edited:1760000002-2d711642"},
		{"edited without time", "message_edited", ``, 0, "cometchat:z:7:edited:0-2d711642"},
		{"deleted", "message_deleted", `,"deletedAt":1760000003,"updatedAt":1760000004`, 1760000003, "cometchat:z:7:deleted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := receiveOne(t, c, direct(tt.trigger, "ana", "zoe", tt.fields, `"text":"x"`))
			if e.Time.Unix() != tt.unix || e.ID != tt.id {
				t.Errorf("%v %s", e.Time, e.ID)
			}
		})
	}
	other := receiveOne(t, c, direct("message_edited", "ana", "zoe", `,"editedAt":1760000001`, `"text":"y"`))
	if other.ID == "cometchat:z:7:edited:1760000001-2d711642" {
		t.Error("two edits in one second have one id")
	}
}
