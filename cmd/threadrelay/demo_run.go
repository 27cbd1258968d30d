package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// demonstration is one run of the demo.
type demonstration struct {
	inv    invocation
	stage  *stage
	rocket *rocketStage
	once   bool
}

// run starts platforms and relay, plays the script, and waits for Ctrl-C unless it is to run once.
func (d *demonstration) run(ctx context.Context, dir string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var parts sync.WaitGroup
	defer parts.Wait()
	defer serveStage(&parts, d.stage.listener, d.stage.handler())()
	defer serveStage(&parts, d.rocket.listener, d.rocket.handler())()
	defer d.rocket.chat.Close()
	defer d.stage.chat.Close() // first, so that its live pages end

	ready := make(chan addresses, 1)
	relayEnded := make(chan error, 1)
	cfg := d.stage.config(dir)
	cfg.RocketChat = d.rocket.config()
	go func() {
		relayEnded <- serveConfig(ctx, cfg, newLogger(cfg.Log, d.inv.stderr, d.inv.terminal), func(a addresses) { ready <- a })
	}()
	select {
	case err := <-relayEnded:
		return err
	case at := <-ready:
		err := d.play(ctx, at)
		cancel()
		return errors.Join(err, <-relayEnded)
	}
}

// serveStage serves a platform until the returned function is called.
func serveStage(parts *sync.WaitGroup, listener net.Listener, handler http.Handler) (stop func()) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	parts.Go(func() { _ = server.Serve(listener) })
	return func() { _ = server.Close() } // open live pages are cut, as they never end by themselves
}

// play runs the script and, unless the demo is to run once, stays until ctx ends.
func (d *demonstration) play(ctx context.Context, at addresses) error {
	if err := errors.Join(d.stage.connect(at.public), d.rocket.connect(at.public)); err != nil {
		return err
	}
	fmt.Fprintf(d.inv.stdout, "threadrelay demo: a simulated CometChat at %s, a simulated Rocket.Chat at %s, the relay at http://%s\n\n",
		d.stage.url(), d.rocket.url(), at.public)
	err := d.converse(ctx)
	switch {
	case ctx.Err() != nil:
		return nil //nolint:nilerr // Ctrl-C before the end is no failure
	case err != nil:
		return fmt.Errorf("demo: %w", err)
	}
	fmt.Fprintf(d.inv.stdout, "\nEvery answer came, each in its thread and each once.\n")
	if d.once {
		return nil
	}
	fmt.Fprintf(d.inv.stdout, "Now you:\n  CometChat   %s/?as=ana\n  Rocket.Chat %s/?as=ana\n  readiness   http://%s/readyz\n  metrics     http://%s/metrics\n",
		d.stage.url(), d.rocket.url(), at.admin, at.admin)
	fmt.Fprintf(d.inv.stdout, "Begin a message with [drop], and its webhook never comes; with [500], and the answer fails at first.\nCtrl-C ends it.\n\n")
	<-ctx.Done()
	return nil
}

// converse plays the scripts, one platform after the other.
func (d *demonstration) converse(ctx context.Context) error {
	comet := &script{chat: d.stage.chat, out: d.inv.stdout, shown: d.print(ctx)}
	if err := comet.play(ctx); err != nil {
		return err
	}
	rocket := &rocketScript{chat: d.rocket.chat, out: d.inv.stdout, shown: d.printRocket(ctx)}
	return rocket.play(ctx)
}

// printRocket is print for Rocket.Chat, and tells the texts.
func (d *demonstration) printRocket(ctx context.Context) <-chan string {
	shown := make(chan string, 64)
	messages := d.rocket.chat.Watch(ctx)
	go func() {
		for m := range messages {
			if m.Type != "" {
				continue
			}
			fmt.Fprintln(d.inv.stdout, rocketLine(d.rocket.chat, m))
			select {
			case shown <- m.Text:
			default: // the script is over
			}
		}
	}()
	return shown
}

// print shows every message as it appears on the platform, until ctx ends, and then tells its id on the returned channel,
// which nobody has to read.
func (d *demonstration) print(ctx context.Context) <-chan string {
	shown := make(chan string, 64)
	messages := d.stage.chat.Watch(ctx)
	go func() {
		for m := range messages {
			fmt.Fprintln(d.inv.stdout, line(m))
			select {
			case shown <- m.ID:
			default: // the script is over
			}
		}
	}()
	return shown
}

// line is a message as the demo prints it.
func line(m sim.Message) string {
	where := m.Receiver
	if m.ReceiverType == "group" {
		where = "#" + m.Receiver
	}
	if m.ParentID != "" {
		return fmt.Sprintf("    ↳ %-6s in thread %-3s %s", m.Sender, m.ParentID, m.Text)
	}
	return fmt.Sprintf("%3s  %s → %s: %s", m.ID, m.Sender, where, m.Text)
}
