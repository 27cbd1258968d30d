package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/cometchat"
	"github.com/threadrelay/threadrelay/relay/deliver"
	"github.com/threadrelay/threadrelay/relay/query"
)

// platforms are the configured connections, by what they can do.
type platforms struct {
	receivers map[event.ConnectionID]relay.Receiver
	senders   map[event.ConnectionID]relay.Sender
	members   map[event.ConnectionID]relay.Members
}

// newPlatforms is the one list of platforms.
func newPlatforms(cfg config) (platforms, error) {
	p := platforms{
		receivers: make(map[event.ConnectionID]relay.Receiver),
		senders:   make(map[event.ConnectionID]relay.Sender),
		members:   make(map[event.ConnectionID]relay.Members),
	}
	if cfg.CometChat.enabled() {
		c, err := newCometChat(cfg.CometChat)
		if err != nil {
			return platforms{}, err
		}
		p.receivers[c.ID()], p.senders[c.ID()], p.members[c.ID()] = c, c, c
	}
	return p, nil
}

func newCometChat(cfg cometchatConfig) (*cometchat.Connection, error) {
	ver, _ := buildVersion()
	return cometchat.New(cometchat.Config{
		ID: "cometchat", AppID: cfg.AppID, Region: cfg.Region, APIKey: cfg.APIKey.Reveal(), BaseURL: cfg.BaseURL, BotUID: cfg.BotUID,
		WebhookUsername: cfg.WebhookUsername, WebhookPassword: cfg.WebhookPassword.Reveal(), UserAgent: "threadrelay/" + ver,
	})
}

// wire makes the parts of the configured roles.
func (p *process) wire(context.Context) error {
	var err error
	if p.platforms, err = newPlatforms(p.cfg); err != nil {
		return &usageError{err}
	}
	if p.plays("deliver") {
		p.deliverer, err = deliver.New(deliver.Config{
			Bus: p.bus, Connections: p.platforms.senders, Grace: drainTime, Log: p.log, Metrics: p.registry,
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
		p.runner, err = bots.NewRunner(bots.Config{Bus: p.bus, Bots: all, Grace: drainTime, Log: p.log}) //nolint:contextcheck // a handler's context comes with its message
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
	desk := query.New(query.Config{Bus: p.bus, Connections: p.platforms.members, Version: "1.0.0"})
	stop, err = desk.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return stop, nil
}
