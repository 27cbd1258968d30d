package bots

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
)

// of changes what ana says to the bot directly.
func of(change func(*event.Event)) event.Event {
	e := heard(true)
	change(&e)
	return e
}

func saying(text string) event.Event { return of(func(e *event.Event) { e.Message.Text = text }) }

func typed(t event.Type) event.Event { return of(func(e *event.Event) { e.Type = t }) }

// reacting is ana's reaction in a thread of the group.
func reacting(t event.Type, emoji string) event.Event {
	e := heard(false)
	e.Type, e.Message, e.Reaction = t, nil, &event.Reaction{Message: "7", Emoji: emoji, By: event.User{ID: "ana"}}
	return e
}

func marked(bot string) event.Event {
	return of(func(e *event.Event) { e.Message.Marker = &event.Marker{Action: "0f", Bot: bot} })
}

func own() event.Event {
	return of(func(e *event.Event) { e.Message.Sender.ID, e.Message.Recipient = "helper", "ana" })
}

func bySystem() event.Event { return of(func(e *event.Event) { e.Message.Sender.System = true }) }

func TestMatchers(t *testing.T) {
	threaded := of(func(e *event.Event) { e.Message.Parent, e.Thread.Root = "1", "1" })
	mentioning := of(func(e *event.Event) { e.Message.Mentions = []event.UserID{"zoe", "helper"} })
	withFile := of(func(e *event.Event) { e.Message.Attachments = []event.MediaRef{{URL: "https://example.org/a"}} })
	edited, deleted := typed(event.MessageEdited), typed(event.MessageDeleted)
	hi, group := saying("hi"), heard(false)
	cases := []struct {
		name    string
		matcher Matcher
		yes, no []event.Event
	}{
		{"text", Text(`(?i)^HI\b`), []event.Event{hi, saying("hi, you")}, []event.Event{saying("hip"), edited, own()}},
		{"keyword", Keyword("build", "out of Paper"), []event.Event{saying("the BUILD!"), saying("is it out-of paper?"), saying("build")},
			[]event.Event{saying("rebuild"), saying("builds"), saying("out paper of"), saying("")}},
		{"mention", Mentioned(), []event.Event{mentioning}, []event.Event{hi}},
		{"attachment", HasAttachment(), []event.Event{withFile}, []event.Event{hi}},
		{"direct", Direct(), []event.Event{hi}, []event.Event{group}},
		{"group", InGroup(), []event.Event{group}, []event.Event{hi}},
		{"in a thread", InThread(), []event.Event{threaded}, []event.Event{hi, group}},
		{"connection", Connection("sales", "support"), []event.Event{hi}, []event.Event{of(func(e *event.Event) { e.Thread.Connection = "x" })}},
		{"conversation", Conversation("group/eng"), []event.Event{group}, []event.Event{hi}},
		{"sender", From("zoe", "ana"), []event.Event{hi}, []event.Event{of(func(e *event.Event) { e.Message.Sender.ID = "ben" })}},
		{"all", All(Text("h"), Direct(), Not(InThread())), []event.Event{hi}, []event.Event{group, threaded, saying("x")}},
		{"all of none", All(), []event.Event{hi}, []event.Event{edited}},
		{"any", Any(Text("^x$"), InGroup()), []event.Event{saying("x"), group}, []event.Event{hi}},
		{"any of none", Any(), nil, []event.Event{hi}},
		{"not", Not(Text("^x$")), []event.Event{hi}, []event.Event{saying("x"), edited}},
		{"created", Created(), []event.Event{hi}, []event.Event{edited, deleted}},
		{"edited", Edited(), []event.Event{edited}, []event.Event{hi, deleted}},
		{"edited text", All(Edited(), Text("hi")), []event.Event{edited}, []event.Event{hi}},
		{"deleted", Deleted(), []event.Event{deleted}, []event.Event{hi, edited}},
		{"created or edited", Any(Created(), Edited()), []event.Event{hi, edited}, []event.Event{deleted, own()}},
		{"reacted", Reacted(), []event.Event{reacting(event.ReactionAdded, "⚓")}, []event.Event{hi, reacting(event.ReactionRemoved, "⚓")}},
		{"reacted with", Reacted("tada", "⚓"), []event.Event{reacting(event.ReactionAdded, ":tada:"), reacting(event.ReactionAdded, "⚓")},
			[]event.Event{reacting(event.ReactionAdded, "x")}},
		{"unreacted", Unreacted(":x:"), []event.Event{reacting(event.ReactionRemoved, "x")}, []event.Event{reacting(event.ReactionAdded, "x")}},
		{"from bots", FromBots(), []event.Event{marked("other"), marked("")}, []event.Event{hi, marked("b"), own()}},
		{"from anybody", Any(All(), FromBots(), Own(), FromSystem()), []event.Event{hi, marked("other"), marked("b"), own(), bySystem()}, []event.Event{edited}},
		{"own", Own(), []event.Event{own(), marked("b")}, []event.Event{hi, marked("other")}},
		{"own, changed", All(Own(), Edited()), []event.Event{of(func(e *event.Event) { e.Type, e.Message.Sender.ID = event.MessageEdited, "helper" })}, []event.Event{own(), edited}},
		{"system", FromSystem(), []event.Event{bySystem()}, []event.Event{hi}},
	}
	for _, c := range cases {
		for want, events := range map[bool][]event.Event{true: c.yes, false: c.no} {
			for _, e := range events {
				bot := New("b")
				bot.On(c.matcher, func(context.Context, *Message) error { return nil })
				m := newMessage(bot, e, everywhere())
				h, err := bot.choose(t.Context(), m)
				if got := h != nil; got != want || err != nil || len(bot.faults) > 0 {
					t.Errorf("%s: %s by %s, %q: %t (%v, %v)", c.name, e.Type, m.Sender.ID, m.Text, got, err, bot.faults)
				}
				if want && !bot.listens(m) {
					t.Errorf("%s: the bot does not listen to %s", c.name, e.Type)
				}
			}
		}
	}
}

func TestNamedGroupsAreFound(t *testing.T) {
	m := newMessage(New("b"), saying("deploy web to prod"), everywhere())
	yes, err := All(Text(`deploy (?P<what>\w+)( to (?P<where>\w+))?( by (?P<who>\w+))?`), Direct()).test(t.Context(), m)
	if _, took := m.Groups["who"]; !yes || err != nil || m.Groups["what"] != "web" || m.Groups["where"] != "prod" || took {
		t.Errorf("%t %v %v", yes, err, m.Groups)
	}
}

func TestFaultsOfRegistrationHaveTheirPlace(t *testing.T) {
	bot := New("b")
	nothing := func(context.Context, *Message) error { return nil }
	bot.On(Text(`(`), nothing)
	bot.On(Any(Direct(), Not(Matcher{})), nothing)
	bot.On(Keyword("fine", "?!"), nothing)
	bot.On(Keyword(), nothing)
	bot.On(Direct(), nil)
	bot.Every(nil)
	bot.On(Direct(), nothing, nil)
	bot.Use(nil)
	want := []string{"text pattern", "an empty matcher", `"?!" holds neither`, "no word", "no handler", "no handler", "no middleware", "no middleware"}
	if len(bot.faults) != len(want) {
		t.Fatalf("%d faults: %v", len(bot.faults), bot.faults)
	}
	for i, err := range bot.faults {
		if !strings.Contains(err.Error(), want[i]) || !strings.Contains(err.Error(), "match_test.go:") {
			t.Errorf("fault %d is %v, want %q with its place", i, err, want[i])
		}
	}
}

func TestAMatcherThatFailsFailsTheMessage(t *testing.T) {
	errTest := errors.New("out of paper")
	broken := Matcher{test: func(context.Context, *Message) (bool, error) { return true, errTest }}
	for name, m := range map[string]Matcher{"alone": broken, "all": All(Direct(), broken), "any": Any(InGroup(), broken), "not": Not(broken)} {
		bot := New("b")
		bot.On(m, func(context.Context, *Message) error { t.Errorf("%s: the handler runs", name); return nil })
		if err := handle(t.Context(), bot, newMessage(bot, heard(true), everywhere())); !errors.Is(err, errTest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
