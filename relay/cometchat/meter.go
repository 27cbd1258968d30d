package cometchat

import (
	"net/http"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Metered = (*Connection)(nil)

// appLimit is the smallest limit of an app that the documents name, that of the free plan (document "rest-api/rate-limits"). A
// sender's is far below.
const appLimit = 500

// Charges tells what carrying out an action uses up: calls of the app, and of a Reply or a Post messages of their sender. Users that
// are made or brought up to date on the way are not among them.
func (c *Connection) Charges(a event.Action) []relay.Charge {
	s, err := c.sending(a)
	if err != nil { // which asks nobody
		return nil
	}
	calls := max(1, len(s.parts))
	all := []relay.Charge{{Calls: calls}}
	if len(s.parts) > 0 {
		all = append(all, relay.Charge{Group: senderGroup(s.as), Calls: calls})
	}
	return all
}

func senderGroup(as string) relay.Group { return relay.Group{Scope: "sender", Key: as} }

// says reports whether a call sends a message, which counts against its sender's limit too.
func (o *Observation) says() bool {
	return o.Method == http.MethodPost && (o.Route == "/messages" || o.Route == "/messages/{id}/thread")
}

// makes reports whether a call is one of the core operations, which have a limit of their own (document "articles/rate-limits").
func (o *Observation) makes() bool {
	if o.Method != http.MethodPost && o.Method != http.MethodDelete {
		return false
	}
	switch o.Route {
	case "/users", "/users/{id}", "/groups", "/groups/{id}/members":
		return true
	}
	return false
}

// group is the group of calls that an answer's limit is about. The answer does not say: a number below that of the smallest app is
// a sender's, and so is the refusal of a message that comes without a number.
func (o *Observation) group() relay.Group {
	switch {
	case o.makes():
		return relay.Group{Scope: "route", Key: "core"}
	case o.says() && o.As != "" && o.Rate.Limit < appLimit:
		return senderGroup(o.As)
	}
	return relay.Group{Scope: "connection"}
}

// reading is what an answer tells of a rate limit; false if it tells nothing.
func (o *Observation) reading() (relay.Reading, bool) {
	r := relay.Reading{Group: o.group(), Limit: -1, Remaining: -1, Reset: o.Rate.Reset}
	if o.Rate.Limit > 0 {
		r.Limit = o.Rate.Limit
		if o.Rate.remains {
			r.Remaining = o.Rate.Remaining
		}
	}
	if o.refused() {
		r.Pause = o.Rate.RetryAfter
	}
	return r, r.Limit > 0 || r.Pause > 0
}

// refused reports whether a call was refused because a limit was reached.
func (o *Observation) refused() bool {
	return o.Status == http.StatusTooManyRequests || o.Code == "ERR_TOO_MANY_REQUESTS"
}
