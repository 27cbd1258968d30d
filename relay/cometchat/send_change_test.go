package cometchat

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// change returns an action on a message.
func change(typ event.ActionType, target event.MessageID) event.Action {
	return event.Action{ID: "act-5", Type: typ, Bot: "echo", Target: target, Thread: event.ThreadRef{Connection: "cc", Conversation: "group/crew"}}
}

func TestChanges(t *testing.T) {
	s, conn := simulate(t, nil)
	ctx, since := t.Context(), time.Now().Add(-time.Minute)
	a := post("act-1", "group/crew", "first")
	a.Metadata = json.RawMessage(`{"k":1}`)
	sent, err := conn.Send(ctx, a)
	must(t, err)
	find := func(a event.Action) bool {
		t.Helper()
		r, found, err := conn.Find(ctx, a, since)
		must(t, err)
		if found && (r.Message != sent.Message || r.Action != a.ID) {
			t.Errorf("%+v", r)
		}
		return found
	}
	edit := change(event.Edit, sent.Message)
	edit.Text, edit.Mentions = "second, @ana", []event.UserID{"ana"}
	react, unreact, remove := change(event.React, sent.Message), change(event.Unreact, sent.Message), change(event.Delete, sent.Message)
	react.Emoji, unreact.Emoji = "👍", "👍"
	steps := []struct {
		a     event.Action
		timed bool
		check func() bool
	}{
		{edit, true, func() bool {
			m := s.Messages()[0]
			return m.Text == "second, <@uid:ana>" && strings.Contains(string(m.Metadata), `"k":1`) && strings.Contains(string(m.Metadata), "act-1")
		}},
		{react, false, func() bool { return find(react) && !find(unreact) }},
		{unreact, false, func() bool { return !find(react) }},
		{remove, true, func() bool { return !s.Messages()[0].DeletedAt.IsZero() }},
	}
	for _, step := range steps {
		if step.a.Type != event.Unreact && find(step.a) {
			t.Errorf("%s: found before", step.a.Type)
		}
		r, err := conn.Send(ctx, step.a)
		if err != nil || r.Message != sent.Message || r.Action != "act-5" || r.Time.IsZero() == step.timed || !step.check() || !find(step.a) {
			t.Errorf("%s: %+v, %v: %+v", step.a.Type, r, err, s.Messages()[0])
		}
	}
	if r, err := conn.Send(ctx, remove); err != nil || r.Message != sent.Message { // again
		t.Errorf("%+v, %v", r, err)
	}
}

func TestEditWithMetadata(t *testing.T) {
	s, conn := simulate(t, nil)
	sent, err := conn.Send(t.Context(), post("act-1", "group/crew", "first"))
	must(t, err)
	a := change(event.Edit, sent.Message)
	a.Text, a.Metadata = "second", json.RawMessage(`{"k":2,"threadrelay":0}`)
	_, err = conn.Send(t.Context(), a)
	must(t, err)
	if got := string(s.Messages()[0].Metadata); !strings.Contains(got, `"k":2`) || !strings.Contains(got, `"action":"act-5"`) {
		t.Error(got)
	}
}

func TestChangesRefused(t *testing.T) {
	s, conn := simulate(t, nil)
	theirs := event.MessageID(say(t, s, sim.Say{From: "ana", ToGroup: "crew", Text: "mine"}).ID)
	secret := event.MessageID(say(t, s, sim.Say{From: "ana", ToUser: "zoe", Text: "mine"}).ID)
	withText := func(a event.Action, said string) event.Action { a.Text = said; return a }
	withEmoji := func(a event.Action, emoji string) event.Action { a.Emoji = emoji; return a }
	tests := []struct {
		name string
		a    event.Action
		want relay.Kind
	}{
		{"another's message", withText(change(event.Edit, theirs), "x"), relay.Denied},
		{"delete another's", change(event.Delete, theirs), relay.Denied},
		{"gone", withText(change(event.Edit, "999"), "x"), relay.Rejected},
		{"react to what is gone", withEmoji(change(event.React, "999"), "x"), relay.Rejected},
		{"react to what one may not see", withEmoji(change(event.React, secret), "x"), relay.Denied},
		{"no id", change(event.Delete, "../x"), relay.Rejected},
		{"too long", withText(change(event.Edit, theirs), strings.Repeat("x", maxData)), relay.Rejected},
		{"endless emoji", withEmoji(change(event.React, theirs), strings.Repeat("x", maxEmoji+1)), relay.Rejected},
		{"climbing emoji", withEmoji(change(event.React, theirs), ".."), relay.Rejected},
	}
	for _, tt := range tests {
		_, err := conn.Send(t.Context(), tt.a)
		var f *relay.Failure
		if !errors.As(err, &f) || f.Kind != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if r, err := conn.Send(t.Context(), change(event.Delete, "999")); err != nil || r.Message != "999" {
		t.Errorf("what is gone is deleted: %+v, %v", r, err)
	}
	edit := withText(change(event.Edit, "999"), "x")
	if _, found, err := conn.Find(t.Context(), edit, time.Time{}); found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
}
