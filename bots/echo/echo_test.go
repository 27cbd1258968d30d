package echo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bots/echo"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
)

// run runs the bot until the test ends as a member of group/ours, and returns what it says.
func run(t *testing.T, b *bus.Bus) <-chan *message.Message {
	t.Helper()
	stopAnswers, err := b.Answer(context.Background(), "1.0.0", bus.Answers{
		Connections: []event.ConnectionID{"support"},
		Member: func(_ context.Context, q event.MembershipQuery) (bool, error) {
			return q.Conversation == "group/ours" && q.User == "helper", nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := b.Subscriber(bus.SubscriberConfig{Group: "test"})
	if err != nil {
		t.Fatal(err)
	}
	actions, err := sub.Subscribe(context.Background(), bus.Actions)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- bots.Run(ctx, b, echo.New()) }()
	t.Cleanup(func() {
		stop()
		for what, err := range map[string]error{"bots": bustest.Receive(t, ended), "actions": sub.Close(), "answers": stopAnswers()} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
	return actions
}

func TestEcho(t *testing.T) {
	cases := []struct {
		name         string
		conversation event.ConversationID
		parent       event.MessageID
		text         string
		want         string // empty: nothing
	}{
		{"1:1", "user/ana", "", "hello", "You said: hello"},
		{"1:1, in a thread", "user/ana", "root-1", "hello", "You said: hello"},
		{"group", "group/ours", "", "hello", "You said: hello"},
		{"group, in a thread", "group/ours", "root-2", "hello", "You said: hello"},
		{"group of others", "group/theirs", "", "hello", ""},
		{"no text", "user/ana", "", "", ""},
		{"white space", "user/ana", "", " \n\t ", ""},
		{"signs", "user/ana", "", "?!", "You said: ?!"},
		{"verbs", "user/ana", "", "100% %s %d%%", "You said: 100% %s %d%%"},
		{"lines", "user/ana", "", "one\n two \r\nthree\n", "You said: one\n two \r\nthree\n"},
		{"beyond ASCII", "user/ana", "", "žluťoučký <b>&\"kůň\"</b> 🐎", "You said: žluťoučký <b>&\"kůň\"</b> 🐎"},
	}
	b := bustest.Open(t)
	actions := run(t, b)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			id := event.MessageID(fmt.Sprint("m", i))
			e := event.Event{
				ID: event.ID("test:" + id), Type: event.MessageCreated, Time: time.Now(), Self: "helper",
				Thread:  event.ThreadRef{Connection: "support", Conversation: c.conversation, Root: id},
				Message: &event.Message{ID: id, Parent: c.parent, Sender: event.User{ID: "ana"}, Text: c.text},
			}
			if c.parent != "" {
				e.Thread.Root = c.parent
			}
			if c.conversation == "user/ana" {
				e.Message.Recipient = "helper"
			}
			// An answer to what follows in the same thread tells that the first message is done with.
			last := e
			m := *e.Message
			last.ID, last.Message, m.Recipient, m.Text = e.ID+"-last", &m, "helper", "last"
			publish(t, b, e, last)
			want := []string{"You said: last"}
			if c.want != "" {
				want = []string{c.want, "You said: last"}
			}
			for _, text := range want {
				a := receive(t, actions)
				if a.Text != text || a.Thread != e.Thread || a.Type != event.Reply || a.Bot != "echo" || a.As != "" {
					t.Errorf("got %+v, want a reply %q in %s", a, text, e.Thread)
				}
			}
		})
	}
}

func publish(t *testing.T, b *bus.Bus, events ...event.Event) {
	t.Helper()
	var batch []*message.Message
	for _, e := range events {
		m, err := bus.EventMessage(e)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, m)
	}
	if err := b.Publisher().Publish(bus.Events, batch...); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, actions <-chan *message.Message) event.Action {
	t.Helper()
	m := bustest.Receive(t, actions)
	m.Ack()
	a, err := bus.ReadAction(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
