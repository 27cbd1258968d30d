package cometchat

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
)

// others are the calls that threadrelay has no type for: file, conversation, root, time in milliseconds.
func others() []otherCase {
	const group, pair = "group/harbour-crew", "users/lena+mona"
	return []otherCase{
		{"after_campaign_completed", "", "", 1760000930000},
		{"after_campaign_failed", "", "", 1760000931000},
		{"after_feed_item_delivered", "", "", 1760000951000},
		{"after_feed_item_interacted", "", "", 1760000953000},
		{"after_feed_item_read", "", "", 1760000952000},
		{"after_feed_item_sent", "", "", 1760000950000},
		{"after_notification_created", "", "", 1760000940000},
		{"after_push_notification_clicked", "", "", 1760000962000},
		{"after_push_notification_delivered", "", "", 1760000961000},
		{"after_push_notification_sent", "", "", 1760000960000},
		{"before_message", pair, "", 1760000410000}, // it has no id yet
		{"call_busy", pair, "5500", 1760000701000},
		{"call_cancelled", pair, "5500", 1760000702000},
		{"call_ended", "", "", 1760000721000},
		{"call_initiated", pair, "5500", 1760000700000},
		{"call_participant_joined", "", "", 1760000711000},
		{"call_participant_left", "", "", 1760000720000},
		{"call_rejected", pair, "5500", 1760000703000},
		{"call_started", "", "", 1760000710000},
		{"call_unanswered", pair, "5500", 1760000704000},
		{"conversation_pinned", "user/lena", "", 1760000340000},
		{"conversation_unpinned", "user/lena", "", 1760000350000},
		{"group_created", group, "", 1760000800000},
		{"group_deleted", group, "", 1760000802000},
		{"group_member_added", group, "", 1760000804000},
		{"group_member_banned", group, "", 1760000807000},
		{"group_member_joined", group, "", 1749999999000},
		{"group_member_kicked", group, "", 1760000806000},
		{"group_member_left", group, "", 1760000805000},
		{"group_member_scope_changed", group, "", 1760000809000},
		{"group_member_unbanned", group, "", 1760000808000},
		{"group_owner_transferred", group, "", 1760000803000},
		{"group_updated", group, "", 1760000801000},
		{"meeting_ended", "", "", 1760000721000},
		{"meeting_participant_joined", "", "", 1760000711000},
		{"meeting_participant_left", "", "", 1760000720000},
		{"meeting_started", "", "", 1760000710000},
		{"message_delivered_to_all", group, "", 1760000611000},
		{"message_delivery_receipt", "user/lena", "", 1760000608000},
		{"message_pinned", group, "5200", 1760000320000},
		{"message_read_by_all", group, "", 1760000612000},
		{"message_read_receipt", pair, "", 1760000610000},
		{"message_sent.call", pair, "5500", 1760000700000},
		{"message_unpinned", group, "5200", 1760000330000},
		{"moderation_engine_blocked", group, "5400", 1760000500000},
		{"moderation_engine_blocked.edit", group, "5410", 1760000540000},
		{"moderation_engine_failed", "user/lena", "5430", 1760000532000},
		{"recording_generated", "", "", 1760000712000},
		{"transcription_generated", "", "", 1760000722000},
		{"user_blocked", "", "", 0},
		{"user_connection_status_changed", "", "", 1760000620123},
		{"user_unblocked", "", "", 0},
	}
}

type otherCase struct {
	file         string
	conversation event.ConversationID
	root         event.MessageID
	millis       int64
}

// credentials stand in the golden files, and must not come out.
func credentials() []string {
	return []string{"drawbridge-9", "channel-secret-5", "ticket-7", "ticket-8", "gavel-3"}
}

func TestReceiveOther(t *testing.T) {
	c := newConnection(t, nil)
	for _, tt := range others() {
		t.Run(tt.file, func(t *testing.T) {
			body := golden(t, tt.file+".json")
			e := receiveOne(t, c, body)
			trigger, _, _ := strings.Cut(tt.file, ".")
			if e.Type != event.Other || e.Trigger != trigger || e.Message != nil || e.Platform != "cometchat" || e.Self != "helper" {
				t.Errorf("%+v", e)
			}
			if want := (event.ThreadRef{Connection: "cc", Conversation: tt.conversation, Root: tt.root}); e.Thread != want {
				t.Errorf("thread %v, want %v", e.Thread, want)
			}
			if e.Time.UnixMilli() != tt.millis {
				t.Errorf("time %v, want %d", e.Time.UnixMilli(), tt.millis)
			}
			if !strings.HasPrefix(string(e.ID), "cometchat:app1:other:"+trigger+":") || e.ID != receiveOne(t, c, body).ID {
				t.Errorf("id %s", e.ID)
			}
			was := string(body)
			for _, secret := range credentials() {
				was = strings.ReplaceAll(was, secret, removed)
			}
			was = strings.ReplaceAll(was, "judge:"+removed, removed)
			if string(e.Payload) != was {
				t.Errorf("payload %s\nwant %s", e.Payload, was)
			}
			if _, err := e.Encode(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A golden file that no test looks at proves nothing.
func TestEveryGoldenCallIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, tt := range others() {
		tested[tt.file] = true
	}
	for _, tt := range goldenMessages() {
		tested[tt.file] = true
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 80 {
		t.Fatal(err, len(files))
	}
	for _, name := range files {
		name = strings.TrimSuffix(filepath.Base(name), ".json")
		if !strings.HasPrefix(name, "rest.") && !tested[name] {
			t.Errorf("%s is in no table", name)
		}
	}
}

func TestReceiveOtherIsGenerous(t *testing.T) {
	c := newConnection(t, nil)
	tests := []struct{ name, body, id, trigger string }{
		{"unknown trigger without data", `{"trigger":"New_Thing-2"}`, "new_thing_2:", "New_Thing-2"},
		{"trigger with anything in it", `{"trigger":"a b\n\u0000é.*>"}`, "a_b______:", "a_b______"},
		{"long trigger", `{"trigger":"` + strings.Repeat("x", 70) + `"}`, strings.Repeat("x", 64) + ":", strings.Repeat("x", 64)},
		{"data array", `{"trigger":"t","data":[1e999]}`, "t:", "t"},
		{"times of wrong types", `{"trigger":"t","data":{"timestamp":"soon","createdAt":{},"sentAt":-4,"body":{"timestamp":1e999}}}`, "t:", "t"},
		{"group without sense", `{"trigger":"t","data":{"group":{"guid":"a b"},"conversationId":5,"message":"x"}}`, "t:", "t"},
		{"conversation of whom", `{"trigger":"t","data":{"conversationId":"a_user_b_user_c"}}`, "t:", "t"},
		{"conversation of nobody", `{"trigger":"t","data":{"conversationId":"_user_","conversation":{"conversationId":"group_"}}}`, "t:", "t"},
		{"failed moderation without a message", `{"trigger":"moderation_engine_failed","data":{"outcome":"approved"}}`, "moderation_engine_failed:", "moderation_engine_failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := receiveOne(t, c, []byte(tt.body))
			if e.Type != event.Other || e.Trigger != tt.trigger || e.Time.Unix() != 0 || e.Thread != (event.ThreadRef{Connection: "cc"}) {
				t.Errorf("%+v", e)
			}
			if id, ok := strings.CutPrefix(string(e.ID), "cometchat:app1:other:"+tt.id); !ok || len(id) != 32 {
				t.Errorf("id %s, want %s and 32 digits", e.ID, tt.id)
			}
			if string(e.Payload) != tt.body || !json.Valid(e.Payload) {
				t.Errorf("payload %s", e.Payload)
			}
		})
	}
}

func TestConversationOf(t *testing.T) {
	for id, want := range map[string]event.ConversationID{
		"group_Crew": "group/crew", "group_a_user_b": "group/a_user_b", "ana_user_helper": "user/ana", "helper_user_zoe": "user/zoe",
		"zoe_user_ana": "users/ana+zoe", "a b_user_c": "", "a_user_b_user_c": "", "group_": "", "_user_": "", "": "", "crew": "",
	} {
		if got := conversationOf("helper", id); got != want {
			t.Errorf("%q: got %q, want %q", id, got, want)
		}
	}
}
