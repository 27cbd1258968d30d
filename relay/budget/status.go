package budget

import (
	"cmp"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// Status is how one kind of group stands. It names no sender.
type Status struct {
	// Scope is "connection", "sender" or "route", and Route which one.
	Scope string `json:"scope"`
	Route string `json:"route,omitempty"`
	// Limit is how many calls each Per allows, that of most senders if there are several; 0 if no limit is known.
	Limit  int    `json:"limit"`
	Per    string `json:"per,omitempty"`
	Source Source `json:"source,omitempty"`
	// Waiting is how many threads wait.
	Waiting int `json:"waiting"`
	// Paused is how many groups wait at the platform's word, and Until when the last of them goes on.
	Paused int       `json:"paused"`
	Until  time.Time `json:"until,omitzero"`
}

// Status lists what is known of the limits, and who waits. It returns at once.
func (b *Budget) Status() []Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	all := make(map[relay.Group]*Status)
	for _, c := range b.cfg.Configured {
		b.row(all, relay.Group{Scope: c.Scope})
	}
	for id := range b.facts {
		b.row(all, id)
	}
	for id, g := range b.groups {
		left := g.paused.Sub(now)
		if left <= 0 {
			continue
		}
		s := b.row(all, id)
		s.Paused++
		if until := time.Now().Add(left).UTC(); until.After(s.Until) {
			s.Until = until
		}
	}
	for _, w := range b.waiters {
		b.row(all, w.group.id).Waiting++
	}
	out := make([]Status, 0, len(all))
	for _, s := range all {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Status) int { return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Route, b.Route)) })
	return out
}

// row is where a group is listed.
func (b *Budget) row(all map[relay.Group]*Status, id relay.Group) *Status {
	if id.Scope != Route {
		id.Key = ""
	}
	s := all[id]
	if s == nil {
		s = &Status{Scope: id.Scope, Route: id.Key}
		if r := b.ruleOf(id); r.limit > 0 {
			s.Limit, s.Per, s.Source = r.limit, r.per.String(), r.source
		}
		all[id] = s
	}
	return s
}
