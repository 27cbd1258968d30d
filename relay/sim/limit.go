package sim

import (
	"net/http"
	"strconv"
	"time"
)

// window counts what was done in the current period, which is a minute unless CometChatConfig.LimitPeriod says otherwise.
type window struct {
	start time.Time
	used  int
}

// rate is how much may be done in a period.
type rate struct {
	limit  int
	period time.Duration
}

// take counts one more and reports whether that is within the limit; a period begins with its first request.
func (w *window) take(now time.Time, r rate) bool {
	if now.Sub(w.start) >= r.period {
		*w = window{start: now}
	}
	if w.used >= r.limit {
		return false
	}
	w.used++
	return true
}

// check takes one from a window and sets the rate headers in both documented spellings; it refuses above the limit (CometChat:
// rest-api/rate-limits).
func (w *window) check(now time.Time, r rate, h http.Header) error {
	ok := w.take(now, r)
	for _, name := range []string{"X-Rate-Limit", "X-RateLimit-Limit"} {
		h.Set(name, strconv.Itoa(r.limit))
	}
	for _, name := range []string{"X-Rate-Limit-Remaining", "X-RateLimit-Remaining"} {
		h.Set(name, strconv.Itoa(r.limit-w.used))
	}
	if ok {
		return nil
	}
	setRetryAfter(h, now, w.start.Add(r.period).Sub(now))
	return tooMany()
}

// takeRequest counts a request against the app's limits; the caller holds s.mu.
func (s *CometChat) takeRequest(rt route, h http.Header) error {
	limit, w := s.cfg.AppLimit, &s.standard
	if rt.core {
		limit, w = s.cfg.CoreLimit, &s.core
	}
	if limit == 0 {
		return nil
	}
	return w.check(s.cfg.Now(), rate{limit, s.cfg.LimitPeriod}, h)
}

// takeSend counts one message of a sender; the caller holds s.mu.
func (s *CometChat) takeSend(uid string, h http.Header) error {
	if s.cfg.SenderLimit == 0 {
		return nil
	}
	w := s.limits[uid]
	if w == nil {
		w = &window{}
		s.limits[uid] = w
	}
	return w.check(s.cfg.Now(), rate{s.cfg.SenderLimit, s.cfg.LimitPeriod}, h)
}

// setRetryAfter sets Retry-After in whole seconds, rounded up, and both spellings of the reset time.
func setRetryAfter(h http.Header, now time.Time, wait time.Duration) {
	whole := max(1, int64((wait+time.Second-1)/time.Second))
	reset := strconv.FormatInt(now.Add(time.Duration(whole)*time.Second).Unix(), 10)
	h.Set("Retry-After", strconv.FormatInt(whole, 10))
	h.Set("X-Rate-Limit-Reset", reset)
	h.Set("X-RateLimit-Reset", reset)
}
