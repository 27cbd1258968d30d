package rocketchat

import (
	"net/http"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Paced = (*Connection)(nil)

// The server's default limit: so many calls of one route from one address within a period (settings "Rate Limiter").
const (
	defaultLimit  = 10
	defaultPeriod = time.Minute
)

// syncRoute is the route that polls live on.
const syncRoute = "chat.syncMessages"

// PollBudget returns how many calls polling may make within a minute: nine of ten that the server allows of the route that
// polls use most, so that there is something left for others behind the same address. Until that route has answered, what
// other routes tell counts. It is 0 before any has answered, and for an account that answers show to be exempt.
func (c *Connection) PollBudget() int { return c.client.pace.perMinute() }

// pace is what is known of the rate limit on polling, and of the server's clock. The zero value knows nothing.
type pace struct {
	mu     sync.Mutex
	skew   time.Duration // by which the server's clock is ahead of ours
	heard  bool          // of syncRoute
	limit  int           // calls in a period; 0 if there is no limit
	period time.Duration
}

// note learns from a call.
func (p *pace) note(o Observation, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !o.Clock.IsZero() {
		const grain = 2 * time.Second // of a clock that tells whole seconds
		if p.skew = o.Clock.Sub(now); p.skew.Abs() <= grain {
			p.skew = 0
		}
	}
	if o.Status == 0 || p.heard && o.Route != syncRoute {
		return
	}
	limited := o.Rate.Limit > 0 || o.Status == http.StatusTooManyRequests
	if !limited && o.Status != http.StatusOK {
		return // who refuses for another reason may not have counted
	}
	p.heard = o.Route == syncRoute
	switch {
	case !limited:
		p.limit = 0
		return
	case o.Rate.Limit > 0:
		p.limit = o.Rate.Limit
	case p.limit == 0:
		p.limit = defaultLimit
	}
	if p.period == 0 {
		p.period = defaultPeriod
	}
	if first := o.Rate.Remaining == o.Rate.Limit-1; first && !o.Rate.Reset.IsZero() { // a period has just begun
		if left := o.Rate.Reset.Sub(now).Round(time.Second); left >= time.Second {
			p.period = left
		}
	}
}

// theirs returns a time of ours by the server's clock.
func (p *pace) theirs(t time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return t.Add(p.skew)
}

func (p *pace) perMinute() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit == 0 {
		return 0
	}
	return max(1, int(float64(p.limit)*0.9*float64(time.Minute)/float64(p.period)))
}
