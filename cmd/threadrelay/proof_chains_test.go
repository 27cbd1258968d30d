package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/cometchat"
)

// chain is actions that build on each other: a post that opens a thread, replies to it, and changes of these.
type chain struct{ n int }

// chainSays is how many of a chain's actions say something.
const chainSays = 5

func newChain(n int) chain { return chain{n} }

func (c chain) id(name string) event.ActionID {
	return event.ActionID(fmt.Sprintf("chain%d-%s", c.n, name))
}

// text is what an action of the chain says.
func (c chain) text(name string) string { return fmt.Sprintf("%s of chain %d", name, c.n) }

func (c chain) action(name string, typ event.ActionType) event.Action {
	a := said(string(c.id(name)), typ, "", "")
	a.Thread.Conversation = event.ConversationID("group/" + room(c.n))
	if typ == event.Post || typ == event.Reply || typ == event.Edit {
		a.Text = c.text(name)
	}
	return a
}

// follows is an action in the thread that the chain opens, behind another one.
func (c chain) follows(name string, typ event.ActionType, before string) event.Action {
	a := c.action(name, typ)
	a.Follows = c.id(before)
	return a
}

// change is an action on what another one sends.
func (c chain) change(name string, typ event.ActionType, target, before string) event.Action {
	a := c.follows(name, typ, before)
	a.TargetAction = c.id(target)
	if typ == event.React || typ == event.Unreact {
		a.Emoji = "⚓"
	}
	return a
}

// actions are those of the chain. Every third chain is opened late, so that the others have to wait.
func (c chain) actions() []event.Action {
	marked := c.change("mark", event.React, "opening", "")
	marked.Follows = ""
	all := []event.Action{
		c.action("opening", event.Post),
		c.follows("first", event.Reply, "opening"),
		c.change("edit", event.Edit, "first", "opening"),
		c.change("edit again", event.Edit, "first", "opening"),
		c.follows("second", event.Reply, "opening"),
		c.change("take back", event.Delete, "second", "opening"),
		c.follows("third", event.Reply, "first"),
		c.follows("fourth", event.Reply, "third"),
		c.change("react", event.React, "third", "opening"),
		c.change("unreact", event.Unreact, "third", "opening"),
		marked,
	}
	if c.n%3 == 0 {
		last := len(all) - 1 // which stands in the lane of the opening, and so behind it
		all = slices.Concat(all[1:last], all[:1], all[last:])
	}
	return all
}

// publish stores actions, and tries again until it has.
func (p *proof) publish(b *bus.Bus, all []event.Action) {
	p.t.Helper()
	var out []*message.Message
	for _, a := range all {
		m, err := bus.ActionMessage(a)
		if err != nil {
			p.t.Fatal(err)
		}
		out = append(out, m)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx := p.patience(); ; {
		err := b.Publisher().Publish(bus.Actions, out...)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatal(err)
		}
	}
}

// wantChains holds what is seen of the chains against what they ask for. Of a chain with a dead letter only that is known what
// wantOnce has looked at.
func (p *proof) wantChains(b *books) {
	p.t.Helper()
	platform, err := cometchat.New(cometchat.Config{ID: "cometchat", AppID: "sim-app", APIKey: p.key, BaseURL: p.url() + "/v3", BotUID: demoBot})
	if err != nil {
		p.t.Fatal(err)
	}
	for n := range p.size.chains {
		c := newChain(n)
		if slices.ContainsFunc(c.actions(), func(a event.Action) bool { return b.dead[a.ID] != "" }) {
			continue
		}
		opening := b.receipts[c.id("opening")].Message
		if got := p.wording(opening); got != c.text("opening") {
			p.t.Errorf("chain %d is opened by %q", n, got)
		}
		var seen []string
		for _, m := range p.spoken(p.chat.Thread(string(opening))) {
			seen = append(seen, m.Text)
		}
		order := []string{c.text("edit again"), c.text("third"), c.text("fourth")}
		isOther := func(text string) bool { return text == "" } // what was taken back leaves its place
		if kept := slices.DeleteFunc(slices.Clone(seen), isOther); len(seen) != 4 || !slices.Equal(kept, order) {
			p.t.Errorf("the thread of chain %d is %q", n, seen)
		}
		for target, want := range map[string]bool{"opening": true, "third": false} {
			if p.hasReaction(platform, b.receipts[c.id(target)].Message) != want {
				p.t.Errorf("the %s message of chain %d has its reaction: %t, want %t", target, n, !want, want)
			}
		}
	}
	if len(b.dead) > p.size.chains {
		p.t.Errorf("%d dead letters", len(b.dead))
	}
}

// wording is the text of a message.
func (p *proof) wording(id event.MessageID) string {
	for _, m := range p.chat.Messages() {
		if m.ID == string(id) {
			return m.Text
		}
	}
	return "nothing"
}

// hasReaction asks the platform whether the bot has reacted to a message, again and again until it answers.
func (p *proof) hasReaction(platform *cometchat.Connection, target event.MessageID) bool {
	p.t.Helper()
	a := said("ask", event.React, "", "")
	a.Target, a.Emoji = target, "⚓"
	for ctx := p.patience(); ; {
		_, found, err := platform.Find(ctx, a, time.Time{})
		if err == nil {
			return found
		}
		if ctx.Err() != nil {
			p.t.Fatal(strings.TrimSpace(err.Error()))
		}
	}
}
