package bots

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// heard is a message from ana: to the user helper if direct, else to a group.
func heard(direct bool) event.Event {
	e := event.Event{
		ID: "cometchat:app:7:created", Type: event.MessageCreated, Time: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), Self: "helper",
		Thread:  event.ThreadRef{Connection: "support", Conversation: "group/eng", Root: "7"},
		Message: &event.Message{ID: "7", Sender: event.User{ID: "ana", Name: "Ana"}, Text: "hi"},
	}
	if direct {
		e.Thread.Conversation, e.Message.Recipient = "user/ana", "helper"
	}
	return e
}

// shown reports whether a bot with a handler for everything is shown an event.
func shown(ctx context.Context, e event.Event, ask func(context.Context, event.MembershipQuery) (bool, error), options ...Option) (bool, error) {
	bot := New("b", options...)
	bot.Every(func(context.Context, *Message) error { return nil })
	h, err := bot.choose(ctx, newMessage(bot, e, asking(ask)))
	return h != nil, err
}

func TestSightOfDirectMessages(t *testing.T) {
	cases := []struct {
		name   string
		as     string
		change func(*event.Event)
		want   bool
	}{
		{"to the bot", "", func(*event.Event) {}, true},
		{"in a thread", "", func(e *event.Event) { e.Message.Parent, e.Thread.Root = "1", "1" }, true},
		{"without a text", "", func(e *event.Event) { e.Message.Text = "" }, true},
		{"to another user", "", func(e *event.Event) { e.Message.Recipient = "ben" }, false},
		{"to somebody, where the connection has no user", "", func(e *event.Event) { e.Self = "" }, false},
		{"to the user that the bot speaks as", "clerk", func(e *event.Event) { e.Message.Recipient = "clerk" }, true},
		{"to the connection's user and not to the bot's", "clerk", func(*event.Event) {}, false},
		{"to the bot's user, where the connection has none", "clerk", func(e *event.Event) { e.Self, e.Message.Recipient = "", "clerk" }, true},
		{"own", "", func(e *event.Event) { e.Message.Sender.ID, e.Message.Recipient = "helper", "ana" }, false},
		{"own, to oneself", "", func(e *event.Event) { e.Message.Sender.ID = "helper" }, false},
		{"own by As, to oneself", "clerk", func(e *event.Event) { e.Message.Sender.ID, e.Message.Recipient = "clerk", "clerk" }, false},
		{"of the connection's user to the bot's", "clerk", func(e *event.Event) { e.Message.Sender.ID, e.Message.Recipient = "helper", "clerk" }, false},
		{"sent by threadrelay", "", func(e *event.Event) { e.Message.Marker = &event.Marker{} }, false},
		{"sent by another bot of threadrelay", "", func(e *event.Event) { e.Message.Marker = &event.Marker{Action: "0f", Bot: "other"} }, false},
		{"of the platform", "", func(e *event.Event) { e.Message.Sender.System = true }, false},
		{"edited", "", func(e *event.Event) { e.Type = event.MessageEdited }, false},
		{"deleted", "", func(e *event.Event) { e.Type = event.MessageDeleted }, false},
		{"of a type to come", "", func(e *event.Event) { e.Type = "chat.reaction.added" }, false},
		{"other", "", func(e *event.Event) { e.Type, e.Message = event.Other, nil }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := heard(true)
			c.change(&e)
			ask := func(_ context.Context, q event.MembershipQuery) (bool, error) {
				t.Errorf("asked for %+v", q)
				return true, nil
			}
			if got, err := shown(t.Context(), e, ask, As(c.as)); got != c.want || err != nil {
				t.Errorf("sees it: %v (%v), want %v", got, err, c.want)
			}
		})
	}
}

func TestSightOfGroups(t *testing.T) {
	yes := func() (bool, error) { return true, nil }
	cases := []struct {
		name   string
		as     string
		change func(*event.Event)
		answer func() (bool, error)
		asked  []event.UserID
		want   bool
	}{
		{"member", "", func(*event.Event) {}, yes, []event.UserID{"helper"}, true},
		{"not a member", "", func(*event.Event) {}, func() (bool, error) { return false, nil }, []event.UserID{"helper"}, false},
		{"nobody can say", "", func(*event.Event) {}, func() (bool, error) { return false, errors.New("away") }, []event.UserID{"helper"}, true},
		{"member by As", "clerk", func(*event.Event) {}, yes, []event.UserID{"clerk"}, true},
		{"the connection's user alone is a member", "clerk", func(*event.Event) {}, func() (bool, error) { return false, nil }, []event.UserID{"clerk"}, false},
		{"no user known", "", func(e *event.Event) { e.Self = "" }, yes, []event.UserID{""}, true},
		{"own", "", func(e *event.Event) { e.Message.Sender.ID = "helper" }, yes, nil, false},
		{"own by As", "clerk", func(e *event.Event) { e.Message.Sender.ID = "clerk" }, yes, nil, false},
		{"of the connection's user, As another", "clerk", func(e *event.Event) { e.Message.Sender.ID = "helper" }, yes, nil, false},
		{"sent by threadrelay", "", func(e *event.Event) { e.Message.Marker = &event.Marker{Action: "0f"} }, yes, nil, false},
		{"of the platform", "", func(e *event.Event) { e.Message.Sender.System = true }, yes, nil, false},
		{"edited", "", func(e *event.Event) { e.Type = event.MessageEdited }, yes, nil, false},
		{"deleted", "", func(e *event.Event) { e.Type = event.MessageDeleted }, yes, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := heard(false)
			c.change(&e)
			var asked, want []event.MembershipQuery
			for _, user := range c.asked {
				want = append(want, event.MembershipQuery{Connection: "support", Conversation: "group/eng", User: user})
			}
			ask := func(_ context.Context, q event.MembershipQuery) (bool, error) {
				asked = append(asked, q)
				return c.answer()
			}
			if got, err := shown(t.Context(), e, ask, As(c.as)); got != c.want || err != nil {
				t.Errorf("sees it: %v (%v), want %v", got, err, c.want)
			}
			if !reflect.DeepEqual(asked, want) {
				t.Errorf("asked for %+v, want %+v", asked, want)
			}
		})
	}
}
