package relaytest

import (
	"context"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// about returns the message that an event is about; empty if it is about none.
func about(e event.Event) event.MessageID {
	switch {
	case e.Reaction != nil:
		return e.Reaction.Message
	case e.Message != nil:
		return e.Message.ID
	}
	return ""
}

// told waits for a webhook's event of a type about a message, and returns it as it came.
func (b *bench) told(typ event.Type, id event.MessageID) event.Event {
	b.t.Helper()
	all := b.toldAll(typ, id, 1)
	return all[0]
}

// toldAll waits for so many different events of a type about a message.
func (b *bench) toldAll(typ event.Type, id event.MessageID, n int) []event.Event {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, b.patience)
	defer cancel()
	var found []event.Event
	refused := 0
	err := b.stage.AwaitHooks(ctx, func(calls []Call) bool {
		found, refused = nil, 0
		for _, call := range calls {
			events, err := b.receive(call)
			if err != nil {
				refused++
			}
			for _, e := range events {
				known := slices.ContainsFunc(found, func(f event.Event) bool { return f.ID == e.ID })
				if e.Type == typ && about(e) == id && !known {
					found = append(found, e)
				}
			}
		}
		return len(found) >= n
	})
	if refused > 0 {
		b.t.Errorf("Receive refuses %d calls of the platform itself", refused)
	}
	if len(found) < n {
		b.t.Fatalf("webhooks tell %d different events %s about message %s, want %d (%v)", len(found), typ, id, n, err)
	}
	return found
}

// whole returns the event, completed if it is incomplete.
func (b *bench) whole(e event.Event) event.Event {
	b.t.Helper()
	if !e.Incomplete {
		return e
	}
	if !b.promises(Completer) {
		b.t.Fatalf("event %s is incomplete, and no Completer completes it", e.ID)
	}
	whole, err := b.complete(b.ctx, e)
	b.must(err)
	return whole
}

// spoken is what a person said, and where.
type spoken struct {
	id   event.MessageID
	by   event.UserID
	in   event.ThreadRef // with the root of a reply
	text string
}

// misplaced returns what is wrong with the event of a creation.
func (b *bench) misplaced(e event.Event, said spoken) string {
	root, recipient := said.in.Root, event.UserID("")
	if root == "" {
		root = said.id
	}
	if said.in.Conversation == b.scene.Direct {
		recipient = b.scene.Self
	}
	m := e.Message
	switch {
	case b.unfit(e) != "":
		return b.unfit(e)
	case e.Incomplete:
		return "it is incomplete"
	case e.Thread != b.thread(said.in.Conversation, root):
		return "it is in thread " + e.Thread.String()
	case m.Parent != said.in.Root:
		return "its parent is " + string(m.Parent)
	case m.Sender.ID != said.by:
		return "its sender is " + string(m.Sender.ID)
	case m.Recipient != recipient:
		return "its recipient is " + string(m.Recipient)
	case m.Text != said.text:
		return "its text is " + m.Text
	case m.Marker != nil:
		return "it has a marker, and was not sent by us"
	case time.Since(e.Time).Abs() > time.Minute:
		return "its time is " + e.Time.String()
	}
	return ""
}

// speak has people say something in the group, a thread of it and a direct conversation.
func (b *bench) speak() []spoken {
	b.t.Helper()
	ana, zoe := b.scene.People[0], b.scene.People[1]
	lines := []spoken{{by: ana, in: b.group(), text: "a root <&> “ö”"}, {by: zoe, in: b.group(), text: "a reply"}, {by: ana, in: b.direct(), text: "a\nb"}}
	for i := range lines {
		if i == 1 {
			lines[i].in.Root = lines[0].id
		}
		var err error
		lines[i].id, err = b.stage.Say(lines[i].by, lines[i].in, lines[i].text)
		b.must(err)
	}
	return lines
}

// receiveSaid: a webhook's event tells who said what in which thread.
func receiveSaid(s *suite) {
	if !slices.Contains(s.p.Tells.Hooks, event.MessageCreated) {
		s.t.Errorf("the webhooks of %s tell of no messages", s.p.Name)
		return
	}
	b := s.stand(StageConfig{})
	for _, said := range b.speak() {
		if fault := b.misplaced(b.whole(b.told(event.MessageCreated, said.id)), said); fault != "" {
			s.t.Errorf("%q: the webhook's event: %s", said.text, fault)
		}
	}
}

// happening is an event of a type about a message; n counts those of one message and type.
type happening struct {
	typ event.Type
	id  event.MessageID
	n   int
}

// receivedAsPolled: a webhook and a poll of the same thing make the same event.
func receivedAsPolled(s *suite) {
	b := s.stand(StageConfig{})
	polled := b.history()
	both := 0
	for what, byPoll := range polled {
		if !slices.Contains(s.p.Tells.Hooks, what.typ) {
			continue
		}
		both++
		if next, later := polled[happening{what.typ, what.id, what.n + 1}]; later && slices.Contains(s.p.Tells.Timeless, what.typ) {
			byPoll = next // which is the latest: history has no third of a kind
		}
		byHook := b.whole(b.toldAll(what.typ, what.id, what.n)[what.n-1])
		for way, e := range map[string]event.Event{"webhook": byHook, "poll": byPoll} {
			if fault := b.unfit(e); fault != "" {
				s.t.Errorf("%s of %s: the %s's event: %s", what.typ, what.id, way, fault)
			}
		}
		if byHook.ID != byPoll.ID || byHook.Thread != byPoll.Thread || byHook.Type != byPoll.Type {
			s.t.Errorf("%s of %s: the webhook's event is %s in %s, the poll's %s in %s", what.typ, what.id, byHook.ID, byHook.Thread, byPoll.ID, byPoll.Thread)
		}
		if byHook.Message != nil && byPoll.Message != nil && byHook.Message.Text != byPoll.Message.Text {
			s.t.Errorf("%s of %s: the webhook's event says %q, the poll's %q", what.typ, what.id, byHook.Message.Text, byPoll.Message.Text)
		}
	}
	if both == 0 {
		s.t.Errorf("webhooks tell of %v and polls of %v: nothing is common to both", s.p.Tells.Hooks, s.p.Tells.Polls)
	}
}

// history has something of each kind happen, polls after each, and returns the polled events.
func (b *bench) history() map[happening]event.Event {
	b.t.Helper()
	r := b.read(b.scene.Sources[0].Name)
	r.drain()
	polled := map[happening]event.Event{}
	note := func(typ event.Type, id event.MessageID, n int) {
		if !slices.Contains(b.p.Tells.Polls, typ) {
			return
		}
		for _, e := range r.drain() {
			if e.Type == typ && about(e) == id && e.ID != polled[happening{typ, id, n - 1}].ID {
				polled[happening{typ, id, n}] = b.whole(e)
				return
			}
		}
		b.t.Errorf("polls tell of %d different %s of message %s, want %d", n-1, typ, id, n)
	}
	ana, zoe := b.scene.People[0], b.scene.People[1]
	root := b.say(b.group(), "root")
	note(event.MessageCreated, root, 1)
	reply, err := b.stage.Say(zoe, b.thread(b.scene.Group, root), "reply")
	b.must(err)
	note(event.MessageCreated, reply, 1)
	for n, text := range []string{"root, better", "root, still better"} {
		b.must(b.stage.Edit(ana, root, text))
		note(event.MessageEdited, root, n+1)
	}
	b.must(b.stage.React(zoe, root, "👍"))
	note(event.ReactionAdded, root, 1)
	b.must(b.stage.Unreact(zoe, root, "👍"))
	note(event.ReactionRemoved, root, 1)
	b.must(b.stage.Delete(zoe, reply))
	note(event.MessageDeleted, reply, 1)
	return polled
}
