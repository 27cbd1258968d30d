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

type messageCase struct {
	file string
	want []event.Event // less what all have in common
	unix []int64
}

// goldenMessages are the calls that have typed events, and those that moderation holds.
func goldenMessages() []messageCase {
	group := event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew", Root: "5200"}
	ropes := event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew", Root: "5410"}
	own := func(id event.MessageID) event.ThreadRef {
		return event.ThreadRef{Connection: "cc", Conversation: "user/lena", Root: id}
	}
	said := func(id event.MessageID, text string) *event.Message {
		return &event.Message{ID: id, Sender: lena(), Recipient: "helper", Kind: "text", Text: text}
	}
	one := func(file, id string, typ event.Type, thread event.ThreadRef, m *event.Message, unix int64) messageCase {
		return messageCase{file, []event.Event{{ID: event.ID(id), Type: typ, Thread: thread, Message: m}}, []int64{unix}}
	}
	held := func(file, id string, root event.MessageID, unix int64) messageCase {
		return one(file, id, event.Other, event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew", Root: root}, nil, unix)
	}
	reaction := func(file, id string, typ event.Type, by event.User, unix int64) messageCase {
		return messageCase{file, []event.Event{{
			ID: event.ID(id), Type: typ, Incomplete: true, Thread: event.ThreadRef{Connection: "cc", Conversation: "message/5101"},
			Reaction: &event.Reaction{Message: "5101", Emoji: "⚓", By: by},
		}}, []int64{unix}}
	}
	partial := func(c messageCase) messageCase { c.want[0].Incomplete = true; return c }

	ropesText := &event.Message{ID: "5410", Sender: omar(), Kind: "text", Text: "ropes, second hand"}
	const ropesEdit = "5410:edited:1760000540-b8050f4b"
	mona := event.User{ID: "mona", Name: "Mona Brandt", Avatar: "https://pics.example.net/mona.png"}
	quay := &event.Message{ID: "5110", Sender: lena(), Recipient: "helper", Kind: "image", Attachments: []event.MediaRef{
		{URL: "https://files-eu.example.net/app1/media/quay.png?fat=[removed]", Name: "quay.png", MIMEType: "image/png", Size: 40960}}}
	return []messageCase{
		one("message_sent.direct", "5101:created", event.MessageCreated, directThread(), said("5101", "is the crane free?"), 1760000100),
		one("message_sent.group-reply", "5203:created", event.MessageCreated, group, groupReply(), 1760000300),
		one("user_mentioned", "5203:created", event.MessageCreated, group, groupReply(), 1760000300),
		one("message_sent.image", "5110:created", event.MessageCreated, own("5110"), quay, 1760000120),
		one("message_sent.custom", "5111:created", event.MessageCreated, own("5111"),
			&event.Message{ID: "5111", Sender: lena(), Recipient: "helper", Kind: "berth"}, 1760000121),
		one("message_sent.unmoderated", "5420:created", event.MessageCreated, own("5420"), said("5420", "two tons of coal, please"), 1760000520),

		one("message_edited.action", "5101:edited:1760000160-90b7fa0e", event.MessageEdited, directThread(), said("5101", "is the big crane free?"), 1760000160),
		one("message_edited.plain", "5101:edited:1760000160-90b7fa0e", event.MessageEdited, directThread(), said("5101", "is the big crane free?"), 1760000160),
		one("message_deleted.action", "5101:deleted", event.MessageDeleted, directThread(), said("5101", ""), 1760000190),
		one("message_deleted.plain", "5101:deleted", event.MessageDeleted, directThread(), said("5101", ""), 1760000190),
		partial(one("message_deleted.bare", "5101:deleted:incomplete", event.MessageDeleted, own(""),
			&event.Message{ID: "5101", Sender: event.User{ID: "lena"}, Recipient: "helper"}, 1760000190)),
		partial(one("message_deleted.bare-group", "5203:deleted:incomplete", event.MessageDeleted,
			event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew"}, &event.Message{ID: "5203", Sender: event.User{ID: "mona"}}, 1760000390)),

		reaction("message_reaction_added", "5101:reaction-added:88-1760000600:incomplete", event.ReactionAdded, event.User{ID: "mona", Name: "Mona Brandt"}, 1760000600),
		reaction("message_reaction_removed", "5101:reaction-removed:88-1760000605:incomplete", event.ReactionRemoved, mona, 1760000605),

		one("after_message.bot", "5301:created", event.MessageCreated, own("5301"), said("5301", "hello bot"), 1760000400),
		one("after_message.bot-group", "5320:created", event.MessageCreated, group,
			&event.Message{ID: "5320", Parent: "5200", Sender: omar(), Kind: "text", Text: "/tide"}, 1760000420),
		one("after_message.legacy", "5310:created", event.MessageCreated, event.ThreadRef{Connection: "cc", Conversation: "users/lena+mona", Root: "5310"},
			&event.Message{ID: "5310", Sender: lena(), Recipient: "mona", Kind: "text", Text: "low tide at six"}, 1760000410),

		held("message_sent.pending", "5400:created:pending", "5400", 1760000500),
		held("message_sent.disapproved", "5400:created:disapproved", "5400", 1760000500),
		held("message_edited.plain-pending", ropesEdit+":pending", "5410", 1760000540),
		held("message_edited.action-pending", ropesEdit+":pending", "5410", 1760000540),
		held("message_edited.plain-disapproved", ropesEdit+":disapproved", "5410", 1760000540),
		one("moderation_manual_approved", "5400:created", event.MessageCreated, event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew", Root: "5400"},
			&event.Message{ID: "5400", Sender: omar(), Kind: "text", Text: "cheap ropes!"}, 1760000500),
		one("moderation_engine_approved", "5420:created", event.MessageCreated, own("5420"), said("5420", "two tons of coal, please"), 1760000520),
		one("moderation_engine_failed.whole", "5431:created", event.MessageCreated, own("5431"), said("5431", "is the lock open?"), 1760000530),
		{"moderation_engine_approved.edit", []event.Event{
			{ID: "5410:created", Type: event.MessageCreated, Thread: ropes, Message: ropesText},
			{ID: ropesEdit, Type: event.MessageEdited, Thread: ropes, Message: ropesText},
		}, []int64{1760000510, 1760000540}},
	}
}

func TestReceiveMessages(t *testing.T) {
	c := newConnection(t, nil)
	for _, tt := range goldenMessages() {
		t.Run(tt.file, func(t *testing.T) {
			body := golden(t, tt.file+".json")
			got, err := c.Receive(goodAuth(), body)
			if err != nil || len(got) != len(tt.want) {
				t.Fatalf("%d events, %v", len(got), err)
			}
			for i, want := range tt.want {
				checkEvent(t, got[i])
				want.Version, want.Platform, want.Self = 1, "cometchat", "helper"
				want.ID = "cometchat:app1:" + want.ID
				want.Trigger, _, _ = strings.Cut(tt.file, ".")
				want.Time = time.Unix(tt.unix[i], 0).UTC()
				if want.Type == event.Other {
					want.Payload = body
				}
				if string(got[i].Payload) != string(want.Payload) {
					t.Errorf("payload %s", got[i].Payload)
				}
				if got[i].Payload, want.Payload = nil, nil; !reflect.DeepEqual(got[i], want) {
					t.Errorf("got  %+v %+v\nwant %+v %+v", got[i], got[i].Message, want, want.Message)
				}
			}
		})
	}
}

// direct is a message_sent body of a plain 1:1 message whose fields can be set.
func direct(trigger, sender, receiver, fields, data string) []byte {
	return fmt.Appendf(nil, `{"trigger":%q,"appId":"app1","data":{"message":{"id":"7","category":"message","type":"text","sender":%q,"receiver":%q,"receiverType":"user","sentAt":1760000000,"data":{%s}%s}}}`,
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
		{"edit of a deleted one", "message_edited", `,"deletedAt":1760000003`, ``, event.MessageDeleted},
		{"approval of a deleted one", "moderation_manual_approved", `,"deletedAt":1760000003`, `"moderation":{"status":"approved"}`, event.MessageDeleted},
		{"held and deleted", "message_sent", `,"deletedAt":1760000003`, `"moderation":{"status":"pending"}`, event.MessageDeleted},
		{"delete called edited, as sent", "message_sent", strings.Replace(action("edited"), `"id":5`, `"id":5,"deletedAt":1760000003`, 1), ``, event.MessageDeleted},
		{"edit of a call", "message_edited", strings.Replace(action("edited"), `"category":"message"`, `"category":"call"`, 1), ``, event.Other},
		{"edit without a category", "message_edited", strings.Replace(action("edited"), `"category":"message",`, ``, 1), ``, event.MessageEdited},
		{"status without sense", "message_sent", ``, `"text":"x","moderation":{"status":"fried"}`, event.MessageCreated},
		{"failed moderation", "moderation_engine_failed", ``, `"text":"x"`, event.Other},
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
		{"the key in what was said", `,"type":"` + testKey + `"`, `"text":"my key is ` + testKey + `","entities":{"sender":{"entity":{"name":"` + testKey + `"}}},"metadata":{"threadrelay":{"action":"` + testKey + `","bot":"` + testKey + `"}},"attachments":[{"url":"https://h/` + testKey + `","name":"` + testKey + `","mimeType":"` + testKey + `"}]`, func(m *event.Message) {
			m.Kind, m.Text, m.Sender.Name, m.Marker = "[removed]", "my key is [removed]", "[removed]", &event.Marker{Action: "[removed]", Bot: "[removed]"}
			m.Attachments = []event.MediaRef{{URL: "https://h/[removed]", Name: "[removed]", MIMEType: "[removed]"}}
		}},
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
		{"sentAt string", "message_sent", `,"sentAt":"1760000009"`, 1760000009, "cometchat:app1:7:created"},
		{"updatedAt instead", "message_sent", `,"sentAt":0,"updatedAt":1760000009`, 1760000009, "cometchat:app1:7:created"},
		{"none", "message_sent", `,"sentAt":null`, 0, "cometchat:app1:7:created"},
		{"edited", "message_edited", `,"editedAt":1760000001,"updatedAt":1760000002`, 1760000001, "cometchat:app1:7:edited:1760000001-2d711642"},
		{"updated", "message_edited", `,"updatedAt":1760000002`, 1760000002, "cometchat:app1:7:edited:1760000002-2d711642"},
		{"edited without time", "message_edited", ``, 0, "cometchat:app1:7:edited:0-2d711642"},
		{"deleted", "message_deleted", `,"deletedAt":1760000003,"updatedAt":1760000004`, 1760000003, "cometchat:app1:7:deleted"},
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
	if other.ID == "cometchat:app1:7:edited:1760000001-2d711642" {
		t.Error("two edits in one second have one id")
	}
}
