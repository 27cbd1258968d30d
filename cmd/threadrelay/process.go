package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/bus/natsd"
	"github.com/threadrelay/threadrelay/relay/budget"
	"github.com/threadrelay/threadrelay/relay/deliver"
	"github.com/threadrelay/threadrelay/relay/ingest"
)

// drainTime is how long what runs may go on after a stop. With the rest of the way down it stays under 10 s.
const drainTime = 8 * time.Second

// addresses are where a process can be reached, as host:port.
type addresses struct{ public, admin string }

// process is everything that serve runs, built and not yet running. What it holds is closed in the reverse order.
type process struct {
	cfg   config
	log   *slog.Logger
	start time.Time

	public, admin net.Listener
	registry      *prometheus.Registry
	bus           *bus.Bus
	platforms     platforms
	completion    *ingest.Completion                    // nil without the role ingest
	polls         map[event.ConnectionID]*ingest.Poll   // of connections that are polled; empty without the role ingest
	budgets       map[event.ConnectionID]*budget.Budget // empty without the role deliver
	deliverer     *deliver.Deliverer                    // nil without the role deliver
	runner        *bots.Runner                          // nil without the role bots, or without bots
	closers       []func() error
}

// newProcess takes the ports, starts or dials NATS and wires the parts. When it fails, everything is closed again.
func newProcess(ctx context.Context, cfg config, log *slog.Logger) (*process, error) {
	p := &process{cfg: cfg, log: log, start: time.Now(), registry: prometheus.NewRegistry()}
	p.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []func(context.Context) error{p.listen, p.connect, p.wire} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	return p, nil
}

// close closes what newProcess opened.
func (p *process) close() error {
	var errs []error
	for _, c := range slices.Backward(p.closers) {
		errs = append(errs, c())
	}
	p.closers = nil
	return errors.Join(errs...)
}

// listen takes the ports before anything is created, so that a port in use leaves nothing behind.
func (p *process) listen(ctx context.Context) error {
	var lc net.ListenConfig
	var err error
	if p.public, err = lc.Listen(ctx, "tcp", p.cfg.Relay.Listen); err != nil {
		return fmt.Errorf("THREADRELAY_LISTEN: %w", err)
	}
	p.closers = append(p.closers, closeListener(p.public))
	if p.admin, err = lc.Listen(ctx, "tcp", p.cfg.Relay.AdminListen); err != nil {
		return fmt.Errorf("THREADRELAY_ADMIN_LISTEN: %w", err)
	}
	p.closers = append(p.closers, closeListener(p.admin))
	return nil
}

// closeListener closes a listener that its server may have closed before.
func closeListener(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// connect opens the bus, on the embedded server or on the one that is configured.
func (p *process) connect(ctx context.Context) error {
	nc, maxStore, err := p.dial()
	if err != nil {
		return err
	}
	p.closers = append(p.closers, func() error { nc.Close(); return nil })
	openCtx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	p.bus, err = bus.Open(openCtx, bus.Config{
		Conn: nc, Replicas: p.cfg.NATS.Replicas, DedupWindow: p.cfg.Relay.DedupWindow, Retention: p.cfg.Relay.Retention,
		MaxStore: maxStore, Exclusive: p.cfg.NATS.URL == "",
		Log: p.log, Metrics: p.registry,
	})
	return err
}

// dial connects to NATS, and says how many bytes the streams may take there; 0 leaves that to the server.
func (p *process) dial() (nc *nats.Conn, maxStore int64, err error) {
	maxStore = int64(p.cfg.Relay.MaxStore)
	if p.cfg.NATS.URL != "" {
		nc, err = dialNATS(p.cfg.NATS, p.log)
		return nc, maxStore, err
	}
	srv, err := natsd.New(natsd.Config{
		Dir: p.cfg.Relay.DataDir, SyncAlways: p.cfg.Relay.Fsync == "always", MaxStore: maxStore, Log: p.log,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("THREADRELAY_DATA_DIR: %w", err)
	}
	p.closers = append(p.closers, srv.Close)
	nc, err = srv.Connect(connectionLog(p.log)...)
	return nc, srv.MaxStore(), err
}
