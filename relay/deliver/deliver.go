// Package deliver brings actions out: it takes them from the bus and has the platform carry them out, again and again where
// that may help, and as a dead letter in the end where it does not.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Group is the consumer group under which actions are taken.
const Group = "deliver"

// Config is what a Deliverer needs.
type Config struct {
	Bus *bus.Bus
	// Connections are the platforms that carry out actions.
	Connections map[event.ConnectionID]relay.Sender
	// Concurrency bounds the calls under way at the same time; default 64.
	Concurrency int
	// Retry is what happens to actions that fail; the defaults are those of the bus.
	Retry bus.Retry
	// Grace is how long calls under way may go on when the deliverer stops; default 8 s.
	Grace time.Duration
	Log   *slog.Logger
	// Metrics takes the collectors; default none.
	Metrics prometheus.Registerer
}

// Deliverer carries out actions.
type Deliverer struct {
	cfg    Config
	worker *bus.Worker
	sends  *prometheus.CounterVec
}

// New returns a deliverer that has yet to run.
func New(cfg Config) (*Deliverer, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Deliverer{cfg: cfg, sends: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "threadrelay_sends_total", Help: "Actions handed to a platform, by connection, type and outcome.",
	}, []string{"connection", "type", "outcome"})}
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(d.sends); err != nil {
			return nil, fmt.Errorf("deliver: metrics: %w", err)
		}
	}
	var err error
	if d.worker, err = cfg.Bus.Worker(bus.WorkerConfig{Grace: cfg.Grace}); err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	sub := bus.SubscriberConfig{Group: Group, Concurrency: cfg.Concurrency, Retry: cfg.Retry}
	if err := d.worker.Consume(bus.Actions, sub, d.deliver); err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	return d, nil
}

// Run delivers until ctx ends and the calls that were under way then are finished. It returns an error if it ends before.
func (d *Deliverer) Run(ctx context.Context) error {
	if err := d.worker.Run(ctx); err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	return nil
}

// Running is closed once the deliverer takes actions.
func (d *Deliverer) Running() <-chan struct{} { return d.worker.Running() }

// deliver is the way of one action.
func (d *Deliverer) deliver(m *message.Message) error {
	action, err := bus.ReadAction(m)
	if err != nil {
		return err
	}
	sender, err := d.route(action)
	if err != nil {
		return err
	}
	receipt, err := sender.Send(m.Context(), action)
	d.note(action, receipt, err)
	return verdict(err)
}

// route finds the platform that an action is for.
func (d *Deliverer) route(a event.Action) (relay.Sender, error) {
	sender, ok := d.cfg.Connections[a.Thread.Connection]
	if !ok {
		return nil, bus.Permanent(fmt.Errorf("deliver: action %s is for connection %q, which is not configured", a.ID, a.Thread.Connection))
	}
	return sender, nil
}

// note writes one line and one count for each call.
func (d *Deliverer) note(a event.Action, r event.Receipt, err error) {
	outcome := "sent"
	var failure *relay.Failure
	if errors.As(err, &failure) {
		outcome = failure.Kind.String()
	} else if err != nil {
		outcome = "failed"
	}
	d.sends.WithLabelValues(string(a.Thread.Connection), string(a.Type), outcome).Inc()
	d.cfg.Log.Info("action", "action", a.ID, "type", a.Type, "thread", a.Thread, "bot", a.Bot, "outcome", outcome, "message", r.Message)
}
