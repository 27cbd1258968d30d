package rocketchat

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func TestChanges(t *testing.T) {
	f, c := newFakeChat(t)
	ctx := t.Context()
	sent, err := c.Send(ctx, postOf("first"))
	must(t, err)
	edit, react, unreact, remove := changeOf(event.Edit, sent.Message), changeOf(event.React, sent.Message), changeOf(event.Unreact, sent.Message), changeOf(event.Delete, sent.Message)
	edit.Text, react.Emoji, unreact.Emoji = "second", "👍", ":thumbsup:"
	doc := func() object { return f.doc(string(sent.Message)) }
	steps := []struct {
		a     event.Action
		timed bool
		done  func() bool
	}{
		{edit, true, func() bool { return doc()["msg"] == "second" && doc()["threadrelay"] != nil }},
		{react, false, func() bool { return doc()["reactions"].(object)[":thumbsup:"] != nil }},
		{unreact, false, func() bool { return len(doc()["reactions"].(object)) == 0 }},
		{remove, true, func() bool { return doc() == nil }},
	}
	for _, step := range steps {
		find := func() bool {
			t.Helper()
			r, found, err := c.Find(ctx, step.a, time.Time{})
			must(t, err)
			if found && (r.Message != sent.Message || r.Action != "act-1") {
				t.Errorf("%s: %+v", step.a.Type, r)
			}
			return found
		}
		if find() {
			t.Errorf("%s: found before", step.a.Type)
		}
		for range 2 { // the second time is a repeat
			r, err := c.Send(ctx, step.a)
			if err != nil || r.Message != sent.Message || r.Action != "act-1" || !step.done() {
				t.Errorf("%s: %+v, %v: %v", step.a.Type, r, err, doc())
			}
			if step.timed && r.Time.IsZero() && doc() != nil {
				t.Errorf("%s: without a time", step.a.Type)
			}
		}
		if !find() {
			t.Errorf("%s: not found afterwards", step.a.Type)
		}
	}
}

func TestReactSaysWhatItWants(t *testing.T) {
	f, c := newFakeChat(t)
	f.say("m0000000000000001", fakeRoom, "", "x")
	for typ, want := range map[event.ActionType]bool{event.React: true, event.Unreact: false} {
		a := changeOf(typ, "m0000000000000001")
		a.Emoji = ":tada:"
		_, err := c.Send(t.Context(), a)
		must(t, err)
		if body := f.calls[len(f.calls)-1].body; body["shouldReact"] != want || body["emoji"] != "tada" {
			t.Errorf("%s: %v", typ, body)
		}
	}
}

func TestEmojiWithATone(t *testing.T) {
	f, c := newFakeChat(t)
	f.say("m0000000000000001", fakeRoom, "", "x")
	a := changeOf(event.React, "m0000000000000001")
	a.Emoji = "👍🏽" // which the fake chat knows without the tone alone
	_, err := c.Send(t.Context(), a)
	must(t, err)
	if n := f.count("chat.react"); n != 2 || f.find("m0000000000000001")["reactions"].(object)[":thumbsup:"] == nil {
		t.Errorf("%d calls: %v", n, f.docs)
	}
	a.Emoji = "nosuch"
	if got := sendKind(t, c, a); got.Kind != relay.Rejected {
		t.Error(got)
	}
}

func TestChangesRefused(t *testing.T) {
	f, c := newFakeChat(t)
	f.say("elsewhere00000001", otherRoom, "", "x")
	withText := func(a event.Action) event.Action { a.Text = "x"; return a }
	withEmoji := func(a event.Action) event.Action { a.Emoji = "🎉"; return a }
	for name, a := range map[string]event.Action{
		"edit what is gone":     withText(changeOf(event.Edit, "gone")),
		"react to what is gone": withEmoji(changeOf(event.React, "gone")),
		"edit in another room":  withText(changeOf(event.Edit, "elsewhere00000001")),
		"delete in another":     changeOf(event.Delete, "elsewhere00000001"),
	} {
		if got := sendKind(t, c, a); got.Kind != relay.Rejected {
			t.Errorf("%s: %v", name, got)
		}
	}
	if r, err := c.Send(t.Context(), changeOf(event.Delete, "gone")); err != nil || r.Message != "gone" {
		t.Errorf("what is gone is deleted: %+v, %v", r, err)
	}
	if _, found, err := c.Find(t.Context(), withText(changeOf(event.Edit, "gone")), time.Time{}); found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
	if _, found, err := c.Find(t.Context(), withEmoji(changeOf(event.Unreact, "gone")), time.Time{}); found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
}

func TestDeleteOfATombstone(t *testing.T) {
	f, c := newFakeChat(t)
	f.say("tombstone00000001", fakeRoom, "", "")
	refuse := answer(400, `{"success":false,"error":"Not allowed [error-action-not-allowed]","errorType":"error-action-not-allowed"}`)
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		if call.route == "chat.delete" {
			refuse(w, call.r)
		}
		return call.route == "chat.delete"
	}
	if got := sendKind(t, c, changeOf(event.Delete, "tombstone00000001")); got.Kind != relay.Denied {
		t.Error(got)
	}
	f.find("tombstone00000001")["t"] = "rm"
	if r, err := c.Send(t.Context(), changeOf(event.Delete, "tombstone00000001")); err != nil || r.Message != "tombstone00000001" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMentions(t *testing.T) {
	f, c := newFakeChat(t)
	tests := []struct {
		text, want string
		users      []event.UserID
	}{
		{"hi @" + fakeAna + ", @ana.b and @bob", "hi @ana.b, @ana.b and @\u200bbob", []event.UserID{fakeAna}},
		{"@all, @here", "@all, @\u200bhere", []event.UserID{"all"}},
		{"@nobody @" + fakeAna, "@\u200bnobody @\u200b" + fakeAna, []event.UserID{"nobody", "no body"}},
		{"@" + fakeAna + "x mail@" + fakeAna, "@\u200b" + fakeAna + "x mail@" + fakeAna, []event.UserID{fakeAna}},
		{"nothing", "nothing", []event.UserID{fakeAna}},
	}
	for i, tt := range tests {
		a := postOf(tt.text)
		a.ID, a.Mentions = event.ActionID(strings.Repeat("x", i+1)), tt.users
		r, err := c.Send(t.Context(), a)
		must(t, err)
		if got := f.doc(string(r.Message))["msg"]; got != tt.want {
			t.Errorf("%q became %q, want %q", tt.text, got, tt.want)
		}
	}
	if n := f.count("users.info"); n != 2 {
		t.Errorf("%d look-ups of users", n) // of Ana, once, and of nobody
	}
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		answer(503, "")(w, call.r)
		return true
	}
	a := postOf("@x")
	a.Mentions = []event.UserID{"somebody"}
	if got := sendKind(t, c, a); got.Kind != relay.Temporary {
		t.Error(got)
	}
}

func TestFindSaid(t *testing.T) {
	f, c := newFakeChat(t)
	f.say("rootMessage000001", fakeRoom, "", "root")
	a := replyTo("rootMessage000001", strings.Repeat("word ", 2500))
	find := func() (event.Receipt, bool) {
		t.Helper()
		r, found, err := c.Find(t.Context(), a, time.Time{})
		must(t, err)
		return r, found
	}
	if r, found := find(); found {
		t.Errorf("found before: %+v", r)
	}
	want, err := c.Send(t.Context(), a)
	must(t, err)
	if r, found := find(); !found || r.Message != want.Message || len(r.Parts) != 3 || !r.Time.Equal(want.Time) {
		t.Errorf("%+v, %t, want %+v", r, found, want)
	}
	f.docs = f.docs[:len(f.docs)-1]
	if r, found := find(); found {
		t.Errorf("found without a part: %+v", r)
	}
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		answer(500, `{"success":false,"error":"Internal server error"}`)(w, call.r)
		return true
	}
	_, _, err = c.Find(t.Context(), a, time.Time{})
	if got := failure(err); got.Kind != relay.Temporary || !strings.Contains(err.Error(), "rocketchat: find act-1: ") {
		t.Error(err)
	}
}
