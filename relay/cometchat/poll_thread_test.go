package cometchat

import (
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
)

func TestThreadSource(t *testing.T) {
	c := newConnection(t, nil)
	for ref, want := range map[event.ThreadRef]string{
		{Connection: "cc", Conversation: "group/crew", Root: "4711"}: "thread/4711",
		{Connection: "cc", Root: "4711"}:                             "thread/4711",
		{Connection: "cc", Conversation: "group/crew"}:               "",
		{Connection: "cc", Conversation: "group/crew", Root: "../1"}: "",
		{Connection: "other", Conversation: "group/crew", Root: "1"}: "",
	} {
		got, ok := c.ThreadSource(ref)
		if got != want || ok != (want != "") {
			t.Errorf("%+v: %q, %t", ref, got, ok)
		}
		if ok && c.CheckSource(got) != nil {
			t.Errorf("%q is no source", got)
		}
	}
}
