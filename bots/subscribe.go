package bots

import (
	"context"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Names of what the framework itself remembers. They stand beside "state" in keys, so that no bot's own can be the same.
const (
	subscribedKey = "subscribed"
	partKey       = "part"
)

// note is a value of the framework's own within a scope.
func note[T any](s Scope, name string) Cell[T] {
	return Cell[T]{scope: s, key: s.key + "/" + name}
}

// Subscribe has [Subscribed] match every further message of the thread, across restarts, until Unsubscribe. It counts from when
// it returns, also if the handler fails afterwards.
func (t *Thread) Subscribe(ctx context.Context) error {
	_, err := note[bool](t.Memory(), subscribedKey).Update(ctx, func(bool) (bool, error) { return true, nil })
	return err
}

// Unsubscribe undoes Subscribe. It is no error if there was none.
func (t *Thread) Unsubscribe(ctx context.Context) error {
	return note[bool](t.Memory(), subscribedKey).Forget(ctx)
}

// Subscribed matches messages of threads that the bot has subscribed to: see [Thread.Subscribe]. Each message of the thread that
// comes as far as this matcher costs one look into the bot's memory.
func Subscribed() Matcher {
	return Matcher{test: func(ctx context.Context, m *Message) (bool, error) {
		yes, _, err := note[bool](m.Thread.Memory(), subscribedKey).Get(ctx)
		return yes, err
	}}
}

// TakesPart matches replies in threads in which the bot has said something. Each reply that comes as far as this matcher costs
// one look into the bot's memory, and the first thing that such a bot says in a thread one entry.
func TakesPart() Matcher {
	return Matcher{asks: asks{part: true}, test: func(ctx context.Context, m *Message) (bool, error) {
		if !m.InThread() {
			return false, nil
		}
		yes, _, err := note[bool](m.Thread.Memory(), partKey).Get(ctx)
		return yes, err
	}}
}

// keepsPart reports whether the bot wants to know where it takes part.
func (b *Bot) keepsPart() bool {
	for _, r := range b.routes {
		if r.match.asks.part {
			return true
		}
	}
	return false
}

// takePart writes down in which threads the bot is about to say something. That comes before it is said: who answers the bot
// at once is not missed.
func (s *Session) takePart(ctx context.Context, m *Message, actions []event.Action) error {
	if !s.bot.keepsPart() {
		return nil
	}
	done := make(map[event.ThreadRef]bool)
	for _, a := range actions {
		if a.Type != event.Reply || a.Thread.Root == "" || done[a.Thread] {
			continue
		}
		done[a.Thread] = true
		part := note[bool](m.In(a.Thread).Memory(), partKey)
		if yes, _, err := part.Get(ctx); err != nil || yes {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := part.Update(ctx, func(bool) (bool, error) { return true, nil }); err != nil {
			return err
		}
	}
	return nil
}
