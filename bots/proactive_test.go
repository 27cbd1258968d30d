package bots_test

import (
	"maps"
	"testing"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
)

// What is said from outside of any handler is stored once under its key, in the lane of its thread.
func TestSpeakingFromOutside(t *testing.T) {
	st := newStage(t)
	ref := event.ThreadRef{Connection: "support", Conversation: "group/eng", Root: "7"}
	speak := func(key string) {
		t.Helper()
		th := bots.NewThread(bots.NewWorld(st.bus), bots.New("timer", bots.As("clerk")), key, ref)
		th.Reply("it is %s", "noon")
		th.Post("lunch")
		if err := th.Flush(bustest.Context(t)); err != nil {
			t.Fatal(err)
		}
	}
	speak("noon 2026-11-21")
	speak("noon 2026-11-21")
	speak("noon 2026-11-22")
	got := map[string]int{}
	for range 4 { // a thread and its conversation are not in one lane
		a, lane := st.next()
		got[lane+" "+string(a.As)+": "+a.Text]++
	}
	if want := (map[string]int{"support.group%2Feng:7 clerk: it is noon": 2, "support.group%2Feng: clerk: lunch": 2}); !maps.Equal(got, want) {
		t.Errorf("said %v, want %v", got, want)
	}
	if got := st.stored(bus.ActionsStream); got != 4 {
		t.Errorf("%d actions are stored", got)
	}
}
