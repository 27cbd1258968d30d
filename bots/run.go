package bots

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
)

// lookback is how old a message may be that a bot is shown at its very first start. After later starts it goes on where it
// stopped.
const lookback = time.Hour

// Permanent marks an error that no repetition can mend: the message becomes a dead letter at once.
func Permanent(err error) error { return bus.Permanent(err) }

// After marks an error with the time of the next attempt, which is not counted against the retry budget.
func After(wait time.Duration, err error) error { return bus.After(wait, err) }

// Run runs bots on a bus until ctx ends, and then until their running handlers have ended.
func Run(ctx context.Context, b *bus.Bus, all ...*Bot) error {
	r, err := NewRunner(Config{Bus: b, Bots: all}) //nolint:contextcheck // a handler's context comes with its message
	if err != nil {
		return err
	}
	return r.Run(ctx)
}

// Config is what a Runner needs.
type Config struct {
	Bus  *bus.Bus
	Bots []*Bot
	// Retry is what happens to messages whose handler fails; the defaults are those of the bus.
	Retry bus.Retry
	// Grace is how long running handlers may go on when the runner stops; default 8 s.
	Grace time.Duration
	Log   *slog.Logger
	// Metrics takes the collectors; default none.
	Metrics prometheus.Registerer
}

// Runner runs bots. Use it instead of [Run] to learn when they are running.
type Runner struct {
	cfg    Config
	worker *bus.Worker
}

// NewRunner checks the bots and returns a runner. It returns everything that is wrong with them at once.
func NewRunner(cfg Config) (*Runner, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	worker, err := cfg.Bus.Worker(bus.WorkerConfig{Grace: cfg.Grace})
	if err != nil {
		return nil, fmt.Errorf("bots: %w", err)
	}
	r := &Runner{cfg: cfg, worker: worker}
	counts, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	world := NewWorld(cfg.Bus)
	var faults []error
	for _, b := range cfg.Bots {
		s, err := NewSession(b, world)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		sub := bus.SubscriberConfig{Group: "bot-" + b.name, Lookback: lookback, Retry: cfg.Retry}
		door := &doorman{bot: b, log: cfg.Log, skipped: counts.stale.WithLabelValues(b.name)}
		s.watch = counts.watch(b.name)
		err = worker.Transform(bus.Events, bus.Actions, sub, func(m *message.Message) ([]*message.Message, error) { return r.handle(s, door, m) })
		if err != nil {
			faults = append(faults, fmt.Errorf("bots: %s: %w", b.name, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return r, nil
}

// Running is closed once all bots take messages.
func (r *Runner) Running() <-chan struct{} { return r.worker.Running() }

// Run runs the bots until ctx ends, and then until their running handlers have ended.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.worker.Run(ctx); err != nil {
		return fmt.Errorf("bots: %w", err)
	}
	return nil
}

// handle is the way of one event through one bot.
func (r *Runner) handle(s *Session, door *doorman, in *message.Message) ([]*message.Message, error) {
	e, err := bus.ReadEvent(in)
	if err != nil {
		return nil, err
	}
	m := s.message(e)
	if !s.bot.listens(m) || door.passes(in.Context(), in, e) {
		return nil, nil
	}
	actions, err := s.handle(in.Context(), m)
	if err != nil {
		return nil, err
	}
	return letters(actions)
}
