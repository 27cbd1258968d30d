package rocketchat

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// Observation tells of one call of the REST API. It holds no secret.
type Observation struct {
	Method string
	// Route is the endpoint's name, such as "chat.sendMessage", without ids.
	Route string
	// Start is when the call began and Duration how long it took, the reading of the answer included.
	Start    time.Time
	Duration time.Duration
	// Status is the HTTP status; 0 if no answer came.
	Status int
	// Code is the platform's error code; empty if it named none.
	Code string
	// Rate is what the answer told of the route's rate limit.
	Rate Rate
	// Clock is the server's, of the answer's Date header, in whole seconds; zero if it told none.
	Clock time.Time
}

// Rate is the state of a route's rate limit. The platform counts calls per route and address of the caller (document
// "rate limiting" of the settings); of an account that may bypass that, it tells nothing.
type Rate struct {
	// Known tells whether the answer had Limit or Remaining; without, they are -1.
	Known bool
	// Limit is how many calls the period allows, and Remaining how many are left of them.
	Limit, Remaining int
	// Reset is when the period ends, by our clock; zero if that is not known.
	Reset time.Time
	// Pause is how long the platform asked to wait; 0 if it did not.
	Pause time.Duration
}

// maxReset is how far ahead a period's end is believed in.
const maxReset = 24 * time.Hour

// answered notes what an answer's head tells.
func (o *Observation) answered(resp *http.Response, now time.Time) {
	o.Status = resp.StatusCode
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		o.Clock = at
	}
	o.Rate = rateOf(resp.Header, now)
}

func rateOf(h http.Header, now time.Time) Rate {
	r := Rate{Limit: countHeader(h, "X-Ratelimit-Limit"), Remaining: countHeader(h, "X-Ratelimit-Remaining")}
	r.Known = r.Limit >= 0 || r.Remaining >= 0
	if at, ok := resetTime(h, now); ok {
		r.Reset = at
	}
	return r
}

// countHeader returns the whole number that a header holds, or -1.
func countHeader(h http.Header, name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get(name)))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// resetTime returns when a period ends by our clock. The header has milliseconds since 1970 by the server's, which the Date
// header tells in whole seconds: only if the two differ by more than that grain leaves open, the difference is taken out.
func resetTime(h http.Header, now time.Time) (time.Time, bool) {
	ms, err := strconv.ParseInt(strings.TrimSpace(h.Get("X-Ratelimit-Reset")), 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}, false
	}
	at := time.UnixMilli(ms)
	const grain = 2 * time.Second
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		if skew := now.Sub(theirs); skew.Abs() > grain {
			at = at.Add(skew)
		}
	}
	if at.Sub(now) > maxReset {
		return time.Time{}, false
	}
	return at.UTC(), true
}

// reading returns what a call says of its route's limit, and false if it says nothing.
func (o *Observation) reading() (relay.Reading, bool) {
	limited := o.Status == http.StatusTooManyRequests
	if !o.Rate.Known && !limited {
		return relay.Reading{}, false
	}
	r := relay.Reading{Group: routeGroup(o.Route), Limit: o.Rate.Limit, Remaining: o.Rate.Remaining, Reset: o.Rate.Reset}
	if limited {
		r.Pause = o.Rate.Pause
	}
	return r, true
}

// routeGroup names the calls of a route, which share a limit.
func routeGroup(route string) relay.Group { return relay.Group{Scope: "route", Key: route} }

// limits remembers whether the server tells of rate limits: it does of an account that has some.
type limits struct{ state atomic.Int32 }

// What is known of the limits.
const (
	limitsUnknown = iota
	limitsTold
	limitsAbsent
)

func (l *limits) note(o Observation) {
	switch {
	case o.Rate.Known || o.Status == http.StatusTooManyRequests:
		l.state.Store(limitsTold)
	case o.Status == http.StatusOK:
		l.state.CompareAndSwap(limitsUnknown, limitsAbsent)
	}
}

// told reports whether the server has spoken of a limit.
func (l *limits) told() bool { return l.state.Load() == limitsTold }

// absent reports whether the server was heard, and never spoke of a limit.
func (l *limits) absent() bool { return l.state.Load() == limitsAbsent }
