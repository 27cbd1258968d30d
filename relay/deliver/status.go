package deliver

import (
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/budget"
)

// Status is how a connection does. It tells nothing of what is said, nor why something fails.
type Status struct {
	// Breaker is "closed", "open" (the connection fails throughout and is left alone) or "half-open" (one call tries it).
	Breaker string `json:"breaker"`
	// Failures is how many calls have failed since one succeeded, and Failing when the first of them did.
	Failures int       `json:"failures"`
	Failing  time.Time `json:"failing,omitzero"`
	// Limits are the rate limits that are known, and who waits for them.
	Limits []budget.Status `json:"limits,omitempty"`
}

// Status returns how the connections do. It returns at once.
func (d *Deliverer) Status() map[event.ConnectionID]Status {
	all := make(map[event.ConnectionID]Status, len(d.lines))
	for id, l := range d.lines {
		s := l.breaker.status()
		if l.budget != nil {
			s.Limits = l.budget.Status()
		}
		all[id] = s
	}
	return all
}
