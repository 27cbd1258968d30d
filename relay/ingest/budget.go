package ingest

import "time"

// budget is a token bucket whose every window of a minute, wherever it begins, holds at most the calls that it was made for.
type budget struct {
	rate   float64 // tokens per second
	burst  float64
	tokens float64 // below zero after calls that cost more than expected
	at     time.Time
}

// newBudget returns a budget of calls per minute, at least [minBudget]. It starts nearly empty: the instance that polled
// before may have used its share of this minute up.
func newBudget(perMinute int, now time.Time) *budget {
	b := &budget{tokens: 1, at: now}
	b.set(perMinute, now)
	return b
}

// set changes how many calls a minute may have, at least 2.
func (b *budget) set(perMinute int, now time.Time) {
	b.refill(now)
	perMinute = max(perMinute, 2)
	b.burst = max(1, float64(perMinute)/30)
	b.rate = (float64(perMinute) - b.burst) / 60
	b.tokens = min(b.tokens, b.burst)
}

// wait returns how long it is until a call may be made; 0 if it may be made now.
func (b *budget) wait(now time.Time) time.Duration {
	b.refill(now)
	if b.tokens >= 1 {
		return 0
	}
	return max(time.Millisecond, time.Duration((1-b.tokens)/b.rate*float64(time.Second)))
}

// spend takes the price of some calls; a negative one gives it back.
func (b *budget) spend(calls int) { b.tokens = min(b.tokens-float64(calls), b.burst) }

// left is how many calls could be made at this moment.
func (b *budget) left(now time.Time) float64 {
	b.refill(now)
	return max(0, b.tokens)
}

func (b *budget) refill(now time.Time) {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(b.tokens+passed*b.rate, b.burst)
		b.at = now
	}
}
