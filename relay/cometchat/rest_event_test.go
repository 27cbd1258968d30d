package cometchat

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// What is polled is what was hooked: the same ids, and the same content, so that whichever comes first is the event.
func TestRowsAreWhatWebhooksTell(t *testing.T) {
	tests := []struct {
		row string
		// hooks are the calls that tell of the same, one for each event of the row. Several calls for one event stand in one text.
		hooks []string
	}{
		{"created", []string{"message_sent.direct"}},
		{"reply", []string{"message_sent.group-reply user_mentioned"}},
		{"image", []string{"message_sent.image"}},
		{"custom", []string{"message_sent.custom"}},
		{"edit-action", []string{"message_edited.action message_edited.plain"}},
		{"delete-action", []string{"message_deleted.action message_deleted.plain"}},
		{"delete-action-called-edited", []string{"message_deleted.action message_deleted.plain"}},
		{"delete-action-bare", []string{"message_deleted.bare"}},
		{"deleted", []string{"message_deleted.action message_deleted.plain"}},
		{"pending", []string{"message_sent.pending"}},
		{"disapproved", []string{"message_sent.disapproved"}},
		{"pending-edit", []string{"message_edited.plain-pending message_edited.action-pending"}},
	}
	c := newConnection(t, nil)
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			rows := rowEvents(t, c, "rest.row."+tt.row+".json")
			if len(rows) != len(tt.hooks) {
				t.Fatalf("%d events", len(rows))
			}
			for i, hooks := range tt.hooks {
				for _, hook := range strings.Fields(hooks) {
					same(t, rows[i], receiveOne(t, c, golden(t, hook+".json")))
				}
			}
		})
	}
}

// A row that was edited says so, whether the edit was moderated or not; and its creation has the id of every other report.
func TestEditedRows(t *testing.T) {
	c := newConnection(t, nil)
	rows := rowEvents(t, c, "rest.row.edited.json")
	if len(rows) != 2 {
		t.Fatalf("%+v", rows)
	}
	same(t, rows[1], receiveOne(t, c, golden(t, "message_edited.plain.json")))
	created := receiveOne(t, c, golden(t, "message_sent.direct.json"))
	created.Message.Text = rows[1].Message.Text // the text of the day is gone
	same(t, rows[0], created)

	rows = rowEvents(t, c, "rest.row.approved-edit.json")
	approved, err := c.Receive(goodAuth(), golden(t, "moderation_engine_approved.edit.json"))
	if err != nil || len(rows) != 2 || len(approved) != 2 {
		t.Fatalf("%+v, %+v, %v", rows, approved, err)
	}
	same(t, rows[0], approved[0])
	same(t, rows[1], approved[1])
}

func rowEvents(t *testing.T, c *Connection, file string) []event.Event {
	t.Helper()
	events, err := c.eventsOf(golden(t, file))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		checkEvent(t, e)
	}
	return events
}

// same compares a row's event with a webhook's, save for the payload and for a trigger that the poller cannot know.
func same(t *testing.T, row, hook event.Event) {
	t.Helper()
	if hook.Trigger == "user_mentioned" || strings.HasPrefix(hook.Trigger, "moderation_") {
		hook.Trigger = usualTrigger(row.Type)
	}
	if row.Type == event.Other {
		hook.Trigger = row.Trigger
	}
	if (row.Payload == nil) != (hook.Payload == nil) {
		t.Errorf("payloads %s and %s", row.Payload, hook.Payload)
	}
	if row.Payload, hook.Payload = nil, nil; !reflect.DeepEqual(row, hook) {
		t.Errorf("row  %+v %+v\nhook %+v %+v", row, row.Message, hook, hook.Message)
	}
}

func TestRowsThatSayNothing(t *testing.T) {
	c := newConnection(t, nil)
	for file, want := range map[string]event.Event{
		"call": {ID: "cometchat:app1:5500:other:call_audio:1760000700", Trigger: "call/audio",
			Thread: event.ThreadRef{Connection: "cc", Conversation: "users/lena+mona", Root: "5500"}},
		"member": {ID: "cometchat:app1:5600:other:action_groupmember:1760000804", Trigger: "action/groupMember",
			Thread: event.ThreadRef{Connection: "cc", Conversation: "group/harbour-crew", Root: "5600"}},
	} {
		t.Run(file, func(t *testing.T) {
			rows := rowEvents(t, c, "rest.row."+file+".json")
			if len(rows) != 1 {
				t.Fatalf("%+v", rows)
			}
			got := rows[0]
			if got.Type != event.Other || got.ID != want.ID || got.Trigger != want.Trigger || got.Thread != want.Thread || got.Message != nil || got.Payload == nil {
				t.Errorf("got %+v", got)
			}
			if strings.Contains(string(got.Payload), "channel-secret-5") {
				t.Errorf("payload %s", got.Payload)
			}
		})
	}
}

func TestRowsOfUnknownShape(t *testing.T) {
	c := newConnection(t, nil)
	for row, says := range map[string]string{
		`[]`: "message: not an object",
		`{"category":"message","sender":"a","receiver":"b","receiverType":"user"}`: "message id is missing",
		`{"category":"call","id":"5","sender":"a"}`:                                "receiver: id is missing",
		`{"category":"call","id":{}}`:                                              `field "id": unfit object`,
		`{"category":"action","type":"message","data":{"action":"edited"}}`:        "data.entities.on.entity: missing",
		`{"category":"message","id":"5","token":"secret-9","sender":"a"}`:          "receiver: id is missing",
	} {
		_, err := c.eventsOf(json.RawMessage(row))
		var shape *relay.ShapeError
		if !errors.As(err, &shape) || !strings.Contains(err.Error(), says) || strings.Contains(string(shape.Payload), "secret-9") {
			t.Errorf("%s: got %v", row, err)
		}
	}
	if _, err := c.eventsOf(json.RawMessage(`{"id":`)); !errors.Is(err, relay.ErrNotJSON) {
		t.Errorf("got %v", err)
	}
}

func TestPendingID(t *testing.T) {
	for row, want := range map[string]event.MessageID{
		"pending": "5400", "pending-edit": "5410", "approved-edit": "", "disapproved": "", "created": "", "deleted": "", "call": "", "edit-action": "",
	} {
		if got := pendingID(golden(t, "rest.row."+row+".json")); got != want {
			t.Errorf("%s: got %q, want %q", row, got, want)
		}
	}
	for _, row := range []string{`{`, `[]`, `{"category":"message","id":"x","data":{"moderation":{"status":"pending"}}}`} {
		if got := pendingID(json.RawMessage(row)); got != "" {
			t.Errorf("%s: got %q", row, got)
		}
	}
}
