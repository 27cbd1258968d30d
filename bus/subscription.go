package bus

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
)

// subscription is one Subscribe: the partitions of a topic, and what they share.
type subscription struct {
	bus        *Bus
	stream     jetstream.Stream
	topic      string
	group      string
	retry      Retry
	grace      time.Duration
	onLost     func(error)
	closing    <-chan struct{} // closed by Subscriber.Close
	log        *slog.Logger
	metrics    *metrics
	partitions []*partition

	out      chan *message.Message
	slots    chan struct{} // one place for each handler that may run
	stop     chan struct{} // closed when nothing more is to be started
	attempts sync.WaitGroup
}

func newSubscription(s *Subscriber, topic string, stream jetstream.Stream) *subscription {
	return &subscription{
		bus: s.bus, stream: stream, topic: topic, group: s.cfg.Group,
		retry: s.cfg.Retry, grace: s.cfg.Grace, onLost: s.cfg.OnLost, closing: s.closing,
		log:     s.bus.cfg.Log.With("group", s.cfg.Group, "topic", topic),
		metrics: s.bus.metrics,
		out:     make(chan *message.Message),
		slots:   make(chan struct{}, s.cfg.Concurrency),
		stop:    make(chan struct{}),
	}
}

// run runs the partitions until ctx ends, the subscriber is closed, or one of them is lost. Handlers that run then have the
// grace time to end.
func (s *subscription) run(ctx context.Context) {
	defer close(s.out)
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()

	var readers, partitions sync.WaitGroup
	failed := make(chan error, len(s.partitions))
	for _, p := range s.partitions {
		r := &reader{sub: s, filter: partitionFilter(s.topic, p.number), next: p.record.state.Done + 1, out: make(chan *stored)}
		readers.Go(func() { r.run(hard) })
		partitions.Go(func() {
			if err := p.run(hard, r.out, s.stop); err != nil {
				failed <- err
			}
		})
	}
	var lost error
	select {
	case lost = <-failed:
	case <-ctx.Done():
	case <-s.closing:
	}
	close(s.stop)
	timer := time.AfterFunc(s.grace, cancel)
	partitions.Wait()
	timer.Stop()
	cancel()
	readers.Wait()
	s.attempts.Wait()
	s.report(lost, failed)
}

// report tells the log what ended partitions before their time, and the owner if that ended the subscription.
func (s *subscription) report(lost error, failed chan error) {
	close(failed)
	for err := range failed {
		if !errors.Is(err, context.Canceled) {
			s.log.Error("partition ended early", "error", err)
		}
	}
	if lost != nil {
		s.log.Error("subscription ended", "error", lost)
		s.onLost(lost)
	}
}
