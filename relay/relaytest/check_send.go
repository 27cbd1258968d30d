package relaytest

import (
	"slices"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func sendChecks() []check {
	sender := []Interface{Sender}
	return []check{
		{"send/reply", sender, sendReply},
		{"send/post", sender, sendPost},
		{"send/change", []Interface{Sender, Capable}, sendChange},
		{"send/as somebody", []Interface{Sender, Capable}, sendAs},
		{"send/marker", sender, sendMarker},
		{"send/unfit", sender, sendUnfit},
		{"send/root gone", sender, sendRootGone},
	}
}

// carried sends an action and returns the one message that it has become.
func (b *bench) carried(a event.Action) Line {
	b.t.Helper()
	before := len(b.stage.Lines())
	r, err := b.send(b.ctx, a)
	b.must(err)
	lines := b.stage.Lines()
	if len(lines) != before+1 {
		b.t.Fatalf("%s became %d messages, want 1", a.Type, len(lines)-before)
	}
	said := lines[before]
	if r.Action != a.ID || r.Message != said.ID || len(r.Parts) != 0 {
		b.t.Errorf("the receipt of %s is %+v: want action %s, message %s, no parts", a.Type, r, a.ID, said.ID)
	}
	if !r.Time.IsZero() && time.Since(r.Time).Abs() > time.Minute {
		b.t.Errorf("the receipt of %s is of %s", a.Type, r.Time)
	}
	return said
}

// matches compares a message with the action that it comes of.
func (b *bench) matches(l Line, a event.Action) {
	b.t.Helper()
	want := Line{ID: l.ID, Conversation: a.Thread.Conversation, Sender: b.scene.Self, Name: l.Name, Text: a.Text}
	if a.Type == event.Reply {
		want.Parent = a.Thread.Root
	}
	if l != want {
		b.t.Errorf("%s in %s became %+v, want %+v", a.Type, a.Thread, l, want)
	}
}

// sendReply: a reply lands in the thread of its root, also if that has no reply yet, and as whoever the connection is.
func sendReply(s *suite) {
	b := s.stand(StageConfig{})
	for _, in := range []event.ThreadRef{b.group(), b.direct()} {
		in.Root = b.say(in, "a root")
		for range 2 {
			a := b.action(event.Reply, in, "")
			b.matches(b.carried(a), a)
		}
	}
}

// sendPost: a post lands in the conversation, outside of threads.
func sendPost(s *suite) {
	b := s.stand(StageConfig{})
	root := b.say(b.group(), "a root")
	for _, in := range []event.ThreadRef{b.group(), b.direct(), b.thread(b.scene.Group, root)} {
		a := b.action(event.Post, in, "")
		a.Text = "<b>&amp; “quoted” \\ \"text\"\n\n\tof 2 lines 🎉"
		b.matches(b.carried(a), a)
	}
}

// sendChange: what the platform can change is changed, and what it cannot is Rejected without asking it.
func sendChange(s *suite) {
	b := s.stand(StageConfig{})
	can := b.abilities()
	root := b.thread(b.scene.Group, b.say(b.group(), "a root"))
	target := event.MessageID("1")
	if said, err := b.send(s.ctx, b.action(event.Reply, root, "")); err == nil {
		target = said.Message
	} else {
		s.t.Error(err)
	}
	for _, typ := range []event.ActionType{event.Edit, event.React, event.Unreact, event.Delete} {
		a := b.action(typ, root, target)
		before, _ := b.front.count()
		r, err := b.send(s.ctx, a)
		after, _ := b.front.count()
		if !able(can, typ) {
			if kind, ok := errorKind(err); !ok || kind != relay.Rejected || after != before {
				s.t.Errorf("%s, which the platform cannot, returns %v after %d requests: want a Failure of the kind %s, and none", typ, err, after-before, relay.Rejected)
			}
			continue
		}
		if err != nil || r.Action != a.ID || r.Message != target {
			s.t.Errorf("%s returns %+v, %v: want action %s, message %s", typ, r, err, a.ID, target)
		}
		if fault := b.unchanged(a); fault != "" {
			s.t.Errorf("after %s %s", typ, fault)
		}
	}
}

// unchanged says in how far a message is not as an action wants it; empty if it is.
func (b *bench) unchanged(a event.Action) string {
	l, ok := b.line(a.Target)
	reacted := b.stage.Reacted(b.scene.Self, a.Target, a.Emoji)
	switch {
	case a.Type == event.Delete && ok && !l.Deleted:
		return "the message is still there"
	case a.Type != event.Delete && (!ok || l.Deleted):
		return "the message is gone"
	case a.Type == event.Edit && l.Text != a.Text:
		return "the message says " + l.Text
	case a.Type == event.React && !reacted:
		return "there is no reaction"
	case a.Type == event.Unreact && reacted:
		return "the reaction is still there"
	}
	return ""
}

// sendAs: what is said as somebody else shows that, in the way that the platform has.
func sendAs(s *suite) {
	b := s.stand(StageConfig{})
	can := b.abilities()
	root := b.thread(b.scene.Group, b.say(b.group(), "a root"))
	for _, name := range []string{"Zoë on the bridge", "Zoë, renamed"} { // the second one has been made before
		for _, typ := range []event.ActionType{event.Reply, event.Post} {
			a := b.action(typ, root, "")
			a.As, a.Identity = "mirror-zoe", &event.Identity{Name: name, Avatar: "https://example.org/zoe.png"}
			said := b.carried(a)
			switch can.Identity {
			case event.Ghosts:
				if said.Sender != a.As || said.Name != name || said.Text != a.Text {
					s.t.Errorf("%s as %s (%s) became %+v", typ, a.As, name, said)
				}
			case event.Alias:
				if said.Name != name || said.Text != a.Text {
					s.t.Errorf("%s as %s became %+v", typ, name, said)
				}
			case event.NoIdentity:
				if !strings.HasSuffix(said.Text, a.Text) || !strings.Contains(strings.TrimSuffix(said.Text, a.Text), name) {
					s.t.Errorf("%s as %s became %q: want the name before the text", typ, name, said.Text)
				}
			}
		}
	}
	if can.Identity != event.Ghosts {
		return
	}
	a := b.action(event.Post, b.group(), "")
	a.As = b.scene.People[1]
	if said := b.carried(a); said.Sender != a.As {
		s.t.Errorf("a post as %s, who is there, became %+v", a.As, said)
	}
}

// sendMarker: what we said comes back with the marker of its action, and what others said without one.
func sendMarker(s *suite) {
	b := s.stand(StageConfig{})
	var r *reader
	if s.promises(Poller) {
		r = b.read(b.scene.Sources[0].Name)
		r.drain()
	}
	root := b.thread(b.scene.Group, b.say(b.group(), "a root"))
	var polled []event.Event
	for _, typ := range []event.ActionType{event.Reply, event.Post} {
		a := b.action(typ, root, "")
		said := b.carried(a)
		want := event.Marker{Action: a.ID, Bot: a.Bot}
		if s.promises(Receiver) && slices.Contains(s.p.Tells.Hooks, event.MessageCreated) {
			if e := b.whole(b.told(event.MessageCreated, said.ID)); e.Message.Marker == nil || *e.Message.Marker != want {
				s.t.Errorf("the webhook's event of %s has the marker %+v, want %+v", typ, e.Message.Marker, want)
			}
		}
		if r == nil {
			continue
		}
		polled = append(polled, r.drain()...)
		i := slices.IndexFunc(polled, func(e event.Event) bool { return e.Type == event.MessageCreated && about(e) == said.ID })
		if i < 0 || polled[i].Message.Marker == nil || *polled[i].Message.Marker != want {
			s.t.Errorf("the poll's event of %s does not have the marker %+v", typ, want)
		}
	}
}

// sendUnfit: an action that cannot be carried out is Rejected, and nobody is asked.
func sendUnfit(s *suite) {
	b := s.stand(StageConfig{})
	root := b.thread(b.scene.Group, b.say(b.group(), "a root"))
	actions := map[string]event.Action{}
	spoil := func(name string, typ event.ActionType, spoil func(*event.Action)) {
		a := b.action(typ, root, root.Root)
		spoil(&a)
		actions[name] = a
	}
	spoil("a reply without text", event.Reply, func(a *event.Action) { a.Text = "" })
	spoil("a reply without a root", event.Reply, func(a *event.Action) { a.Thread.Root = "" })
	spoil("a post to nowhere", event.Post, func(a *event.Action) { a.Thread.Conversation = "" })
	spoil("a post to a conversation that cannot be", event.Post, func(a *event.Action) { a.Thread.Conversation = "\x00/../" })
	spoil("a reply to a root that cannot be", event.Reply, func(a *event.Action) { a.Thread.Root = "../\x00?" })
	spoil("an edit of nothing", event.Edit, func(a *event.Action) { a.Target = "" })
	spoil("a deletion of what cannot be", event.Delete, func(a *event.Action) { a.Target = "../\x00?" })
	spoil("a reaction of nothing", event.React, func(a *event.Action) { a.Emoji = "" })
	spoil("an unknown type", event.Post, func(a *event.Action) { a.Type = "dance" })
	spoil("an action without an id", event.Post, func(a *event.Action) { a.ID = "" })
	before, _ := b.front.count()
	for name, a := range actions {
		_, err := b.send(s.ctx, a)
		if kind, ok := errorKind(err); !ok || kind != relay.Rejected {
			s.t.Errorf("%s returns %v, want a Failure of the kind %s", name, err, relay.Rejected)
		}
	}
	if after, _ := b.front.count(); after != before {
		s.t.Errorf("actions that cannot be carried out cost %d requests", after-before)
	}
}

// sendRootGone: a reply in a thread whose root is not there says so.
func sendRootGone(s *suite) {
	b := s.stand(StageConfig{})
	_, err := b.send(s.ctx, b.action(event.Reply, b.thread(b.scene.Group, b.scene.NoMessage), ""))
	if kind, ok := errorKind(err); !ok || kind != relay.RootGone {
		s.t.Errorf("a reply to a message that is not there returns %v, want a Failure of the kind %s", err, relay.RootGone)
	}
	if n := len(b.stage.Lines()); n > 0 {
		s.t.Errorf("a reply to a message that is not there became %d messages", n)
	}
}
