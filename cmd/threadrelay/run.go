package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/console"
	"github.com/threadrelay/threadrelay/relay/ingest"
)

// worker is a part that takes messages from the bus.
type worker interface {
	Run(ctx context.Context) error
	Running() <-chan struct{}
}

// run starts the parts from the back of the walk to its front, so that nothing is accepted before it can go on, and stops
// them when ctx ends or one of them fails. It returns when all have ended.
func (p *process) run(ctx context.Context, ready func(addresses)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 8)
	var parts sync.WaitGroup
	spawn := func(f func() error) {
		parts.Go(func() {
			if err := f(); err != nil {
				failed <- err
				cancel()
			}
		})
	}
	err := p.open(ctx, spawn, ready)
	if err != nil {
		cancel()
	}
	<-ctx.Done()
	parts.Wait()
	close(failed)
	errs := []error{err}
	for e := range failed {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// open starts everything in order.
func (p *process) open(ctx context.Context, spawn func(func() error), ready func(addresses)) error {
	closeDesk, err := p.openDesk(context.WithoutCancel(ctx)) // bots that drain still ask
	if err != nil {
		return err
	}
	p.closers = append(p.closers, closeDesk)
	for _, w := range p.workers() {
		spawn(func() error { return w.Run(ctx) })
		select {
		case <-w.Running():
		case <-ctx.Done():
			return nil
		}
	}
	admin := console.New(console.Config{
		Checks:  []console.Check{{Name: "bus", Look: p.bus.Ready, Vital: true}},
		Metrics: p.registry, Token: p.cfg.Relay.AdminToken.Reveal(), Log: p.log,
		Dead: &console.Dead{Bus: p.bus, Replay: bus.ReplayConfig{Reingest: p.reingest}},
	})
	public, err := p.publicHandler()
	if err != nil {
		return err
	}
	spawn(func() error { return serveHTTP(ctx, p.admin, admin.Handler(), func() { admin.Drain() }) })
	spawn(func() error { return serveHTTP(ctx, p.public, public, func() { p.log.Info("draining") }) })
	at := addresses{public: p.public.Addr().String(), admin: p.admin.Addr().String()}
	p.log.Info("ready", "listen", at.public, "admin", at.admin, "after", time.Since(p.start).Round(time.Millisecond).String())
	ready(at)
	return nil
}

// reingest takes in a webhook call that was kept because it could not be decoded.
func (p *process) reingest(ctx context.Context, connection string, body []byte) error {
	receiver, ok := p.platforms.receivers[event.ConnectionID(connection)]
	if !ok {
		return fmt.Errorf("connection %q is not configured, or takes no webhooks", connection)
	}
	return ingest.Reingest(ctx, p.bus.Publisher(), receiver, body)
}

// workers are the parts that take messages, last in the walk first.
func (p *process) workers() []worker {
	var out []worker
	if p.deliverer != nil {
		out = append(out, p.deliverer)
	}
	if p.runner != nil {
		out = append(out, p.runner)
	}
	return out
}

// publicHandler serves the hooks, and nothing else but /livez.
func (p *process) publicHandler() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", console.Alive)
	if !p.plays("ingest") {
		return mux, nil
	}
	hooks, err := ingest.NewWebhook(ingest.WebhookConfig{
		Bus: p.bus, Connections: p.platforms.receivers, Log: p.log, Metrics: p.registry,
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("POST /hooks/{connection}", hooks)
	return mux, nil
}
