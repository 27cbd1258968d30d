package bots

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
)

// one is what an action is about.
type one struct {
	typ         event.ActionType
	text, emoji string
	thread      event.ThreadRef
	target      event.MessageID
	of, follows int // the place of the action + 1
	as          event.UserID
}

func TestWhatIsAskedFor(t *testing.T) {
	e := heard(false)
	thread, flat := e.Thread, e.Thread
	flat.Root = ""
	elsewhere := event.ThreadRef{Connection: "ops", Conversation: "group/alerts", Root: "99"}
	cases := map[string]struct {
		handler func(m *Message)
		want    []one
	}{
		"a reply and what follows": {
			func(m *Message) {
				s := m.Reply("one")
				s.Edit("%d", 2)
				s.React("⚓")
				s.Unreact("⚓")
				s.Reply("three")
				s.Delete()
			},
			[]one{
				{typ: event.Reply, text: "one", thread: thread},
				{typ: event.Edit, text: "2", thread: thread, of: 1},
				{typ: event.React, emoji: "⚓", thread: thread, of: 1},
				{typ: event.Unreact, emoji: "⚓", thread: thread, of: 1},
				{typ: event.Reply, text: "three", thread: thread},
				{typ: event.Delete, thread: thread, of: 1},
			},
		},
		"a post opens a thread": {
			func(m *Message) {
				s := m.Post("news")
				s.Reply("details").Edit("more")
				s.Edit("good news")
			},
			[]one{
				{typ: event.Post, text: "news", thread: flat},
				{typ: event.Reply, text: "details", thread: flat, follows: 1},
				{typ: event.Edit, text: "more", thread: flat, of: 2, follows: 1},
				{typ: event.Edit, text: "good news", thread: flat, of: 1},
			},
		},
		"what is there": {
			func(m *Message) { m.React(":tada:"); m.Unreact(":tada:"); m.Thread.Message("5").Delete() },
			[]one{
				{typ: event.React, emoji: ":tada:", thread: thread, target: "7"},
				{typ: event.Unreact, emoji: ":tada:", thread: thread, target: "7"},
				{typ: event.Delete, thread: thread, target: "5"},
			},
		},
		"elsewhere, as somebody": {
			func(m *Message) { m.In(elsewhere).ReplyWith(Saying{Text: "x", As: "clerk"}).Delete(); m.Reply("done") },
			[]one{
				{typ: event.Reply, text: "x", thread: elsewhere, as: "clerk"},
				{typ: event.Delete, thread: elsewhere, of: 1, as: "clerk"},
				{typ: event.Reply, text: "done", thread: thread},
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bot := New("b")
			bot.Every(func(_ context.Context, m *Message) error { c.handler(m); return nil })
			said := say(t, bot, e)
			if len(said) != len(c.want) {
				t.Fatalf("%d actions: %+v", len(said), said)
			}
			id := func(n int) event.ActionID {
				if n == 0 {
					return ""
				}
				return said[n-1].ID
			}
			for i, w := range c.want {
				a := said[i]
				want := event.Action{
					Version: event.Version, ID: a.ID, Type: w.typ, Time: a.Time, Thread: w.thread, As: w.as, Text: w.text, Emoji: w.emoji, Target: w.target,
					TargetAction: id(w.of), Follows: id(w.follows), Bot: "b", Cause: e.ID,
				}
				if !reflect.DeepEqual(a, want) {
					t.Errorf("action %d is %+v, want %+v", i, a, want)
				}
			}
		})
	}
}

// TestAChangeIsInTheLaneOfWhatItChanges, so that it comes after it.
func TestAChangeIsInTheLaneOfWhatItChanges(t *testing.T) {
	bot := New("b")
	bot.Every(func(_ context.Context, m *Message) error {
		post := m.Post("news")
		post.Edit("x")
		post.Reply("first").Edit("y")
		post.Reply("second")
		return nil
	})
	var lanes []string
	for _, a := range say(t, bot, heard(false)) {
		lanes = append(lanes, a.Lane())
	}
	if len(lanes) != 5 || lanes[0] != lanes[1] || lanes[1] == lanes[2] || lanes[2] != lanes[3] || lanes[3] != lanes[4] {
		t.Errorf("the lanes are %q", lanes)
	}
}

func TestFlush(t *testing.T) {
	var stored []string
	var fail error
	w := everywhere()
	w.store = func(actions []event.Action) error {
		if fail != nil {
			return fail
		}
		for _, a := range actions {
			stored = append(stored, string(a.ID))
		}
		return nil
	}
	bot := New("b")
	m := newMessage(bot, heard(true), w)
	first, second := m.Reply("one"), m.Reply("two")
	fail = errors.New("out of paper")
	if err := m.Flush(t.Context()); !errors.Is(err, fail) {
		t.Errorf("error %v", err)
	}
	fail = nil
	if err := m.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	third := m.Reply("three")
	out, err := letters(m.Thread.out.rest())
	if err != nil || len(out) != 1 || out[0].UUID != string(third.Action()) {
		t.Errorf("%d are left (%v)", len(out), err)
	}
	for range 2 { // the second one has nothing to do
		if err := m.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	want := []string{string(first.Action()), string(second.Action()), string(third.Action())}
	if !reflect.DeepEqual(stored, want) {
		t.Errorf("stored %v, want %v", stored, want)
	}
}

func TestMiddlewareIsAroundHandlers(t *testing.T) {
	var trace string
	mark := func(name string) Middleware {
		return func(next Handler) Handler {
			return func(ctx context.Context, m *Message) error {
				trace += name + "("
				err := next(ctx, m)
				trace += ")"
				return err
			}
		}
	}
	bot := New("b")
	bot.Use(mark("a"), mark("b"))
	bot.On(Text("hi"), func(context.Context, *Message) error { trace += "x"; return nil }, mark("c"), mark("d"))
	bot.Every(func(context.Context, *Message) error { trace += "y"; return nil })
	for text, want := range map[string]string{"hi": "a(b(c(d(x))))", "ho": "a(b(y))"} {
		trace = ""
		if err := handle(t.Context(), bot, newMessage(bot, saying(text), everywhere())); err != nil || trace != want {
			t.Errorf("%s: %s, %v", text, trace, err)
		}
	}
}

func TestShippedMiddleware(t *testing.T) {
	ran := false
	slow := func(ctx context.Context, _ *Message) error {
		ran = true
		if _, bounded := ctx.Deadline(); !bounded {
			return nil
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	cases := map[string]struct {
		around Middleware
		ran    bool
		fails  bool
	}{
		"allowed":     {Allow("zoe", "ana"), true, false},
		"not allowed": {Allow("zoe"), false, false},
		"timeout":     {Timeout(1), true, true},
	}
	for name, c := range cases {
		bot := New("b")
		bot.On(Direct(), slow, c.around)
		ran = false
		err := handle(t.Context(), bot, newMessage(bot, heard(true), everywhere()))
		if ran != c.ran || (err != nil) != c.fails {
			t.Errorf("%s: ran %t, %v", name, ran, err)
		}
	}
}
