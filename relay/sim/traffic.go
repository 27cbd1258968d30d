package sim

import (
	"net/http"
	"time"
)

// Traffic is how much the REST API was asked, refused requests included.
type Traffic struct {
	Requests   int64 // altogether
	TooMany    int64 // answered 429
	Struck     int64 // struck by a fault
	LastMinute int   // in the 60 seconds up to now
	PeakMinute int   // the most in any 60 seconds, by whole seconds of CometChatConfig.Now
}

// traffic counts requests by second.
type traffic struct {
	Traffic
	seconds [60]int // by second modulo 60
	at      int64   // the newest second counted
	sum     int     // of seconds
}

// advance forgets the seconds that are more than a minute before now.
func (t *traffic) advance(now time.Time) {
	sec := now.Unix()
	for t.at < sec {
		if sec-t.at > int64(len(t.seconds)) {
			t.at, t.sum, t.seconds = sec, 0, [60]int{}
			return
		}
		t.at++
		slot := &t.seconds[t.at%int64(len(t.seconds))]
		t.sum -= *slot
		*slot = 0
	}
}

func (t *traffic) add(now time.Time, status int, struck bool) {
	t.advance(now)
	t.seconds[t.at%int64(len(t.seconds))]++
	t.sum++
	t.Requests++
	t.PeakMinute = max(t.PeakMinute, t.sum)
	if status == http.StatusTooManyRequests {
		t.TooMany++
	}
	if struck {
		t.Struck++
	}
}

// Traffic returns the counts of now.
func (s *CometChat) Traffic() Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traffic.advance(s.cfg.Now())
	t := s.traffic.Traffic
	t.LastMinute = s.traffic.sum
	return t
}
