package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/cometchat"
	"github.com/threadrelay/threadrelay/relay/deliver"
	"github.com/threadrelay/threadrelay/relay/query"
)

// connection is a configured connection to a platform. What the platform can do is found by type assertion: see offering.
type connection struct {
	id       event.ConnectionID
	platform any
	hooked   bool // webhooks are configured
	poll     polling
}

// polling is how a connection is polled; not at all without sources.
type polling struct {
	sources            []string
	interval, backfill time.Duration
}

// platforms are the configured connections.
type platforms []connection

// newPlatforms is the one list of platforms.
func newPlatforms(cfg config) (platforms, error) {
	var all platforms
	if c := cfg.CometChat; c.enabled() {
		platform, err := newCometChat(c)
		if err != nil {
			return nil, err
		}
		all = append(all, connection{
			id: platform.ID(), platform: platform, hooked: c.WebhookUsername != "",
			poll: polling{sources: c.sources(), interval: c.PollInterval, backfill: c.PollBackfill},
		})
	}
	return all, nil
}

func newCometChat(cfg cometchatConfig) (*cometchat.Connection, error) {
	ver, _ := buildVersion()
	return cometchat.New(cometchat.Config{
		ID: "cometchat", AppID: cfg.AppID, Region: cfg.Region, APIKey: cfg.APIKey.Reveal(), BaseURL: cfg.BaseURL, BotUID: cfg.BotUID,
		WebhookUsername: cfg.WebhookUsername, WebhookPassword: cfg.WebhookPassword.Reveal(), UserAgent: "threadrelay/" + ver,
		Sources: cfg.sources(),
	})
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
		p.deliverer, err = deliver.New(deliver.Config{
			Bus: p.bus, Connections: offering[relay.Sender](p.platforms), Grace: drainTime, Log: p.log, Metrics: p.registry,
		})
		if err != nil {
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
