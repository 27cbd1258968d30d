package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// WorkerConfig is what a Worker needs.
type WorkerConfig struct {
	// Grace is how long running handlers may go on when the worker stops; default 8 s.
	Grace time.Duration
}

// Worker runs handlers on a Watermill router with the middleware of the house, until it is told to stop or loses its work to
// another process.
type Worker struct {
	bus    *Bus
	grace  time.Duration
	router *message.Router
	lost   chan error
}

// Worker returns a worker without handlers.
func (b *Bus) Worker(cfg WorkerConfig) (*Worker, error) {
	if cfg.Grace == 0 {
		cfg.Grace = 8 * time.Second
	}
	router, err := b.Router(cfg.Grace + time.Second)
	if err != nil {
		return nil, fmt.Errorf("bus: worker: %w", err)
	}
	return &Worker{bus: b, grace: cfg.Grace, router: router, lost: make(chan error, 1)}, nil
}

// Consume has h handle the topic's messages.
func (w *Worker) Consume(topic string, cfg SubscriberConfig, h message.NoPublishHandlerFunc) error {
	sub, err := w.subscriber(cfg)
	if err != nil {
		return err
	}
	w.router.AddConsumerHandler(cfg.Group, topic, sub, h)
	return nil
}

// Transform has h handle the messages of one topic, and publishes what it returns to another before the message counts as
// handled.
func (w *Worker) Transform(from, to string, cfg SubscriberConfig, h message.HandlerFunc) error {
	sub, err := w.subscriber(cfg)
	if err != nil {
		return err
	}
	w.router.AddHandler(cfg.Group, from, sub, to, w.bus.Publisher(), h)
	return nil
}

func (w *Worker) subscriber(cfg SubscriberConfig) (*Subscriber, error) {
	if _, twice := w.router.Handlers()[cfg.Group]; twice {
		return nil, fmt.Errorf("bus: worker: two handlers of the group %q", cfg.Group)
	}
	cfg.Grace = w.grace
	cfg.OnLost = func(err error) {
		select {
		case w.lost <- err:
		default: // the first one tells enough
		}
	}
	return w.bus.Subscriber(cfg)
}

// Running is closed once all handlers take messages.
func (w *Worker) Running() <-chan struct{} { return w.router.Running() }

// Run runs the handlers until ctx ends, and then until those under way have ended. It returns an error if it stops by
// itself, or if handlers were still running after the grace time.
func (w *Worker) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- w.router.Run(context.WithoutCancel(ctx)) }()
	var lost error
	select {
	case <-ctx.Done():
	case lost = <-w.lost:
	case err := <-ended:
		return errors.Join(err, w.router.Close())
	}
	return errors.Join(lost, w.router.Close(), <-ended)
}
