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

// Worker runs handlers on a Watermill router with the middleware of the house, until it is told to stop.
type Worker struct {
	bus    *Bus
	grace  time.Duration
	router *message.Router
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
	return &Worker{bus: b, grace: cfg.Grace, router: router}, nil
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
// handled. What cannot be published because of its size is an error of h that no repeat mends.
func (w *Worker) Transform(from, to string, cfg SubscriberConfig, h message.HandlerFunc) error {
	publisher := w.bus.Publisher()
	return w.Consume(from, cfg, func(m *message.Message) error { // not the router's own publishing, whose errors have no verdict
		out, err := h(m)
		if err != nil || len(out) == 0 {
			return err
		}
		_, err = publisher.Store(m.Context(), to, out...)
		if errors.Is(err, ErrTooLarge) {
			return Permanent(err)
		}
		return err
	})
}

func (w *Worker) subscriber(cfg SubscriberConfig) (*Subscriber, error) {
	if _, twice := w.router.Handlers()[cfg.Group]; twice {
		return nil, fmt.Errorf("bus: worker: two handlers of the group %q", cfg.Group)
	}
	cfg.Grace = w.grace
	return w.bus.Subscriber(cfg)
}

// Running is closed once all handlers take messages.
func (w *Worker) Running() <-chan struct{} { return w.router.Running() }

// Run runs the handlers until ctx ends, and then until those under way have ended. It returns an error if it stops by
// itself or if handlers were still running after the grace time.
func (w *Worker) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- w.router.Run(context.WithoutCancel(ctx)) }()
	select {
	case <-ctx.Done():
	case err := <-ended:
		return errors.Join(err, w.router.Close())
	}
	return errors.Join(w.router.Close(), <-ended)
}
