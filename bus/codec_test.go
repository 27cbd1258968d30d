package bus

import (
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus/event"
)

func TestEventTravelsAsACloudEvent(t *testing.T) {
	e := event.Event{
		ID: "cometchat:app:42:created", Type: event.MessageCreated, Time: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
		Platform: "cometchat", Thread: event.ThreadRef{Connection: "support", Conversation: "group/hiking club", Root: "42"},
		Message: &event.Message{ID: "42", Sender: event.User{ID: "ana"}, Text: "hi"},
	}
	m, err := EventMessage(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkOutgoing(m); err != nil {
		t.Fatal(err)
	}
	var out letter
	before := message.NewMessage("before", []byte("before"))
	before.Metadata.Set("of-another", "message")
	out.seal(Actions, ActionsStream, before)
	out.seal(Events, EventsStream, m)
	if want := "relay.events.support.group%2Fhiking%20club:42"; out.Subject != want {
		t.Errorf("subject %s, want %s", out.Subject, want)
	}
	want := map[string]string{
		"ce-specversion": "1.0", "ce-id": "cometchat:app:42:created", "ce-type": "chat.message.created",
		"ce-source": "/connections/support", "ce-time": "2026-11-01T12:00:00Z", "content-type": "application/json",
		nats.MsgIdHdr: "cometchat:app:42:created", nats.ExpectedStreamHdr: EventsStream,
	}
	for k, v := range want {
		if got := strings.Join(out.Header[k], "|"); got != v {
			t.Errorf("header %s is %q, want %q", k, got, v)
		}
	}
	if len(out.Header) != len(want) {
		t.Errorf("headers %v", out.Header)
	}
	back := fromNATS(Events, "relay.events.3.support.group%2Fhiking%20club:42", out.Header, out.Data)
	if !back.Equals(m) {
		t.Errorf("came back as %s %v, was %s %v", back.UUID, back.Metadata, m.UUID, m.Metadata)
	}
	got, err := ReadEvent(back)
	if err != nil || got.Message.Text != "hi" || got.Thread != e.Thread {
		t.Errorf("read back %+v (%v)", got, err)
	}
}

// A receipt travels in the lane of its action, also where that is not its thread's.
func TestReceiptTravelsInTheLaneOfItsAction(t *testing.T) {
	a := event.Action{
		ID: "a2", Type: event.Reply, Text: "hi", Bot: "echo", Follows: "a1", Thread: event.ThreadRef{Connection: "support", Conversation: "group/x"},
	}
	sent, err := ActionMessage(a)
	if err != nil {
		t.Fatal(err)
	}
	r := event.Receipt{
		ID: "a2:done", Action: "a2", Type: a.Type, Outcome: event.Done, Time: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), Thread: a.Thread, Bot: "echo", Message: "7",
	}
	m, err := ReceiptMessage(r, ActionLane(a))
	if err != nil {
		t.Fatal(err)
	}
	if m.UUID != "a2:done" || m.Metadata[ceType] != "chat.action.done" || m.Metadata[LaneKey] != "support.group%2Fx:%2Ba1" || sent.Metadata[LaneKey] != m.Metadata[LaneKey] {
		t.Errorf("%s %v, the action has %v", m.UUID, m.Metadata, sent.Metadata)
	}
	if err := checkOutgoing(m); err != nil {
		t.Error(err)
	}
	if got, err := ReadReceipt(m); err != nil || got.Message != "7" {
		t.Errorf("read back %+v (%v)", got, err)
	}
	if _, err := ReceiptMessage(event.Receipt{ID: "x"}, "a.b"); err == nil {
		t.Error("half a receipt is taken")
	}
}

// Anybody may publish to the streams; what they send must not be able to stop a subscriber.
func TestForeignMessagesAreRead(t *testing.T) {
	m := fromNATS(Events, "relay.events.3._._", nats.Header{"X": {"1", "2"}, "Empty": {}, "Nats-Expected-Stream": {"s"}}, nil)
	if m.UUID != "" || m.Metadata.Get("X") != "1, 2" || m.Metadata.Get(LaneKey) != "" || m.Metadata.Get("Nats-Expected-Stream") != "" {
		t.Errorf("read %q %v", m.UUID, m.Metadata)
	}
	for _, data := range []string{"", "null", "{}", `{"version":2}`, `{"version":1,"id":1e999}`, "\xff"} {
		m.Payload = []byte(data)
		_, err := ReadEvent(m)
		if err == nil {
			t.Errorf("read an event out of %q", data)
		}
		if f := (Retry{Attempts: 9, Age: time.Hour}).judge(err, 1, 0, 0); !f.dead {
			t.Errorf("%q: %v is not permanent", data, err)
		}
		if _, err := ReadAction(m); err == nil {
			t.Errorf("read an action out of %q", data)
		}
	}
}

func TestEscapeHeader(t *testing.T) {
	for in, want := range map[string]string{"plain:id": "plain:id", "a b%\"c": "a%20b%25%22c", "é\r\n": "%C3%A9%0D%0A"} {
		if got := escapeHeader(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestValidLane(t *testing.T) {
	for lane, want := range map[string]bool{
		"c.t": true, noLane: true, "rocket-chat.group%2Feng:1": true,
		"": false, ".": false, "c": false, "c.": false, ".t": false, "c.t.u": false, "c..t": false,
		"c.*": false, ">.t": false, "c.a b": false, "c.t\n": false, "c\t.t": false, "c.t\r": false,
	} {
		if got := validLane(lane); got != want {
			t.Errorf("%q: %t", lane, got)
		}
	}
}
