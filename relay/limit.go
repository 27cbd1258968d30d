package relay

import (
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Group names the calls that share one rate limit of a connection. The zero Group is that of all calls of the connection.
type Group struct {
	// Scope is "connection", "sender" or "route", as in [event.Budget]; empty is "connection".
	Scope string
	// Key is whose or which: the sender's id, or the route's name. It is empty for the connection.
	Key string
}

// Metered is a Sender whose calls count against rate limits.
type Metered interface {
	// Charges tells which groups' budgets carrying out an action uses up, and by how many calls each, as far as that is known
	// before. It is pure and returns at once.
	Charges(a event.Action) []Charge
}

// Charge is a number of calls of one group.
type Charge struct {
	Group
	Calls int
}

// Reading is what an answer of the platform told about one rate limit.
type Reading struct {
	Group Group
	// Limit is how many calls a period allows, and Remaining how many of them are left; -1 is not known.
	Limit, Remaining int
	// Reset is when the period ends, by our clock; zero if that is not known.
	Reset time.Time
	// Pause is how long the platform asked this group to wait, 0 if it did not.
	Pause time.Duration
}

// Meter is told of readings as they come, by any goroutine. It returns at once.
type Meter func(Reading)
