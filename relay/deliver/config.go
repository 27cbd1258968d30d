package deliver

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/budget"
)

// Config is what a Deliverer needs.
type Config struct {
	Bus *bus.Bus
	// Connections are the platforms that carry out actions. What else they can do, such as [relay.Finder] and [relay.Capable],
	// is found by type assertion.
	Connections map[event.ConnectionID]relay.Sender
	// Policies are the connections' own; one without has Default, whose zero value stands for the defaults of its fields.
	Policies map[event.ConnectionID]Policy
	Default  Policy
	// Budgets are the connections' rate limits; one without has none. Whoever made them runs them.
	Budgets map[event.ConnectionID]*budget.Budget
	// Concurrency bounds the calls under way at the same time; default 64.
	Concurrency int
	// Grace is how long calls under way may go on when the deliverer stops; default 8 s.
	Grace time.Duration
	Log   *slog.Logger
	// Metrics takes the collectors; default none.
	Metrics prometheus.Registerer
}

// Policy is what happens at a connection to actions that do not simply succeed.
type Policy struct {
	// Retry bounds the attempts of an action; the defaults are those of the bus: 20 attempts or 24 hours, with 200 ms to
	// 5 minutes in between. The wait for an action that another one follows is bounded by its Age.
	Retry bus.Retry
	// Unknown is for a message of which it is not known whether it was sent; default [Resend]. It counts where the platform
	// neither recognises a repeat nor can be asked. A change of a message is always made again: that does no harm.
	Unknown UnknownPolicy
	// RootGone is for replies to a message that is gone; default [Dead].
	RootGone RootGonePolicy
	// Breaker says when a connection is left alone.
	Breaker Breaker
}

// UnknownPolicy says what becomes of a message of which it is not known whether it was sent.
type UnknownPolicy string

// The policies for unknown outcomes.
const (
	// Resend sends again. The message may be seen twice.
	Resend UnknownPolicy = "resend"
	// Park makes a dead letter of it. Whoever replays that has decided to send again. It is also the fate of what waited when
	// the process stopped, since that may have been sent too.
	Park UnknownPolicy = "park"
)

// RootGonePolicy says what becomes of a reply whose root is gone.
type RootGonePolicy string

// The policies for roots that are gone.
const (
	// Dead makes a dead letter of it.
	Dead RootGonePolicy = "dead"
	// NewRoot posts it to the conversation, and has what follows in that thread reply to this post.
	NewRoot RootGonePolicy = "new-root"
	// PostFlat posts it to the conversation, and so each that follows.
	PostFlat RootGonePolicy = "post-flat"
)

// Breaker says when a connection that fails throughout is left alone. While it is, its actions wait without using up attempts,
// and one call at a time finds out whether it works again.
type Breaker struct {
	// Failures in a row, over a time of at least Over, open it; default 10 and 2 s. A negative number never does.
	Failures int
	Over     time.Duration
	// Min and Max bound the pause before a probe, which doubles with each one that fails; default 1 s and 30 s.
	Min, Max time.Duration
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

func (p *Policy) setDefaults() {
	if p.Unknown == "" {
		p.Unknown = Resend
	}
	if p.RootGone == "" {
		p.RootGone = Dead
	}
	if p.Retry.Age == 0 {
		p.Retry.Age = 24 * time.Hour
	}
	if p.Breaker.Failures == 0 {
		p.Breaker.Failures = 10
	}
	if p.Breaker.Over == 0 {
		p.Breaker.Over = 2 * time.Second
	}
	if p.Breaker.Min == 0 {
		p.Breaker.Min = time.Second
	}
	if p.Breaker.Max == 0 {
		p.Breaker.Max = 30 * time.Second
	}
}

// Validate reports everything that is wrong with the configuration.
func (c *Config) Validate() error {
	var faults []error
	if c.Bus == nil {
		faults = append(faults, errors.New("deliver: Config.Bus is required"))
	}
	faults = append(faults, c.Default.validate("the default policy"))
	for id, p := range c.Policies {
		if _, ok := c.Connections[id]; !ok {
			faults = append(faults, fmt.Errorf("deliver: a policy for connection %q, which is not configured", id))
		}
		faults = append(faults, p.validate(fmt.Sprintf("the policy of connection %q", id)))
	}
	return errors.Join(faults...)
}

func (p Policy) validate(name string) error {
	p.setDefaults()
	var faults []error
	switch p.Unknown {
	case Resend, Park:
	default:
		faults = append(faults, fmt.Errorf("deliver: %s: %q is not what can become of an unknown outcome: resend, park", name, p.Unknown))
	}
	switch p.RootGone {
	case Dead, NewRoot, PostFlat:
	default:
		faults = append(faults, fmt.Errorf("deliver: %s: %q is not what can become of a reply whose root is gone: dead, new-root, post-flat", name, p.RootGone))
	}
	if p.Breaker.Over < 0 || p.Breaker.Min < 0 || p.Breaker.Max < p.Breaker.Min {
		faults = append(faults, fmt.Errorf("deliver: %s: the breaker's times must not be negative, nor Max less than Min", name))
	}
	return errors.Join(faults...)
}

// lines makes the configured connections.
func (c *Config) lines() map[event.ConnectionID]*line {
	lines := make(map[event.ConnectionID]*line, len(c.Connections))
	for id, sender := range c.Connections {
		policy, ok := c.Policies[id]
		if !ok {
			policy = c.Default
		}
		policy.setDefaults()
		lines[id] = newLine(id, sender, policy)
		lines[id].budget = c.Budgets[id]
	}
	return lines
}
