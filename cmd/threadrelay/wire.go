package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/query"
)

// connection is a configured connection to a platform. What the platform can do is found by type assertion: see offering.
type connection struct {
	id       event.ConnectionID
	platform any
	hooked   bool // webhooks are configured
	realtime bool // listened to besides polling
	poll     polling
	deliver  delivery
	meter    *meter // nil if the platform tells nothing of rate limits
}

// polling is how a connection is polled; not at all without sources.
type polling struct {
	sources            []string
	interval, backfill time.Duration
}

// platforms are the configured connections.
type platforms []connection

// setups are what all connections are made from: those of the environment, and then those of the file.
func (c *config) setups() []fileConnection {
	var all []fileConnection
	if c.CometChat.enabled() {
		all = append(all, fileConnection{ID: cometchatID, Setup: c.CometChat.setup(), Deliver: c.CometChat.delivery()})
	}
	if c.RocketChat.enabled() {
		all = append(all, fileConnection{ID: rocketchatID, Setup: c.RocketChat.setup()})
	}
	return append(all, c.Routing.Connections...)
}

// newPlatforms makes the connections.
func newPlatforms(cfg config) (platforms, error) {
	var all platforms
	for _, s := range cfg.setups() {
		c, err := s.Setup.open()
		if err != nil {
			return nil, fmt.Errorf("connection %q: %w", s.ID, err)
		}
		c.deliver = s.Deliver
		all = append(all, c)
	}
	return all, nil
}

// offering returns the platforms that can do what T says.
func offering[T any](all platforms) map[event.ConnectionID]T {
	out := make(map[event.ConnectionID]T)
	for _, c := range all {
		if able, ok := c.platform.(T); ok {
			out[c.id] = able
		}
	}
	return out
}

// wire makes the parts of the configured roles.
func (p *process) wire(ctx context.Context) error {
	var err error
	if p.platforms, err = newPlatforms(p.cfg); err != nil {
		return &usageError{err}
	}
	if p.plays("ingest") {
		if err := p.wireIngest(); err != nil {
			return err
		}
	}
	if p.plays("deliver") {
		if err := p.wireDeliver(ctx); err != nil {
			return err
		}
	}
	all, err := bundled(p.cfg.Relay.Bots)
	if err != nil {
		return &usageError{err}
	}
	if p.plays("bots") && len(all) > 0 {
		p.runner, err = bots.NewRunner(bots.Config{Bus: p.bus, Bots: all, Grace: drainTime, Log: p.log, Metrics: p.registry}) //nolint:contextcheck // a handler's context comes with its message
	}
	return err
}

// plays reports whether this process has a role.
func (p *process) plays(role string) bool { return slices.Contains(p.cfg.Relay.Roles, role) }

// openDesk answers bots' questions, wherever the credentials are.
func (p *process) openDesk(ctx context.Context) (stop func() error, err error) {
	if !p.plays("deliver") && !p.plays("ingest") {
		return func() error { return nil }, nil
	}
	desk := query.New(query.Config{
		Bus: p.bus, Members: offering[relay.Members](p.platforms), Readers: offering[relay.Reader](p.platforms), Version: "1.0.0",
	})
	stop, err = desk.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return stop, nil
}
