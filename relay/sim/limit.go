package sim

import (
	"net/http"
	"strconv"
	"time"
)

// window counts a sender's messages of the current minute.
type window struct {
	start time.Time
	used  int
}

// takeSend counts one message of a sender and sets the rate headers in both documented spellings; it refuses above the limit
// (CometChat: rest-api/rate-limits).
func (s *CometChat) takeSend(uid string, h http.Header) error {
	if s.cfg.SenderLimit == 0 {
		return nil
	}
	now := s.cfg.Now()
	w := s.limits[uid]
	if w == nil || now.Sub(w.start) >= time.Minute {
		w = &window{start: now}
		s.limits[uid] = w
	}
	limited := w.used >= s.cfg.SenderLimit
	if !limited {
		w.used++
	}
	limit, left := strconv.Itoa(s.cfg.SenderLimit), strconv.Itoa(s.cfg.SenderLimit-w.used)
	for _, name := range []string{"X-Rate-Limit", "X-RateLimit-Limit"} {
		h.Set(name, limit)
	}
	for _, name := range []string{"X-Rate-Limit-Remaining", "X-RateLimit-Remaining"} {
		h.Set(name, left)
	}
	if !limited {
		return nil
	}
	setRetryAfter(h, now, w.start.Add(time.Minute).Sub(now))
	return tooMany()
}

// setRetryAfter sets Retry-After in whole seconds, rounded up, and both spellings of the reset time.
func setRetryAfter(h http.Header, now time.Time, wait time.Duration) {
	whole := max(1, int64((wait+time.Second-1)/time.Second))
	reset := strconv.FormatInt(now.Add(time.Duration(whole)*time.Second).Unix(), 10)
	h.Set("Retry-After", strconv.FormatInt(whole, 10))
	h.Set("X-Rate-Limit-Reset", reset)
	h.Set("X-RateLimit-Reset", reset)
}
