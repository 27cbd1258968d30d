package rocketchat

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// readAll reads page by page, and returns the ids from the first message to the last.
func readAll(t *testing.T, read func(p relay.PageRequest) (relay.History, error), p relay.PageRequest) []string {
	t.Helper()
	var ids []string
	for range 100 {
		h, err := read(p)
		if err != nil {
			t.Fatal(err)
		}
		if p.Limit > 0 && len(h.Messages) > p.Limit {
			t.Errorf("a page of %d has %d messages", p.Limit, len(h.Messages))
		}
		for _, m := range h.Messages {
			ids = append(ids, string(m.ID))
		}
		if h.Next == "" {
			if !p.OldestFirst {
				slices.Reverse(ids)
			}
			return ids
		}
		p.Cursor = h.Next
	}
	t.Fatal("the history does not end")
	return nil
}

func TestReadPages(t *testing.T) {
	for _, page := range []int{0, 2} { // what the server gives at most
		f := newFakeSpace(t)
		f.page = page
		c := f.connect()
		thread := event.ThreadRef{Connection: "rc", Conversation: spaceChannel, Root: "root"}
		f.say(fakeAna, spaceChannel, "root", "hello", nil)
		inThread, inRoom := []string{"root"}, []string{"root"}
		ways := map[string]func(p relay.PageRequest) (relay.History, error){
			"thread":       func(p relay.PageRequest) (relay.History, error) { return c.Thread(t.Context(), thread, p) },
			"conversation": func(p relay.PageRequest) (relay.History, error) { return c.Conversation(t.Context(), thread, p) },
		}
		for n := range 6 {
			if n > 0 {
				reply := fmt.Sprintf("reply%d", n)
				f.reply(zoe, spaceChannel, "root", reply, "hi")
				other := f.say(fakeAna, spaceChannel, fmt.Sprintf("other%d", n), "hi", nil)
				inThread, inRoom = append(inThread, reply), append(inRoom, reply, other)
				f.say(zoe, spaceChannel, fmt.Sprintf("note%d", n), "zoe", object{"t": "message_pinned", "tmid": "root"})
				f.say(zoe, spaceChannel, fmt.Sprintf("copy%d", n), "hi", object{"_hidden": true, "parent": reply, "tmid": "root"})
			}
			for limit := range len(inRoom) + 3 {
				for _, oldestFirst := range []bool{false, true} {
					for name, read := range ways {
						want := map[string][]string{"thread": inThread, "conversation": inRoom}[name]
						if got := readAll(t, read, relay.PageRequest{Limit: limit, OldestFirst: oldestFirst}); !slices.Equal(got, want) {
							t.Errorf("%s by %d, oldest first %t, the server's pages of %d: %q, want %q", name, limit, oldestFirst, page, got, want)
						}
					}
				}
			}
		}
	}
}

func TestReadWhatIsSaid(t *testing.T) {
	f := newFakeSpace(t)
	c := f.connect()
	f.say(fakeAna, spaceDirect, "m", "hello", nil)
	f.edit("m", "hello!")
	f.reply(testUser, spaceDirect, "m", "r", "hi")
	h, err := c.Conversation(t.Context(), event.ThreadRef{Connection: "rc", Conversation: "@ana"}, relay.PageRequest{OldestFirst: true})
	if err != nil || len(h.Messages) != 2 {
		t.Fatal(h, err)
	}
	m, r := h.Messages[0], h.Messages[1]
	if m.Recipient != testUser || m.Text != "hello!" || m.Edited.IsZero() || m.Time.IsZero() || m.Sender.Name != "ana" || m.Thread.Conversation != spaceDirect {
		t.Errorf("%+v", m)
	}
	if r.Recipient != fakeAna || r.Parent != "m" || r.Thread.Root != "m" || !r.Edited.IsZero() {
		t.Errorf("%+v", r)
	}
	f.remove("m") // which leaves a tombstone
	h, err = c.Thread(t.Context(), event.ThreadRef{Connection: "rc", Conversation: spaceDirect, Root: "m"}, relay.PageRequest{})
	if err != nil || len(h.Messages) != 1 || h.Messages[0].ID != "r" {
		t.Errorf("%+v, %v", h, err)
	}
	f.rooms = f.rooms[:1]
	h, err = f.connect().Conversation(t.Context(), event.ThreadRef{Connection: "rc", Conversation: "@ana"}, relay.PageRequest{})
	if err != nil || len(h.Messages) != 0 || h.Next != "" {
		t.Errorf("a direct room that nobody has opened: %+v, %v", h, err)
	}
	u, err := c.User(t.Context(), zoe)
	if err != nil || u.ID != zoe || u.Name != "zoe" || u.Avatar != c.client.base+"/avatar/zoe" || u.System {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestReadFailures(t *testing.T) {
	f := newFakeSpace(t)
	c := f.connect()
	f.say(fakeAna, spaceChannel, "m", "hello", nil)
	at := func(conversation event.ConversationID, root event.MessageID) event.ThreadRef {
		return event.ThreadRef{Connection: "rc", Conversation: conversation, Root: root}
	}
	thread := func(t event.ThreadRef, p relay.PageRequest) error {
		_, err := c.Thread(f.t.Context(), t, p)
		return err
	}
	room := func(t event.ThreadRef, p relay.PageRequest) error {
		_, err := c.Conversation(f.t.Context(), t, p)
		return err
	}
	user := func(id event.UserID) error {
		_, err := c.User(f.t.Context(), id)
		return err
	}
	for name, tt := range map[string]struct {
		err  error
		want relay.Kind
	}{
		"no root":            {thread(at(spaceChannel, ""), relay.PageRequest{}), relay.Rejected},
		"another connection": {thread(event.ThreadRef{Connection: "x", Root: "m"}, relay.PageRequest{}), relay.Rejected},
		"gone":               {thread(at(spaceChannel, "nowhere"), relay.PageRequest{}), relay.RootGone},
		"gone, oldest first": {thread(at(spaceChannel, "nowhere"), relay.PageRequest{OldestFirst: true}), relay.RootGone},
		"no cursor":          {thread(at(spaceChannel, "m"), relay.PageRequest{Cursor: "x"}), relay.Rejected},
		"the other cursor":   {thread(at(spaceChannel, "m"), relay.PageRequest{Cursor: rootCursor, OldestFirst: true}), relay.Rejected},
		"negative cursor":    {room(at(spaceChannel, ""), relay.PageRequest{Cursor: "-1"}), relay.Rejected},
		"no room":            {room(at("", ""), relay.PageRequest{}), relay.Rejected},
		"no such room":       {room(at("#nowhere", ""), relay.PageRequest{}), relay.Rejected},
		"a live chat":        {room(at("visitorRoomId0001", ""), relay.PageRequest{}), relay.Rejected},
		"another's room":     {room(event.ThreadRef{Connection: "x", Conversation: spaceChannel}, relay.PageRequest{}), relay.Rejected},
		"nobody":             {user("nobody"), relay.Denied},
		"no user":            {user("a b"), relay.Rejected},
	} {
		var failure *relay.Failure
		if !errors.As(tt.err, &failure) || failure.Kind != tt.want {
			t.Errorf("%s: %v, want %s", name, tt.err, tt.want)
		}
	}
	f.fail = func(w http.ResponseWriter, _ string, _ *http.Request) bool { w.WriteHeader(502); return true }
	for name, err := range map[string]error{
		"thread": thread(at(spaceChannel, "m"), relay.PageRequest{}), "room": room(at(spaceChannel, ""), relay.PageRequest{}), "user": user(zoe),
	} {
		var failure *relay.Failure
		if !errors.As(err, &failure) || failure.Kind != relay.Temporary {
			t.Errorf("%s: %v", name, err)
		}
	}
}
