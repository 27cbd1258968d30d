package relaytest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// op is a call of a connection that asks its platform.
type op struct {
	name string
	// names are what an error has to name, so that whoever reads it knows what failed.
	names []string
	// plain: the contract does not demand a Failure.
	plain bool
	do    func(ctx context.Context) error
}

// ops are the calls that the platform promises. Each asks its platform at least once, whatever was asked before.
func (b *bench) ops() []op {
	b.t.Helper()
	root := b.say(b.group(), "what calls are about")
	return slices.Concat(b.senderOps(root), b.pollerOps(), b.completerOps(root), b.readerOps(root))
}

func (b *bench) senderOps(root event.MessageID) []op {
	if !b.promises(Sender) {
		return nil
	}
	var ops []op
	can := b.capabilities()
	for name, typ := range map[string]event.ActionType{
		"post": event.Post, "reply": event.Reply, "edit": event.Edit, "delete": event.Delete, "react": event.React, "unreact": event.Unreact,
	} {
		if !able(can, typ) {
			continue
		}
		in := b.thread(b.scene.Group, root)
		if typ == event.Post {
			in.Root = ""
		}
		a := b.action(typ, in, root)
		ops = append(ops, op{name: name, names: []string{string(a.ID)}, do: func(ctx context.Context) error {
			_, err := b.send(ctx, a)
			return err
		}})
	}
	if b.promises(Finder) {
		a := b.action(event.Post, b.group(), "")
		ops = append(ops, op{name: "find", names: []string{string(a.ID)}, do: func(ctx context.Context) error {
			_, found, err := b.find(ctx, a)
			if err == nil && found {
				b.t.Error("Find finds what was never sent")
			}
			return err
		}})
	}
	slices.SortFunc(ops, func(a, b op) int { return strings.Compare(a.name, b.name) })
	return ops
}

// able reports whether the platform can carry out a type of action.
func able(c event.Capabilities, typ event.ActionType) bool {
	switch typ {
	case event.Edit:
		return c.Edit
	case event.Delete:
		return c.Delete
	case event.React, event.Unreact:
		return c.React
	case event.Post, event.Reply:
	}
	return true
}

func (b *bench) pollerOps() []op {
	if !b.promises(Poller) {
		return nil
	}
	source := b.scene.Sources[0].Name
	first, err := b.poll(b.ctx, relay.PollRequest{Source: source})
	b.must(err)
	return []op{{name: "poll", names: []string{source}, do: func(ctx context.Context) error {
		_, err := b.poll(ctx, relay.PollRequest{Source: source, After: first.Next})
		return err
	}}}
}

// completerOps asks about an incomplete event, if webhooks tell of one.
func (b *bench) completerOps(root event.MessageID) []op {
	if !b.promises(Completer) {
		return nil
	}
	e, ok := b.incomplete(root)
	if !ok {
		return nil
	}
	return []op{{name: "complete", names: []string{string(about(e))}, do: func(ctx context.Context) error {
		_, err := b.complete(ctx, e)
		return err
	}}}
}

// incomplete returns an incomplete event about a message, by trying what webhooks tell incompletely of messages.
func (b *bench) incomplete(id event.MessageID) (event.Event, bool) {
	b.t.Helper()
	by := b.scene.People[0]
	steps := []struct {
		typ event.Type
		do  func(text string) error
	}{
		{event.ReactionAdded, func(string) error { return b.stage.React(by, id, "🎉") }},
		{event.ReactionRemoved, func(string) error { return b.stage.Unreact(by, id, "🎉") }},
		{event.MessageEdited, func(text string) error { return b.stage.Edit(by, id, text) }},
		{event.MessageDeleted, func(string) error { return b.stage.Delete(by, id) }},
	}
	for i, step := range steps {
		if !slices.Contains(b.p.Tells.Hooks, step.typ) {
			continue
		}
		b.must(step.do(fmt.Sprintf("text %d", i)))
		if e := b.told(step.typ, id); e.Incomplete {
			return e, true
		}
	}
	return event.Event{}, false
}

func (b *bench) readerOps(root event.MessageID) []op {
	var ops []op
	if b.promises(Reader) {
		user := b.scene.People[0]
		ops = append(ops,
			op{name: "thread", names: []string{string(root)}, do: func(ctx context.Context) error {
				_, err := b.readThread(ctx, b.thread(b.scene.Group, root), relay.PageRequest{})
				return err
			}},
			op{name: "conversation", names: []string{string(b.scene.Group)}, do: func(ctx context.Context) error {
				_, err := b.readConversation(ctx, b.group(), relay.PageRequest{})
				return err
			}},
			op{name: "user", names: []string{string(user)}, do: func(ctx context.Context) error {
				_, err := b.user(ctx, user)
				return err
			}},
		)
	}
	if b.promises(Members) {
		ops = append(ops, op{name: "member", names: []string{string(b.scene.Self)}, plain: true, do: func(ctx context.Context) error {
			_, err := b.member(ctx, event.MembershipQuery{Connection: b.p.Connection, Conversation: b.scene.Group})
			return err
		}})
	}
	return ops
}
