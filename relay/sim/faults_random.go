package sim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
)

// FaultRates are the shares of API requests, each from 0 to 1 and together at most 1, that something goes wrong with. A request
// is struck by one of them at most, and only if no other [Fault] strikes it.
type FaultRates struct {
	LostReply float64 // the work is done, and then the connection is cut
	After5xx  float64 // the work is done, and the answer is 500, 502, 503 or 504
	Reset     float64 // the connection is cut instead of the work
	// Seed is that of the dice: with the same one the same requests are struck, counted in the order in which they came.
	Seed uint64
}

func (r FaultRates) validate() error {
	for _, share := range []float64{r.LostReply, r.After5xx, r.Reset, r.LostReply + r.After5xx + r.Reset} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("sim: CometChatConfig.FaultRates are %g, %g and %g, want shares of at most 1 together", r.LostReply, r.After5xx, r.Reset)
		}
	}
	return nil
}

func (r FaultRates) dice() *rand.Rand {
	return rand.New(rand.NewPCG(r.Seed, 0)) //nolint:gosec // faults shall be the same for the same seed
}

// roll decides about one request.
func (r FaultRates) roll(dice *rand.Rand) Fault {
	statuses := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	status := statuses[dice.IntN(len(statuses))]
	switch at := dice.Float64(); {
	case at < r.LostReply:
		return Fault{AfterCommit: true}
	case at < r.LostReply+r.After5xx:
		return Fault{AfterCommit: true, Status: status}
	case at < r.LostReply+r.After5xx+r.Reset:
		return Fault{Reset: true}
	}
	return Fault{}
}
