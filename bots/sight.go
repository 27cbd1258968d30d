package bots

import (
	"context"
	"slices"

	"github.com/threadrelay/threadrelay/bus/event"
)

// origin is whose doing an event is, as a bot sees it.
type origin int

const (
	ofPeople origin = iota
	ofItself
	ofBots
	ofSystem
)

// origin tells whose doing it is. What carries a marker of the relay is a bot's, and what the bot's user or the connection's
// does is the bot's own.
func (m *Message) origin() origin {
	var mark *event.Marker
	if m.Event.Message != nil {
		mark = m.Event.Message.Marker
	}
	switch {
	case mark != nil && mark.Bot == m.Thread.out.bot.name && mark.Bot != "":
		return ofItself
	case mark != nil:
		return ofBots
	case m.Sender.System:
		return ofSystem
	case m.Sender.ID == m.self() || m.Sender.ID == m.Event.Self:
		return ofItself
	}
	return ofPeople
}

// admit reports whether a route is for this type and origin at all.
func (a asks) admit(m *Message) bool {
	types := a.types
	if len(types) == 0 {
		types = []event.Type{event.MessageCreated}
	}
	if !slices.Contains(types, m.Event.Type) {
		return false
	}
	switch m.origin() {
	case ofItself:
		return a.own
	case ofBots:
		return a.bots
	case ofSystem:
		return a.system
	case ofPeople:
	}
	return true
}

// listens reports whether a bot has a handler for events of this kind.
func (b *Bot) listens(m *Message) bool {
	return slices.ContainsFunc(b.routes, func(r route) bool { return r.match.asks.admit(m) })
}

// present reports whether the bot takes part where something happened: in what was said to itself or by it, or in a group that
// it belongs to. Where nobody can say whether it belongs there, it takes part, and the platform has the last word when the bot
// answers. The only error is that of a context that has ended.
func (b *Bot) present(ctx context.Context, m *Message) (bool, error) {
	self := m.self()
	if m.Direct() {
		return m.Event.Message.Recipient == self || m.origin() == ofItself, nil
	}
	at := m.Event.Thread
	member, err := m.Thread.out.world.Member(ctx, event.MembershipQuery{Connection: at.Connection, Conversation: at.Conversation, User: self})
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return member || err != nil, nil
}

// choose returns the route that is for a message, or nil. The first match wins. A bot with commands takes a call for help
// before all others, unless it has a command of that name.
func (b *Bot) choose(ctx context.Context, m *Message) (*route, error) {
	routes := b.routes
	if len(b.commands) > 0 && b.commands[helpCommand] == nil {
		routes = slices.Concat([]route{{b.calls(helpCommand), b.help, b.prefix + helpCommand}}, routes)
	}
	for _, r := range routes {
		if !r.match.asks.admit(m) {
			continue
		}
		if yes, err := r.match.test(ctx, m); err != nil {
			return nil, err
		} else if !yes {
			continue
		}
		if here, err := b.present(ctx, m); err != nil || !here {
			return nil, err
		}
		return &r, nil
	}
	return nil, nil
}
