package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// delivery is how a connection's actions are carried out.
type delivery struct {
	Policy deliver.Policy
	// Limit is how often each sender may speak at first; zero if that is learned.
	Limit senderRate
}

// senderRate is a number of messages in a time.
type senderRate struct {
	N   int
	Per time.Duration
}

// The defaults of bus.Retry and deliver.Breaker, for what is set beside them.
const (
	defaultRetryMin   = 200 * time.Millisecond
	defaultRetryMax   = 5 * time.Minute
	defaultBreakerMin = time.Second
	defaultBreakerMax = 30 * time.Second
)

// readDelivery reads the key deliver of a connection, which is the same for every platform. What is absent stays zero, which
// stands for the default.
func readDelivery(m *mapping) delivery {
	var out delivery
	in := m.child("deliver")
	if in == nil {
		return out
	}
	out.Policy.Unknown = deliver.UnknownPolicy(in.choice("unknown", string(deliver.Resend), string(deliver.Park)))
	out.Policy.RootGone = deliver.RootGonePolicy(in.choice("root_gone", string(deliver.Dead), string(deliver.NewRoot), string(deliver.PostFlat)))
	if retry := in.child("retry"); retry != nil {
		out.Policy.Retry = readRetry(retry)
	}
	if breaker := in.child("breaker"); breaker != nil {
		out.Policy.Breaker = readBreaker(breaker)
	}
	if limit, ok := in.scalar("sender_limit"); ok {
		n, per, err := senderLimit(limit.text)
		if err != nil {
			in.fault("sender_limit", "%s: %v", limit.shown(), err)
		}
		out.Limit = senderRate{N: n, Per: per}
	}
	in.done()
	return out
}

// shortest is the least that a time can be which must not be zero.
const shortest = time.Millisecond

func readRetry(m *mapping) bus.Retry {
	out := bus.Retry{
		Attempts: m.integer("attempts"), Age: m.duration("age", shortest), Min: m.duration("min", shortest), Max: m.duration("max", shortest),
	}
	if m.has("attempts") && out.Attempts < 1 {
		m.fault("attempts", "want 1 at least")
	}
	m.ordered(out.Min, out.Max, defaultRetryMin, defaultRetryMax)
	m.done()
	return out
}

func readBreaker(m *mapping) deliver.Breaker {
	out := deliver.Breaker{
		Failures: m.integer("failures"), Over: m.duration("over", shortest), Min: m.duration("min", shortest), Max: m.duration("max", shortest),
	}
	if m.has("failures") && out.Failures == 0 {
		m.fault("failures", "want 1 at least, or a negative number for a breaker that never opens")
	}
	m.ordered(out.Min, out.Max, defaultBreakerMin, defaultBreakerMax)
	m.done()
	return out
}

// ordered records a fault if the keys min and max of m cross each other; what is not set has its default.
func (m *mapping) ordered(least, most, defaultLeast, defaultMost time.Duration) {
	switch {
	case m.faulty["min"] || m.faulty["max"]:
	case m.has("max") && !m.has("min") && most < defaultLeast:
		m.fault("max", "%s is less than min, which is %s if it is not set", most, defaultLeast)
	case m.has("min") && !m.has("max") && least > defaultMost:
		m.fault("min", "%s is more than max, which is %s if it is not set", least, defaultMost)
	case least > most && m.has("min") && m.has("max"):
		m.fault("max", "%s is less than min, which is %s", most, least)
	}
}

// senderLimit reads what a sender may say in a time: a rate such as 30/1m, or learn, which is a rate of 0.
func senderLimit(text string) (n int, per time.Duration, err error) {
	if strings.EqualFold(strings.TrimSpace(text), "learn") {
		return 0, 0, nil
	}
	count, span, _ := strings.Cut(text, "/")
	n, err = strconv.Atoi(strings.TrimSpace(count))
	per, spanErr := time.ParseDuration(strings.TrimSpace(span))
	if err != nil || spanErr != nil || n < 1 || per < shortest {
		return 0, 0, errors.New("want learn, or a rate such as 30/1m")
	}
	return n, per, nil
}
