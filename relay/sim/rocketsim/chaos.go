package rocketsim

import (
	"fmt"
	"net/http"
	"time"
)

// Chaos makes requests fail at random. The rates are between 0 and 1; one number is drawn for each request, so that at most one fault
// strikes it, and their sum may be at most 1.
type Chaos struct {
	Seed        uint64  // the same seed gives the same draws in the same order of requests
	FailBefore  float64 // 500 instead of the work
	FailAfter   float64 // 502 after the work
	Reset       float64 // the connection is cut instead of the work
	LoseReply   float64 // the connection is cut after the work
	Truncate    float64 // half of the answer
	TooMany     float64 // 429 instead of the work, with a reset one second away
	ChangesOnly bool    // only requests that may change something, so anything but GET
}

// chance is a fault and how likely it is.
type chance struct {
	rate  float64
	fault Fault
}

func (c *Chaos) chances() []chance {
	return []chance{
		{c.FailBefore, Fault{Status: http.StatusInternalServerError}},
		{c.FailAfter, Fault{Status: http.StatusBadGateway, AfterCommit: true}},
		{c.Reset, Fault{Reset: true}},
		{c.LoseReply, Fault{AfterCommit: true}},
		{c.Truncate, Fault{Truncate: true}},
		{c.TooMany, Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Second}},
	}
}

func (c *Chaos) validate() error {
	sum := 0.0
	for _, one := range c.chances() {
		if !(one.rate >= 0 && one.rate <= 1) {
			return fmt.Errorf("rocketsim: a rate of Config.Chaos is %g, want 0 to 1", one.rate)
		}
		sum += one.rate
	}
	if sum > 1 {
		return fmt.Errorf("rocketsim: the rates of Config.Chaos are %g together, want at most 1", sum)
	}
	return nil
}

// draw decides whether a request fails at random, and how; the caller holds s.mu.
func (s *Server) draw(r *http.Request) Fault {
	c := &s.cfg.Chaos
	if *c == (Chaos{Seed: c.Seed, ChangesOnly: c.ChangesOnly}) || c.ChangesOnly && r.Method == http.MethodGet {
		return Fault{}
	}
	at := s.roll()
	for _, one := range c.chances() {
		if at < one.rate {
			return one.fault
		}
		at -= one.rate
	}
	return Fault{}
}

// roll draws a number from 0 to 1 by the generator splitmix64, which is the same on every machine.
func (s *Server) roll() float64 {
	s.chaos += 0x9e3779b97f4a7c15
	z := s.chaos
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}
