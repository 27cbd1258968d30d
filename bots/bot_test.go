package bots

import (
	"context"
	"errors"
	"testing"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// handle has a bot handle a message.
func handle(ctx context.Context, bot *Bot, m *Message) error {
	h, err := bot.choose(ctx, m)
	if err != nil || h == nil {
		return err
	}
	return wrap(h.handler, bot.around)(ctx, m)
}

func TestTheFirstMatchWins(t *testing.T) {
	var got string
	note := func(what string) Handler {
		return func(context.Context, *Message) error { got = what; return nil }
	}
	some := New("some")
	some.On(Text(`(?i)^hi\b`), note("greeting"))
	some.On(Text(`^hi there$`), note("never: the one before it matches as well"))
	some.On(Text(`deploy (\w+)`), note("deploy"))
	all := New("all")
	all.On(Text(`^hi$`), note("before"))
	all.Every(note("every"))
	all.On(Text(`late`), note("never: all is matched before it"))

	cases := []struct {
		bot        *Bot
		text, want string
	}{
		{some, "hi there", "greeting"},
		{some, "HI", "greeting"},
		{some, "hip", ""},
		{some, "please deploy web", "deploy"},
		{some, "hi, deploy web", "greeting"},
		{some, "deploy ", ""},
		{some, "", ""},
		{all, "hi", "before"},
		{all, "late", "every"},
		{all, "", "every"},
		{New("none"), "hi", ""},
	}
	for _, c := range cases {
		got = ""
		e := heard(true)
		e.Message.Text = c.text
		if err := handle(t.Context(), c.bot, newMessage(c.bot, e, everywhere())); err != nil {
			t.Errorf("%s: %q: %v", c.bot.Name(), c.text, err)
		}
		if got != c.want {
			t.Errorf("%s: %q was handled by %q, want %q", c.bot.Name(), c.text, got, c.want)
		}
	}
}

func TestAnErrorEndsTheSearch(t *testing.T) {
	errFirst := errors.New("first")
	bot := New("b")
	bot.Every(func(context.Context, *Message) error { return errFirst })
	bot.Every(func(context.Context, *Message) error { t.Error("the second handler ran"); return nil })
	if err := handle(t.Context(), bot, newMessage(bot, heard(true), everywhere())); !errors.Is(err, errFirst) {
		t.Errorf("error %v", err)
	}
}

func TestAHandlerIsShownTheMessage(t *testing.T) {
	e := heard(true)
	m := newMessage(New("b"), e, everywhere())
	if m.Event.ID != e.ID || m.Sender != e.Message.Sender || m.Text != "hi" || m.Thread.Ref != e.Thread {
		t.Errorf("got %+v", m)
	}
}

// say runs a handler on e and returns the actions that would leave.
func say(t *testing.T, bot *Bot, e event.Event) []event.Action {
	t.Helper()
	m := newMessage(bot, e, everywhere())
	if err := handle(t.Context(), bot, m); err != nil {
		t.Fatal(err)
	}
	out, err := letters(m.Thread.out.rest())
	if err != nil {
		t.Fatal(err)
	}
	var actions []event.Action
	for _, o := range out {
		a, err := bus.ReadAction(o)
		if err != nil {
			t.Fatal(err)
		}
		if o.UUID != string(a.ID) {
			t.Errorf("action %s travels as %s", a.ID, o.UUID)
		}
		actions = append(actions, a)
	}
	return actions
}

func TestReplyIDs(t *testing.T) {
	three := func(_ context.Context, m *Message) error {
		m.Reply("the same")
		m.Thread.Reply("the same")
		m.Reply("the same")
		return nil
	}
	bot, other := New("b"), New("c")
	bot.Every(three)
	other.Every(three)
	e := heard(true)
	once, twice := say(t, bot, e), say(t, bot, e)
	if len(once) != 3 || len(twice) != 3 {
		t.Fatalf("%d and %d actions", len(once), len(twice))
	}
	for i := range once {
		if once[i].ID != twice[i].ID {
			t.Errorf("action %d is %s, and %s at the second run", i, once[i].ID, twice[i].ID)
		}
	}
	next := heard(true)
	next.ID = "cometchat:app:8:created"
	seen := map[event.ActionID]bool{}
	all := append(append(once, say(t, other, e)...), say(t, bot, next)...)
	for _, a := range all {
		if seen[a.ID] {
			t.Errorf("two actions are called %s", a.ID)
		}
		seen[a.ID] = true
	}
}

func TestReplyText(t *testing.T) {
	cases := map[string]struct {
		format string
		args   []any
		want   string
	}{
		"plain":               {"hello", nil, "hello"},
		"arguments":           {"%s has %d", []any{"Ana", 3}, "Ana has 3"},
		"verbs of no meaning": {"100% sure, %s", nil, "100% sure, %s"},
		"verbs in arguments":  {"%s!", []any{"100%d"}, "100%d!"},
	}
	for name, c := range cases {
		bot := New("b")
		bot.Every(func(_ context.Context, m *Message) error { m.Reply(c.format, c.args...); return nil })
		if got := say(t, bot, heard(true)); len(got) != 1 || got[0].Text != c.want {
			t.Errorf("%s: said %+v, want %q", name, got, c.want)
		}
	}
}

func TestNothingLeavesBesideAnActionThatCannotTravel(t *testing.T) {
	m := newMessage(New("b"), heard(true), everywhere())
	m.Reply("fine")
	m.Reply("")
	if out, err := letters(m.Thread.out.rest()); err == nil || len(out) != 0 {
		t.Errorf("output %v, error %v", out, err)
	}
}
