package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// strikes sends messages and tells how each was answered, and how many of them are there.
func strikes(t *testing.T, rates sim.FaultRates, n int) (statuses []int, there int) {
	t.Helper()
	a := newApp(t, sim.CometChatConfig{FaultRates: rates})
	for range n {
		statuses = append(statuses, a.do("POST", "/messages", "ann", text("user", "bot", "x")).Status)
	}
	return statuses, len(a.Messages())
}

func TestFaultRates(t *testing.T) {
	const n = 1000
	rates := sim.FaultRates{LostReply: 0.05, After5xx: 0.1, Reset: 0.15, Seed: 7}
	statuses, there := strikes(t, rates, n)
	counts := make(map[int]int)
	for _, status := range statuses {
		counts[status]++
	}
	failed := 0
	for _, status := range []int{500, 502, 503, 504} {
		failed += counts[status]
	}
	resets := n - there
	for name, c := range map[string][2]int{"reset": {resets, 150}, "lost": {counts[0] - resets, 50}, "5xx": {failed, 100}} {
		if got, want := c[0], c[1]; got < want/2 || got > want*3/2 {
			t.Errorf("%s struck %d of %d, want about %d", name, got, n, want)
		}
	}
	if len(counts) != 6 || counts[200]+counts[0]+failed != n {
		t.Errorf("the answers were %v", counts)
	}
	if again, _ := strikes(t, rates, n); !slices.Equal(again, statuses) {
		t.Error("the same seed struck other requests")
	}
	rates.Seed++
	if other, _ := strikes(t, rates, n); slices.Equal(other, statuses) {
		t.Error("another seed struck the same requests")
	}
}

func TestFaultRatesGoLast(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{FaultRates: sim.FaultRates{Reset: 1}})
	a.Inject(sim.Fault{Status: 403, Times: 1})
	a.do("GET", "/users", "", nil).want(t, 403, "AUTH_ERR_NO_ACCESS")
	if r := a.do("GET", "/users", "", nil); r.Err == nil {
		t.Errorf("got %d", r.Status)
	}
}

func TestFaultRatesAreShares(t *testing.T) {
	for name, rates := range map[string]sim.FaultRates{
		"negative": {Reset: -0.1}, "more than all": {LostReply: 0.5, After5xx: 0.6},
	} {
		if _, err := sim.NewCometChat(sim.CometChatConfig{APIKey: key, FaultRates: rates}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLimitPeriod(t *testing.T) {
	at := time.Unix(1700000000, 0)
	a := newApp(t, sim.CometChatConfig{SenderLimit: 1, AppLimit: 5, LimitPeriod: 3 * time.Second, Now: func() time.Time { return at }})
	var got []int
	for _, later := range []time.Duration{0, time.Second, 1999 * time.Millisecond, time.Millisecond, 0, 0} {
		at = at.Add(later)
		r := a.do("POST", "/messages", "ann", text("user", "bot", "x"))
		got = append(got, r.Status)
		if wait := r.Header.Get("Retry-After"); later == time.Second && wait != "2" {
			t.Errorf("Retry-After %q", wait)
		}
	}
	if want := []int{200, 429, 429, 200, 429, 429}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := a.Traffic().TooMany; got != 4 {
		t.Errorf("%d refusals", got)
	}
	if _, err := sim.NewCometChat(sim.CometChatConfig{APIKey: key, LimitPeriod: -time.Second}); err == nil {
		t.Error("a negative period was taken")
	}
}
