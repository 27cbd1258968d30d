package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/budget"
)

// meter hands on what a platform tells of its rate limits, once there is somebody to tell it to: connections are made before
// the bus on which they share what they learn.
type meter struct{ to atomic.Pointer[budget.Budget] }

// observe is the platform's relay.Meter.
func (m *meter) observe(r relay.Reading) {
	if b := m.to.Load(); b != nil {
		b.Observe(r)
	}
}

// wireBudgets makes the rate limits of the connections by which actions leave.
func (p *process) wireBudgets(ctx context.Context) error {
	state, err := p.bus.State(ctx, bus.Cursors)
	if err != nil {
		return fmt.Errorf("rate limits: %w", err)
	}
	able := offering[relay.Capable](p.platforms)
	p.budgets = make(map[event.ConnectionID]*budget.Budget)
	for _, c := range p.platforms {
		if c.meter == nil {
			continue
		}
		cfg := budget.Config{Connection: c.id, State: state, Log: p.log, Metrics: p.registry}
		if platform := able[c.id]; platform != nil {
			cfg.Documented = platform.Capabilities().Budgets
		}
		if limit := c.deliver.Limit; limit.N > 0 {
			cfg.Configured = []event.Budget{{Scope: budget.Sender, N: limit.N, Per: limit.Per}}
		}
		if p.budgets[c.id], err = budget.New(cfg); err != nil {
			return &usageError{fmt.Errorf("connection %s: %w", c.id, err)}
		}
		c.meter.to.Store(p.budgets[c.id])
	}
	return nil
}

// limits runs the budgets as one worker, which runs as long as actions may leave.
type limits struct {
	all     map[event.ConnectionID]*budget.Budget
	running chan struct{}
}

// Running is closed once all budgets know what was learned before.
func (l *limits) Running() <-chan struct{} { return l.running }

// Run runs the budgets until ctx ends.
func (l *limits) Run(ctx context.Context) error {
	ended := make(chan error, len(l.all))
	for _, b := range l.all {
		go func() { ended <- b.Run(ctx) }()
	}
	for _, b := range l.all {
		select {
		case <-b.Running():
		case <-ctx.Done():
		}
	}
	close(l.running)
	var errs []error
	for range l.all {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}
