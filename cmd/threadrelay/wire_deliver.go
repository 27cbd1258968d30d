package main

import (
	"context"
	"fmt"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/console"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// wireDeliver makes what carries out actions, with each connection's own policy.
func (p *process) wireDeliver(ctx context.Context) error {
	if err := p.wireBudgets(ctx); err != nil {
		return err
	}
	senders := offering[relay.Sender](p.platforms)
	policies := make(map[event.ConnectionID]deliver.Policy, len(senders))
	for _, c := range p.platforms {
		if _, ok := senders[c.id]; ok {
			policies[c.id] = c.deliver.Policy
		}
	}
	var err error
	p.deliverer, err = deliver.New(deliver.Config{
		Bus: p.bus, Connections: senders, Policies: policies, Budgets: p.budgets, Grace: drainTime, Log: p.log, Metrics: p.registry,
	})
	return err
}

// deliverCheck looks at the connections by which actions leave. A platform that is away is no reason to refuse webhooks: its
// actions wait on the bus.
func deliverCheck(d *deliver.Deliverer) console.Check {
	return console.Check{
		Name:   "deliver",
		Look:   func(context.Context) error { return deliverTrouble(d.Status()) },
		Detail: func() any { return d.Status() },
	}
}

// deliverTrouble returns how many connections are left alone because they fail throughout; nil if none is.
func deliverTrouble(all map[event.ConnectionID]deliver.Status) error {
	open := 0
	for _, s := range all {
		if s.Breaker != "closed" {
			open++
		}
	}
	if open == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d connections fail throughout", open, len(all))
}
