package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay/console"
)

// worker is a part that takes messages from the bus, or events from a platform.
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
		Checks: p.checks(), Metrics: p.registry, Token: p.cfg.Relay.AdminToken.Reveal(), Log: p.log,
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

// workers are the parts that run beside the listeners, last in the walk first.
func (p *process) workers() []worker {
	var out []worker
	if p.deliverer != nil {
		out = append(out, &limits{all: p.budgets, running: make(chan struct{})}, p.deliverer)
	}
	if p.runner != nil {
		out = append(out, p.runner)
	}
	if p.completion != nil {
		out = append(out, p.completion)
	}
	for _, c := range p.platforms {
		if poll := p.polls[c.id]; poll != nil {
			out = append(out, poll)
		}
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
	hooks, err := p.hooks()
	if err != nil {
		return nil, err
	}
	mux.Handle("POST /hooks/{connection}", hooks)
	return mux, nil
}
