package rocketsim

import (
	"net/http"
	"time"
)

// Request is one request to the REST API, or one download.
type Request struct {
	Route        string // the name behind /api/v1/, e.g. chat.sendMessage, or file-upload
	Method, Path string // Path is the escaped path with the query, as it came
	UserID       string // header X-User-Id
	Status       int    // what was answered; 0 when the connection was cut
	Body         []byte // at most the first 64 KiB
}

// keptRequests is how many requests are remembered.
const keptRequests = 10000

// requests keeps the newest keptRequests.
type requests struct{ all []Request }

func (r *requests) add(one Request) {
	if len(r.all) >= 2*keptRequests {
		r.all = append([]Request(nil), r.all[len(r.all)-keptRequests+1:]...)
	}
	r.all = append(r.all, one)
}

// Requests returns the newest 10,000 requests, oldest first, in the order of their being answered.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.requests.all
	return append([]Request(nil), all[max(0, len(all)-keptRequests):]...)
}

// Traffic is how much the REST API was asked, refused requests included.
type Traffic struct {
	Requests   int64 // altogether
	TooMany    int64 // answered 429
	Struck     int64 // struck by a fault
	LastMinute int   // in the 60 seconds up to now
	PeakMinute int   // the most in any 60 seconds, by whole seconds of Config.Now
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
func (s *Server) Traffic() Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traffic.advance(s.cfg.Now())
	t := s.traffic.Traffic
	t.LastMinute = s.traffic.sum
	return t
}
