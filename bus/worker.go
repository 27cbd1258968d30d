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
	bus     *Bus
	grace   time.Duration
	router  *message.Router
	running chan struct{}
	failed  chan error // has the first error of a Subscribe
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
	return &Worker{bus: b, grace: cfg.Grace, router: router, running: make(chan struct{}), failed: make(chan error, 1)}, nil
}

// Consume has h handle the topic's messages.
func (w *Worker) Consume(topic string, cfg SubscriberConfig, h message.NoPublishHandlerFunc) error {
	sub, err := w.subscriber(cfg)
	if err != nil {
		return err
	}
	w.router.AddConsumerHandler(cfg.Group, topic, starter{sub, w}, h)
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

// starter keeps errors of Subscribe from the router. It would count a handler that was never started as one that runs, for
// which its Close waits in vain, and for ever in the background.
type starter struct {
	*Subscriber
	worker *Worker
}

// Subscribe returns a closed channel if it fails, so that the handler ends at once, and leaves the error to [Worker.Run].
// Once one has failed, no other is tried.
func (s starter) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	none := make(chan *message.Message)
	close(none)
	if len(s.worker.failed) > 0 {
		return none, nil
	}
	out, err := s.Subscriber.Subscribe(ctx, topic)
	if err != nil {
		s.worker.failed <- err // has room: the router starts handlers one after the other
		return none, nil       //nolint:nilerr // see above
	}
	return out, nil
}

// Running is closed once all handlers take messages. It stays open if one cannot be started, and Run ends.
func (w *Worker) Running() <-chan struct{} { return w.running }

// Run runs the handlers until ctx ends, and then until those under way have ended. It returns an error if a handler cannot be
// started, if it stops by itself, or if handlers were still running after the grace time.
func (w *Worker) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- w.router.Run(context.WithoutCancel(ctx)) }()
	started := w.router.Running()
	for {
		select {
		case <-started:
			started = nil
			if len(w.failed) > 0 {
				return errors.Join(<-w.failed, w.router.Close(), <-ended)
			}
			close(w.running)
		case <-ctx.Done():
			if started != nil { // Close would wait in vain for handlers that were never started
				select {
				case <-started:
				case err := <-ended:
					return errors.Join(err, w.router.Close())
				}
			}
			return errors.Join(w.router.Close(), <-ended)
		case err := <-ended:
			if len(w.failed) > 0 {
				err = errors.Join(<-w.failed, err)
			}
			return errors.Join(err, w.router.Close())
		}
	}
}
