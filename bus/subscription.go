package bus

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// subscription is one Subscribe, and what its partitions share.
type subscription struct {
	bus    *Bus
	stream jetstream.Stream
	topic  string
	group  string
	retry  Retry
	// retryFor and dying are those of the configuration.
	retryFor func(lane string) Retry
	dying    func(*message.Message, error) error
	grace    time.Duration
	closing  <-chan struct{} // closed by Subscriber.Close
	log      *slog.Logger
	metrics  *metrics
	running  prometheus.Gauge    // of metrics, for this group
	seconds  prometheus.Observer // the same
	active   prometheus.Gauge    // lanes
	done     prometheus.Counter  // messages handled

	out     chan *message.Message
	stop    chan struct{} // closed when nothing more is to be started
	workers workers
	caution *caution
	buffer  buffer
	intake  *intake
}

func newSubscription(s *Subscriber, topic string, stream jetstream.Stream) *subscription {
	sub := &subscription{
		bus: s.bus, stream: stream, topic: topic, group: s.cfg.Group,
		retry: s.cfg.Retry, retryFor: s.cfg.RetryFor, dying: s.cfg.Dying, grace: s.cfg.Grace, closing: s.closing,
		log:     s.bus.cfg.Log.With("group", s.cfg.Group, "topic", topic),
		metrics: s.bus.metrics,
		running: s.bus.metrics.running.WithLabelValues(s.cfg.Group),
		seconds: s.bus.metrics.seconds.WithLabelValues(s.cfg.Group),
		active:  s.bus.metrics.lanes.WithLabelValues(s.cfg.Group),
		done:    s.bus.metrics.handled.WithLabelValues(s.cfg.Group, "done"),
		out:     make(chan *message.Message),
		stop:    make(chan struct{}),
	}
	sub.workers = workers{limit: s.cfg.Concurrency, serve: sub.serve}
	sub.caution = newCaution(s.cfg.Concurrency)
	sub.intake = newIntake(sub)
	return sub
}

// run holds partitions until ctx ends or the subscriber is closed. Handlers that run then have the grace time to end.
func (s *subscription) run(ctx context.Context, c *coordinator) {
	defer close(s.out)
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer c.members.leave()
	var working, reading sync.WaitGroup
	working.Go(func() { c.run(hard, s.stop) })
	reading.Go(func() { s.intake.run(hard) })
	select {
	case <-ctx.Done():
	case <-s.closing:
	}
	close(s.stop)
	timer := time.AfterFunc(s.grace, cancel)
	working.Wait()
	timer.Stop()
	cancel()
	reading.Wait()
	s.workers.wait()
}

// warn writes a warning about something that an outage may cause. During one it is detail: the loss of the connection has
// been told, and a line for each partition and thread would bury it.
func (s *subscription) warn(text string, args ...any) {
	if s.bus.cfg.Conn.IsConnected() {
		s.log.Warn(text, args...) //nolint:sloglint // the caller's text is constant
		return
	}
	s.log.Debug(text, args...) //nolint:sloglint // as above
}
