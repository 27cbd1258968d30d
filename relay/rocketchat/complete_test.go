package rocketchat

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// hooked is the event of a webhook call about a message of the workspace.
func (f *fakeSpace) hooked(c *Connection, id string, more object) event.Event {
	f.t.Helper()
	d := f.docs[id]
	u := d["u"].(object)
	call := object{
		"token": testHook, "bot": false, "channel_id": d["rid"], "message_id": id, "timestamp": d["ts"], "user_id": u["_id"],
		"user_name": u["username"], "text": d["msg"],
	}
	if d["rid"] != spaceDirect {
		call["channel_name"] = "x"
	}
	if d["tmid"] != nil {
		call["tmid"] = d["tmid"]
	}
	for key, value := range more {
		call[key] = value
	}
	return received(f.t, c, call)
}

func TestComplete(t *testing.T) {
	f := newFakeSpace(t)
	own := messageID("act", "", 0)
	f.say(fakeAna, spaceChannel, "root", "hello", nil)
	f.say(fakeAna, spaceChannel, "mention", "hi @zoe", object{"mentions": []object{{"_id": zoe, "username": "zoe"}}})
	f.say(fakeAna, spaceChannel, "file", "", object{"files": []object{{"_id": "f1", "name": "a.txt", "type": "text/plain", "size": 3}}})
	f.say(testUser, spaceChannel, own, "You said: hello", object{"tmid": "root", "threadrelay": object{"action": "act", "bot": "echo"}})
	f.reply(zoe, spaceChannel, "root", "reply", "before")
	f.edit("reply", "after")
	f.mu.Lock()
	f.rooms = append(f.rooms, object{"_id": "oddDirectRoom0001", "t": "d", "uids": []string{zoe, testUser}})
	f.mu.Unlock()
	f.say(zoe, "oddDirectRoom0001", "direct", "hi", nil)
	tests := []struct {
		name, id string
		more     object
		calls    int
		check    func(e event.Event) bool
	}{
		{"a mention", "mention", nil, 2, func(e event.Event) bool {
			return e.ID == "rocketchat:rc:mention:created" && len(e.Message.Mentions) == 1 && e.Message.Mentions[0] == zoe
		}},
		{"a file", "file", nil, 2, func(e event.Event) bool {
			return e.ID == "rocketchat:rc:file:created" && len(e.Message.Attachments) == 1 && e.Message.Attachments[0].Size == 3
		}},
		{"our own", own, nil, 2, func(e event.Event) bool {
			return e.Message.Marker != nil && *e.Message.Marker == event.Marker{Action: "act", Bot: "echo"} && e.Thread.Root == "root" && e.ID == event.ID("rocketchat:rc:"+own+":created")
		}},
		{"an edit", "reply", object{"isEdited": true, "text": "between"}, 2, func(e event.Event) bool {
			return e.Type == event.MessageEdited && e.Message.Text == "after" && e.ID == event.ID(fmt.Sprintf("rocketchat:rc:reply:edited:%d", e.Time.UnixMilli())) && e.Thread.Root == "root"
		}},
		{"an odd direct room", "direct", object{"channel_name": nil}, 2, func(e event.Event) bool { return e.Message.Recipient == testUser && !e.Incomplete }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := f.connect()
			e := f.hooked(c, tt.id, tt.more)
			if !e.Incomplete {
				t.Fatalf("%+v is whole", e)
			}
			f.called()
			whole, err := c.Complete(t.Context(), e)
			if err != nil || whole.Incomplete || whole.Validate() != nil || !tt.check(whole) {
				t.Errorf("%+v %+v, %v", whole, whole.Message, err)
			}
			if _, n := f.called(); n != tt.calls {
				t.Errorf("%d calls", n)
			}
			if same, err := c.Complete(t.Context(), whole); err != nil || same.ID != whole.ID {
				t.Errorf("%+v, %v", same, err)
			}
			c.Remember(whole)
			again, err := c.Complete(t.Context(), e)
			_, n := f.called()
			if edit := tt.name == "an edit"; err != nil || again.ID != whole.ID || again.Thread != whole.Thread || !edit && n != 0 {
				t.Errorf("remembered: %+v, %v, %d calls", again, err, n)
			}
		})
	}
}

// What this process has sent needs no look-up of the message, nor of anything if its room is known.
func TestCompleteOwnWithoutACall(t *testing.T) {
	f := newFakeSpace(t)
	c := f.connect()
	own := messageID("act", "", 0)
	f.say(testUser, spaceDirect, own, "You said: hello", nil)
	c.expect(own, &event.Marker{Action: "act"})
	if _, err := c.Poll(t.Context(), relay.PollRequest{Source: spaceDirect}); err != nil { // which knows the room
		t.Fatal(err)
	}
	e := f.hooked(c, own, nil)
	f.called()
	whole, err := c.Complete(t.Context(), e)
	if calls, n := f.called(); err != nil || n != 0 || whole.Message.Marker == nil || whole.Message.Recipient != fakeAna || whole.ID != event.ID("rocketchat:rc:"+own+":created") {
		t.Errorf("%+v, %v, %v", whole, err, calls)
	}
	c.expectFile("f1", &event.Marker{Action: "act"})
	f.say(testUser, spaceDirect, "made", "", object{"files": []object{{"_id": "f1", "name": "a.txt"}}})
	if whole, err := c.Complete(t.Context(), f.hooked(c, "made", nil)); err != nil || whole.Message.Marker == nil {
		t.Errorf("%+v, %v", whole, err)
	}
}

func TestCompleteFailures(t *testing.T) {
	f := newFakeSpace(t)
	c := f.connect()
	f.say(fakeAna, spaceChannel, "m", "hi @zoe", nil)
	f.reply(fakeAna, spaceChannel, "m", "reply", "x")
	e := f.hooked(c, "m", nil)
	want := func(name string, e event.Event, kind relay.Kind) {
		t.Helper()
		_, err := c.Complete(t.Context(), e)
		var failure *relay.Failure
		if !errors.As(err, &failure) || failure.Kind != kind {
			t.Errorf("%s: %v, want %s", name, err, kind)
		}
	}
	other := e
	other.Thread.Connection = "other"
	want("another connection's", other, relay.Rejected)
	nothing := e
	nothing.Message = nil
	want("about nothing", nothing, relay.Rejected)
	f.fail = func(w http.ResponseWriter, route string, _ *http.Request) bool {
		if route == "chat.getMessage" {
			answer(200, `{"success":true,"message":{"_id":"another","rid":"r"}}`)(w, nil)
		}
		return route == "chat.getMessage"
	}
	want("another message", e, relay.Temporary)
	f.fail = func(w http.ResponseWriter, _ string, _ *http.Request) bool { w.WriteHeader(502); return true }
	want("502", e, relay.Temporary)
	f.fail = func(w http.ResponseWriter, _ string, _ *http.Request) bool {
		answer(403, `{"success":false,"error":"Not allowed","errorType":"error-forbidden"}`)(w, nil)
		return true
	}
	want("403", e, relay.Denied)
	f.fail = nil
	f.remove("m")
	want("a tombstone", e, relay.RootGone)
	gone := e
	m := *e.Message
	m.ID = "nowhere"
	gone.Message = &m
	want("nothing there", gone, relay.RootGone)
	gone.Type = event.MessageDeleted
	gone.ID = "rocketchat:rc:nowhere:deleted:incomplete"
	whole, err := c.Complete(t.Context(), gone)
	if err != nil || whole.Incomplete || whole.ID != "rocketchat:rc:nowhere:deleted" || whole.Thread.Root != "nowhere" || whole.Thread.Conversation != spaceChannel {
		t.Errorf("%+v, %v", whole, err)
	}
	c.Remember(event.Event{
		Type: event.MessageCreated, Thread: event.ThreadRef{Connection: "rc", Conversation: spaceChannel, Root: "m"},
		Message: &event.Message{ID: "nowhere", Parent: "m", Sender: event.User{ID: zoe}},
	})
	if whole, err := c.Complete(t.Context(), gone); err != nil || whole.Thread.Root != "m" || whole.Message.Sender.ID != zoe || whole.Message.Parent != "m" {
		t.Errorf("%+v, %v", whole, err)
	}
}

// What is remembered is bounded, and the oldest is forgotten.
func TestMemoryIsBounded(t *testing.T) {
	var m memory
	name := func(n int) string { return string(rune('a'+n%26)) + time.Duration(n).String() }
	for n := range maxMessages + 100 {
		m.note(name(n), func(k *known) { k.created = true })
		if n%50 == 0 {
			m.note("kept", func(*known) {})
		}
	}
	_, first := m.get(name(0))
	_, last := m.get(name(maxMessages + 99))
	_, kept := m.get("kept")
	if len(m.known) != maxMessages || m.recent.Len() != maxMessages || first || !last || !kept {
		t.Errorf("%d, first %t, last %t, kept %t", len(m.known), first, last, kept)
	}
}

func TestRememberIgnoresWhatDoesNotTell(t *testing.T) {
	c := newConnection(t, nil)
	whole := event.Event{Type: event.MessageCreated, Thread: event.ThreadRef{Connection: "rc", Conversation: "r", Root: "m"}, Message: &event.Message{ID: "m"}}
	for name, change := range map[string]func(e *event.Event){
		"incomplete": func(e *event.Event) { e.Incomplete = true }, "no message": func(e *event.Event) { e.Message = nil },
		"another's": func(e *event.Event) { e.Thread.Connection = "other" }, "no room": func(e *event.Event) { e.Thread.Conversation = "" },
		"no root": func(e *event.Event) { e.Thread.Root = "" },
	} {
		e := whole
		change(&e)
		if c.Remember(e); c.isStored(whole) {
			t.Errorf("%s: it is remembered", name)
		}
	}
	if c.Remember(whole); !c.isStored(whole) {
		t.Error("it is not remembered")
	}
	edit := whole
	edit.Type, edit.Time = event.MessageEdited, time.UnixMilli(1000)
	later := edit
	later.Time = time.UnixMilli(2000)
	if c.Remember(edit); !c.isStored(edit) || c.isStored(later) {
		t.Error("the wrong edit is remembered")
	}
}
