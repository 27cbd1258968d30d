package rocketsim

import (
	"net/http"
	"strconv"
	"time"
)

// window is the calls of one route and method since it began. Like Meteor's rate limiter it begins with the server, ends for all callers
// at once, and begins anew with the first call after its end (the detail is from memory of Meteor's rate-limit package).
type window struct {
	limit int
	start time.Time
	used  map[string]int // by the caller's address
}

// limit counts a call and refuses it above the rule of its route: so many calls by one address in a time (Rocket.Chat: ApiClass.ts
// enforceRateLimit). Whoever has the permission passes without being counted, and without headers; the caller holds s.mu.
func (s *Server) limit(rt route, rec *recorder, c *call) error {
	rule, period := s.cfg.Limits.Calls, s.cfg.Limits.Period
	ownRule := rt.sends && s.cfg.Version >= 8
	if ownRule {
		rule, period = s.cfg.Limits.SendCalls, s.cfg.Limits.SendPeriod
	}
	bypass := c.user != nil && (s.can(c.user, "api-bypass-rate-limit") || ownRule && s.can(c.user, "send-many-messages"))
	if !s.cfg.Limits.On || bypass {
		return nil
	}
	name, _ := routeOf(c.r)
	key := c.r.Method + " " + name
	w, now := s.windows[key], s.cfg.Now()
	switch {
	case w == nil:
		w = &window{limit: rule, start: s.born, used: map[string]int{}}
		s.windows[key] = w
	case now.Sub(w.start) > period:
		w.used = map[string]int{}
	}
	if now.Sub(w.start) > period {
		w.start = now
	}
	from := address(c.r)
	w.used[from]++
	left := w.start.Add(period).Sub(now)
	if w.used[from] > rule {
		return s.tooMany(rec.header, *w, left)
	}
	s.limitHeaders(rec.header, rule, rule-w.used[from], left)
	return nil
}

// limitHeaders sets the three headers of the rate limiter; the reset is in milliseconds since 1970. There is no Retry-After.
func (s *Server) limitHeaders(h http.Header, limit, left int, wait time.Duration) {
	h.Set("X-Ratelimit-Limit", strconv.Itoa(limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(left))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(s.cfg.Now().Add(wait).UnixMilli(), 10))
}

// tooMany is the refusal of a call that came too early, with its headers.
func (s *Server) tooMany(h http.Header, w window, wait time.Duration) *Error {
	s.limitHeaders(h, w.limit, 0, wait)
	seconds := int64((wait + time.Second - 1) / time.Second)
	e := refuse("error-too-many-requests",
		"Error, too many requests. Please slow down. You must wait %d seconds before trying this endpoint again.", seconds)
	e.Status = http.StatusTooManyRequests
	return e
}
