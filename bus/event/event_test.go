package event_test

import (
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
)

func TestDecodeRefusesOtherVersions(t *testing.T) {
	for _, data := range []string{`{"id":"x"}`, `{"version":2,"id":"x"}`, `[]`, ``} {
		if _, err := event.DecodeEvent([]byte(data)); err == nil || !strings.Contains(err.Error(), "decode") {
			t.Errorf("%s: %v", data, err)
		}
		if _, err := event.DecodeReceipt([]byte(data)); err == nil || !strings.Contains(err.Error(), "decode") {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestLane(t *testing.T) {
	cases := map[event.ThreadRef]string{
		{Conversation: "group/eng", Root: "41"}: "group%2Feng:41",
		{Conversation: "user/ana.b", Root: ""}:  "user%2Fana%2Eb:",
		{}:                                      ":",
		{Conversation: "#général *>", Root: "aB9_-"}: "%23g%C3%A9n%C3%A9ral%20%2A%3E:aB9_-",
	}
	for ref, want := range cases {
		if got := ref.Lane(); got != want {
			t.Errorf("lane of %v is %q, want %q", ref, got, want)
		}
	}
}

func TestActionIDs(t *testing.T) {
	seen := map[event.ActionID]string{}
	for _, c := range []struct {
		cause event.ID
		bot   string
		n     int
	}{{"e", "echo", 0}, {"e", "echo", 1}, {"e2", "echo", 0}, {"e", "echo2", 0}, {"ee", "cho", 0}, {"e", "echo1", 0}} {
		id := event.NewActionID(c.cause, c.bot, c.n)
		if id != event.NewActionID(c.cause, c.bot, c.n) {
			t.Errorf("%v: two ids", c)
		}
		if len(id) != 32 || seen[id] != "" {
			t.Errorf("%v: id %q (also of %q)", c, id, seen[id])
		}
		seen[id] = c.bot
	}
	if got, want := event.NewActionID("cometchat:app:42:created", "echo", 0), event.ActionID("4ccfa51cb80fc415b5e7265076a2204a"); got != want {
		t.Errorf("the id of a known action became %s: what was sent before would be sent again", got)
	}
}

// An action belongs into its thread's lane; what follows the action that sends the root has one of its own.
func TestLaneOfAnAction(t *testing.T) {
	following := replyAfter()
	post := following
	post.Type = event.Post
	known := following
	known.Thread.Root = "41"
	change := following
	change.Type = event.Edit
	for want, a := range map[string]event.Action{
		"user%2Fana:%2B00112233445566778899aabbccddeeff": following, "user%2Fana:": post, "user%2Fana:41": known, "user%2Fana:42": reply(),
	} {
		if got := a.Lane(); got != want {
			t.Errorf("lane of %+v is %q, want %q", a, got, want)
		}
	}
	if change.Lane() != following.Lane() {
		t.Errorf("an edit behind a reply is in lane %q", change.Lane())
	}
}
