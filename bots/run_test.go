package bots_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
)

// repeat answers every message with its text.
func repeat(_ context.Context, m *bots.Message) error {
	m.Reply("%s", m.Text)
	return nil
}

// every is a bot with one handler.
func every(name string, h bots.Handler, options ...bots.Option) *bots.Bot {
	bot := bots.New(name, options...)
	bot.Every(h)
	return bot
}

func TestRegistrationMistakesAreReturnedAtOnce(t *testing.T) {
	_, file, line, _ := runtime.Caller(0)
	bad := bots.New("bad")
	bad.On(bots.Text(`(`), repeat)
	bad.On(bots.Text(`fine`), nil)
	bad.On(bots.Matcher{}, repeat)
	bad.Every(nil)
	place := func(n int) string { return fmt.Sprintf("%s:%d: ", filepath.Base(file), line+n) }
	want := []struct{ bot, place, reason string }{
		{"bad", place(2), "missing closing )"},
		{"bad", place(3), "no handler"},
		{"bad", place(4), "an empty matcher"},
		{"bad", place(5), "no handler"},
		{"two words", "", "letters, digits, _ and -"},
		{"", "", "without a name"},
		{"twin", "", "two handlers of the group"},
	}
	b := bustest.Open(t)
	all := []*bots.Bot{
		bad, every("good", repeat), every("two words", repeat), every("", repeat), every("twin", repeat), every("twin", repeat),
	}
	for name, build := range map[string]func() error{
		"NewRunner": func() error { _, err := bots.NewRunner(config(b, all...)); return err },
		"Run":       func() error { return bots.Run(t.Context(), b, all...) },
	} {
		err := build()
		if err == nil {
			t.Fatalf("%s took them", name)
		}
		got := strings.Split(err.Error(), "\n")
		if len(got) != len(want) {
			t.Fatalf("%s: %d mistakes, want %d:\n%v", name, len(got), len(want), err)
		}
		for i, w := range want {
			if g := got[i]; !strings.HasPrefix(g, "bots: "+w.bot) || !strings.Contains(g, w.place) || !strings.Contains(g, w.reason) {
				t.Errorf("%s: mistake %d is %q, want it to name %q, %q and %q", name, i, g, w.bot, w.place, w.reason)
			}
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	st := newStage(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- bots.Run(ctx, st.bus, every("echo", repeat)) }()
	st.publish(direct("t", 0))
	st.wantNext("t 0")
	stop()
	if err := bustest.Receive(t, ended); err != nil {
		t.Error(err)
	}
}

func TestAnActionTravelsInItsThreadsLane(t *testing.T) {
	st := newStage(t)
	st.run(every("plain", repeat), every("named", repeat, bots.As("clerk")))
	// No relay is there to say who belongs to the group, so both bots are shown its messages.
	odd := toGroup(direct("root.1 > é", 0), "group/a b.*")
	first := toGroup(direct("alone", 0), "group/eng")
	first.Message.Parent, first.Message.ID = "", "alone"
	for _, e := range []event.Event{toGroup(direct("t", 0), "group/eng"), odd, first} {
		st.publish(e)
		got := map[string]event.Action{}
		for range 2 {
			a, lane := st.next()
			if want := string(e.Thread.Connection) + "." + e.Thread.Lane(); lane != want {
				t.Errorf("%s: the lane is %q, want %q", e.Thread, lane, want)
			}
			got[a.Bot] = a
		}
		for name, as := range map[string]event.UserID{"plain": "", "named": "clerk"} {
			a := got[name]
			want := event.Action{
				Version: event.Version, ID: event.NewActionID(e.ID, name, 0), Type: event.Reply, Time: a.Time,
				Thread: e.Thread, As: as, Text: e.Message.Text, Bot: name, Cause: e.ID,
			}
			if !reflect.DeepEqual(a, want) || a.Time.Before(e.Time) {
				t.Errorf("%s: %s said %+v, want %+v", e.Thread, name, a, want)
			}
		}
	}
}

func TestMembershipIsAskedForGroupsAlone(t *testing.T) {
	st := newStage(t)
	asked := make(chan event.MembershipQuery, 100)
	stop, err := st.bus.Answer(context.Background(), "1.0.0", bus.Answers{
		Connections: []event.ConnectionID{"support"},
		Member: func(_ context.Context, q event.MembershipQuery) (bool, error) {
			asked <- q
			if q.Conversation == "group/broken" {
				return false, errors.New("the platform is away")
			}
			return q.Conversation == "group/ours", nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	st.run(every("echo", repeat))
	for _, c := range []struct {
		e     event.Event
		asked event.ConversationID
		shown bool
	}{
		{direct("d", 0), "", true},
		{toGroup(direct("g", 1), "group/ours"), "group/ours", true},
		{toGroup(direct("g", 2), "group/theirs"), "group/theirs", false},
		{toGroup(direct("g", 3), "group/broken"), "group/broken", true},
		{direct("d", 4), "", true},
	} {
		st.publish(c.e)
		if c.asked != "" {
			want := event.MembershipQuery{Connection: "support", Conversation: c.asked, User: "helper"}
			if q := bustest.Receive(t, asked); q != want {
				t.Errorf("asked for %+v, want %+v", q, want)
			}
		}
		if c.shown {
			st.wantNext(c.e.Message.Text)
			continue
		}
		// Its thread goes on when it is done with, and asks again.
		again := c.e
		again.ID += "-again"
		st.publish(again)
		bustest.Receive(t, asked)
	}
	st.wantSent("d 0", "g 1", "g 3", "d 4")
	if n := len(asked); n != 0 {
		t.Errorf("%d questions too many", n)
	}
}
