package cometchat

import (
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
)

// What moderation holds wakes no bot; once it is approved it is the event that it would have been without moderation.
func TestHeldUntilApproved(t *testing.T) {
	c := newConnection(t, nil)
	get := func(trigger, fields, status string) []event.Event {
		events, err := c.Receive(goodAuth(), direct(trigger, "ana", "helper", fields, `"text":"x","moderation":{"status":"`+status+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	const edit = `,"editedAt":1760000009`
	tests := []struct {
		name, trigger, fields string
		held                  event.ID
		approved              []event.ID
	}{
		{"sent", "message_sent", "", "cometchat:app1:7:created", []event.ID{"cometchat:app1:7:created"}},
		{"mentioned", "user_mentioned", "", "cometchat:app1:7:created", []event.ID{"cometchat:app1:7:created"}},
		{"edited", "message_edited", edit, "cometchat:app1:7:edited:1760000009-2d711642",
			[]event.ID{"cometchat:app1:7:created", "cometchat:app1:7:edited:1760000009-2d711642"}},
		{"edited before it was sent", "message_sent", edit, "cometchat:app1:7:edited:1760000009-2d711642",
			[]event.ID{"cometchat:app1:7:created", "cometchat:app1:7:edited:1760000009-2d711642"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, status := range []string{"pending", "disapproved"} {
				held := get(tt.trigger, tt.fields, status)
				if len(held) != 1 || held[0].Type != event.Other || held[0].Message != nil || held[0].ID != tt.held+event.ID(":"+status) {
					t.Errorf("%s: %+v", status, held)
				}
				if !strings.Contains(string(held[0].Payload), `"text":"x"`) || held[0].Thread.Conversation != "user/ana" || held[0].Thread.Root != "7" {
					t.Errorf("%s: %+v", status, held[0])
				}
			}
			for _, trigger := range []string{"moderation_engine_approved", "moderation_manual_approved"} {
				approved := get(trigger, tt.fields, "approved")
				if len(approved) != len(tt.approved) {
					t.Fatalf("%+v", approved)
				}
				for i, e := range approved {
					if e.ID != tt.approved[i] || e.Message.Text != "x" {
						t.Errorf("%s: %+v", trigger, e)
					}
				}
			}
			// The edit that was never held has the id of the one that was.
			if plain := get(tt.trigger, tt.fields, "approved"); plain[len(plain)-1].ID != tt.approved[len(tt.approved)-1] {
				t.Errorf("without moderation: %+v", plain)
			}
		})
	}
}

// An engine that failed leaves it to the app's setting what becomes of the message; the call names the outcome.
func TestFailedModeration(t *testing.T) {
	c := newConnection(t, nil)
	call := func(outcome, data string) []byte {
		return []byte(`{"trigger":"moderation_engine_failed","data":{"outcome":` + outcome + `,"resource":{"id":"7","category":"message","type":"text",` +
			`"sender":"ana","receiver":"helper","receiverType":"user","sentAt":1760000000` + data + `}}}`)
	}
	tests := []struct {
		name, outcome, data string
		want                event.Type
	}{
		{"passes", `"approved"`, `,"data":{"text":"x","moderation":{"status":"pending"}}`, event.MessageCreated},
		{"passes without a text", `"approved"`, ``, event.Other},
		{"passes with nothing", `"approved"`, `,"data":{}`, event.Other},
		{"is blocked", `"blocked"`, `,"data":{"text":"x"}`, event.Other},
		{"is not told", `null`, `,"data":{"text":"x"}`, event.Other},
		{"is an object", `{}`, `,"data":{"text":"x"}`, event.Other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := receiveOne(t, c, call(tt.outcome, tt.data))
			if e.Type != tt.want || e.Thread.Root != "7" || e.Trigger != "moderation_engine_failed" {
				t.Errorf("%+v", e)
			}
			if e.Type == event.MessageCreated && (e.ID != "cometchat:app1:7:created" || e.Message.Text != "x") {
				t.Errorf("%+v", e)
			}
		})
	}
}
