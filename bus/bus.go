package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a Bus needs.
type Config struct {
	// Conn is required. It stays the caller's, who closes it after everything that uses the bus has stopped.
	Conn *nats.Conn
	// Replicas of streams and buckets; default 1.
	Replicas int
	// DedupWindow is how long the streams remember message ids; default 10 minutes.
	DedupWindow time.Duration
	// Retention is how long messages are kept; default 168 hours.
	Retention time.Duration
	// Partitions is the number of parts that a topic is split into by a hash of the thread; default 16. It is fixed when the
	// streams are made.
	Partitions int
	// Log takes what happens in the background; default discards.
	Log *slog.Logger
	// Metrics takes the bus's collectors; default none.
	Metrics prometheus.Registerer
}

func (c *Config) setDefaults() {
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.DedupWindow == 0 {
		c.DedupWindow = 10 * time.Minute
	}
	if c.Retention == 0 {
		c.Retention = 168 * time.Hour
	}
	if c.Partitions == 0 {
		c.Partitions = 16
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// Bus is the streams of one NATS server or cluster.
type Bus struct {
	cfg      Config
	js       jetstream.JetStream
	streams  map[string]jetstream.Stream
	progress jetstream.KeyValue
	pending  chan struct{} // one place for each message that waits for its acknowledgement
	metrics  *metrics
}

// maxPending bounds the messages that wait for an acknowledgement; further Publish calls wait for a place.
const maxPending = 4096

// Open creates the streams and buckets, or checks and updates those that are there; it destroys nothing. It fails if what
// is there cannot be made to fit, and says why.
func Open(ctx context.Context, cfg Config) (*Bus, error) {
	cfg.setDefaults()
	if cfg.Conn == nil {
		return nil, errors.New("bus: Config.Conn is required")
	}
	b := &Bus{cfg: cfg, pending: make(chan struct{}, maxPending)}
	js, err := jetstream.New(cfg.Conn,
		jetstream.WithPublishAsyncMaxPending(2*maxPending), // never reached: b.pending makes callers wait before that
		jetstream.WithPublishAsyncTimeout(30*time.Second),
		jetstream.WithPublishAsyncAckHandler(func(jetstream.JetStream, *nats.Msg, *jetstream.PubAck) { <-b.pending }),
		jetstream.WithPublishAsyncErrHandler(func(jetstream.JetStream, *nats.Msg, error) { <-b.pending }))
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	b.js = js
	if b.metrics, err = newMetrics(cfg.Metrics); err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	if b.streams, err = ensureStreams(ctx, js, cfg); err != nil {
		return nil, err
	}
	if b.progress, err = ensureProgress(ctx, js, cfg); err != nil {
		return nil, err
	}
	return b, nil
}

// Ready returns nil if messages can be stored at this moment, and otherwise why not.
func (b *Bus) Ready(ctx context.Context) error {
	if !b.cfg.Conn.IsConnected() {
		return fmt.Errorf("bus: %w: connection is %s", ErrNotConnected, b.cfg.Conn.Status())
	}
	if _, err := b.js.Stream(ctx, EventsStream); err != nil {
		return fmt.Errorf("bus: stream %s: %w", EventsStream, err)
	}
	return nil
}
