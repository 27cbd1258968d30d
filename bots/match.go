package bots

import (
	"context"
	"slices"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Matcher decides whether a handler is for a message. Matchers are made by functions such as [Text] and [Direct], and put
// together by [All], [Any] and [Not].
//
// A handler is shown new messages of people, unless its matcher speaks of other things: see [Edited], [Reacted], [FromBots] and
// their like.
type Matcher struct {
	test func(ctx context.Context, m *Message) (bool, error)
	asks asks
	err  error
}

// asks is what a matcher asks for besides new messages of people.
type asks struct {
	types             []event.Type // instead of new messages
	own, bots, system bool
	part              bool // to know where the bot takes part
}

func (a asks) and(b asks) asks {
	return asks{
		types: slices.Concat(a.types, b.types), own: a.own || b.own, bots: a.bots || b.bots, system: a.system || b.system,
		part: a.part || b.part,
	}
}

// matching makes a matcher of a plain test.
func matching(test func(m *Message) bool) Matcher {
	return Matcher{test: func(_ context.Context, m *Message) (bool, error) { return test(m), nil }}
}

// All matches what all of the matchers match.
func All(all ...Matcher) Matcher { return combine(all, false) }

// Any matches what one of the matchers matches.
func Any(some ...Matcher) Matcher { return combine(some, true) }

// combine tries matchers until one says what ends the search.
func combine(all []Matcher, end bool) Matcher {
	out := Matcher{test: func(ctx context.Context, m *Message) (bool, error) {
		for _, one := range all {
			if yes, err := one.test(ctx, m); err != nil || yes == end {
				return end && err == nil, err
			}
		}
		return !end, nil
	}}
	for _, one := range all {
		out.asks = out.asks.and(one.asks)
		if out.err == nil {
			out.err = one.fault()
		}
	}
	return out
}

// Not matches what the matcher does not match. It asks for nothing: Not(Edited()) is new messages.
func Not(not Matcher) Matcher {
	return Matcher{err: not.fault(), asks: asks{part: not.asks.part}, test: func(ctx context.Context, m *Message) (bool, error) {
		yes, err := not.test(ctx, m)
		return !yes, err
	}}
}
