package deliver

import (
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Status is how a connection does. It tells nothing of what is said, nor why something fails.
type Status struct {
	// Breaker is "closed", "open" (the connection fails throughout and is left alone) or "half-open" (one call tries it).
	Breaker string `json:"breaker"`
	// Failures is how many calls have failed since one succeeded, and Failing when the first of them did.
	Failures int       `json:"failures"`
	Failing  time.Time `json:"failing,omitzero"`
}

// Status returns how the connections do. It returns at once.
func (d *Deliverer) Status() map[event.ConnectionID]Status {
	all := make(map[event.ConnectionID]Status, len(d.lines))
	for id, l := range d.lines {
		all[id] = l.breaker.status()
	}
	return all
}
