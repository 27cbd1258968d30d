package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
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
	// LeaseTTL is how long a process may be unheard before others take over what it held; default 10 s.
	LeaseTTL time.Duration
	// MaxStore is how many bytes the streams and buckets may take on each server that keeps them, at least [MinStore]. One
	// whose share is used up refuses what is new with [ErrFull] and deletes nothing. Default 0: what the NATS account allows,
	// less what others of it take, for those that have no limit yet; where the account has no limit, none, and then nothing
	// keeps room for work to be finished when events fill the server.
	MaxStore int64
	// Exclusive says that no other process can reach this server, as with the embedded one: what a process that ran before
	// held is taken over at once.
	Exclusive bool
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
	if c.LeaseTTL == 0 {
		c.LeaseTTL = 10 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// Bus is the streams of one NATS server or cluster.
type Bus struct {
	cfg      Config
	js       jetstream.JetStream
	topics   topics
	progress jetstream.KeyValue
	room     *room
	pipeline *pipeline
	metrics  *metrics
	boot     string // names this bus among all that ever use these streams
}

// Open creates the streams and buckets, or checks those that are there and updates what differs; it destroys nothing. It
// fails with everything that cannot be made to fit, and says what to do about it. Then it has changed nothing, unless the
// server itself refused a change.
func Open(ctx context.Context, cfg Config) (*Bus, error) {
	cfg.setDefaults()
	if cfg.Conn == nil {
		return nil, errors.New("bus: Config.Conn is required")
	}
	if err := checkStore(cfg); err != nil {
		return nil, err
	}
	b := &Bus{cfg: cfg, boot: nuid.Next(), room: &room{}}
	js, err := jetstream.New(cfg.Conn)
	if err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	b.js = js
	if b.metrics, err = newMetrics(cfg.Metrics); err != nil {
		return nil, fmt.Errorf("bus: %w", err)
	}
	if err = b.ensure(ctx); err != nil {
		return nil, err
	}
	if b.pipeline, err = openPipeline(cfg.Conn, b.room); err != nil {
		return nil, err
	}
	return b, nil
}

// newOwner returns a name for a subscription that holds partitions.
func (b *Bus) newOwner() string { return b.boot + "-" + nuid.Next() }

// isOwn reports whether an owner is a subscription of this bus.
func (b *Bus) isOwn(owner string) bool { return strings.HasPrefix(owner, b.boot+"-") }
