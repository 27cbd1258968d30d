package rocketsim

import "fmt"

// Chaos makes REST requests fail at random. The rates are between 0 and 1 and are drawn anew for each request, in the order of the
// fields; the first that hits strikes, alone.
type Chaos struct {
	Seed        uint64  // the same seed gives the same draws in the same order of requests
	FailBefore  float64 // 500 instead of the work
	FailAfter   float64 // 502 after the work
	Reset       float64 // the connection is cut instead of the work
	LoseReply   float64 // the connection is cut after the work
	Truncate    float64 // half of the answer
	TooMany     float64 // 429 instead of the work
	ChangesOnly bool    // only requests that may change something, so anything but GET
}

func (c *Chaos) validate() error {
	for name, rate := range map[string]float64{
		"FailBefore": c.FailBefore, "FailAfter": c.FailAfter, "Reset": c.Reset, "LoseReply": c.LoseReply, "Truncate": c.Truncate,
		"TooMany": c.TooMany,
	} {
		if !(rate >= 0 && rate <= 1) {
			return fmt.Errorf("rocketsim: Chaos.%s is %g, want 0 to 1", name, rate)
		}
	}
	return nil
}
