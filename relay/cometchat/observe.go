package cometchat

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Observation tells of one call of the server API. It holds no secret.
type Observation struct {
	Method string
	// Route is the path below the base URL with "{id}" in the place of each id, so that there are few different ones.
	Route string
	// As is the user in whose name the call was made; empty for the app.
	As string
	// Start is when the call began and Duration how long it took, the reading of the answer included.
	Start    time.Time
	Duration time.Duration
	// Status is the HTTP status; 0 if no answer came.
	Status int
	// Code is the platform's error code; empty if it named none.
	Code string
	// Rate is what the answer told of a rate limit. Which one, the platform's or the sender's, it does not say.
	Rate Rate
	// Clock is the server's, of the answer's Date header, in whole seconds; zero if it told none.
	Clock time.Time
}

// Rate is the state of a rate limit (documents "articles/rate-limits" and "rest-api/rate-limits", which spell the headers
// differently).
type Rate struct {
	// Known tells whether the answer had Limit or Remaining; without, they are 0 and mean nothing.
	Known bool
	// Limit is how many calls the period allows, and Remaining how many are left of them.
	Limit, Remaining int
	remains          bool // the answer had Remaining
	// Reset is when the period ends; zero if that is not known.
	Reset time.Time
	// RetryAfter is how long the platform asked to wait; 0 if it did not.
	RetryAfter time.Duration
}

// answered notes what an answer's head tells.
func (o *Observation) answered(resp *http.Response, now time.Time) {
	o.Status = resp.StatusCode
	o.Rate = rateOf(resp, now)
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		o.Clock = at
	}
}

func rateOf(resp *http.Response, now time.Time) Rate {
	r := Rate{RetryAfter: retryAfter(resp.Header, resp.StatusCode, now)}
	limit, hasLimit := countHeader(resp.Header, "X-Rate-Limit", "X-RateLimit-Limit", "X-Rate-Limit-Limit")
	remaining, hasRemaining := countHeader(resp.Header, "X-Rate-Limit-Remaining", "X-RateLimit-Remaining")
	r.Limit, r.Remaining, r.Known, r.remains = limit, remaining, hasLimit || hasRemaining, hasRemaining
	if reset, ok := firstSeconds(resp.Header, "X-Rate-Limit-Reset", "X-RateLimit-Reset"); ok && reset > 0 && reset < lastSecond {
		r.Reset = time.UnixMilli(int64(reset * 1000)).UTC()
	}
	return r
}

// countHeader returns the first of the headers that holds a whole number.
func countHeader(h http.Header, names ...string) (int, bool) {
	for _, name := range names {
		if n, err := strconv.Atoi(strings.TrimSpace(h.Get(name))); err == nil && n >= 0 {
			return n, true
		}
	}
	return 0, false
}

func firstSeconds(h http.Header, names ...string) (float64, bool) {
	for _, name := range names {
		if s, ok := parseSeconds(h.Get(name)); ok {
			return s, true
		}
	}
	return 0, false
}

// routeOf puts "{id}" in the place of each id in a path: collections and ids take turns, except behind "conversation".
func routeOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i := 1; i < len(parts); i += 2 {
		if parts[i-1] != "conversation" && parts[i-1] != "thread" {
			parts[i] = "{id}"
		}
	}
	return "/" + strings.Join(parts, "/")
}
