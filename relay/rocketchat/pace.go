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
// polls use most, so that there is something left for others behind the same address. It is that of the server's defaults
// until an answer has told otherwise, and 0 for an account that answers show to be exempt.
func (c *Connection) PollBudget() int { return c.client.pace.perMinute() }

// pace is what is known of the rate limit on polling. The zero value knows nothing.
type pace struct {
	mu     sync.Mutex
	heard  bool // of the route
	limit  int  // calls in a period; 0 if there is no limit
	period time.Duration
}

// note learns from a call.
func (p *pace) note(o Observation, now time.Time) {
	if o.Route != syncRoute || o.Status == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	limited := o.Rate.Limit > 0 || o.Status == http.StatusTooManyRequests
	if !limited && o.Status != http.StatusOK {
		return // who refuses for another reason may not have counted
	}
	p.heard = true
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

func (p *pace) perMinute() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit, period := p.limit, p.period
	if !p.heard {
		limit, period = defaultLimit, defaultPeriod
	}
	if limit == 0 {
		return 0
	}
	return max(1, int(float64(limit)*0.9*float64(time.Minute)/float64(period)))
}
