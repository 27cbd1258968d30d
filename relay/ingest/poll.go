package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

const (
	// minBudget is the least PollConfig.Budget: with fewer calls a minute, polling makes no sense.
	minBudget = 10
	// maxSource bounds a source's name, in bytes: it is part of a key.
	maxSource = 1000
	// resumeWait is the pause before polling is tried again after it was interrupted.
	resumeWait = time.Second
	// beginWait bounds how long Running is held back for the first polls.
	beginWait = time.Second
)

// PollConfig is what a Poll needs.
type PollConfig struct {
	Bus *bus.Bus
	// Connection is polled by one instance at a time, whatever their number: the rate budget is the connection's.
	Connection event.ConnectionID
	Poller     relay.Poller
	// Sources are what to poll, in the platform's words. Those of the same connection should be the same at all instances.
	Sources []string
	// Interval is the time between two polls of a source that had events lately; default 5 s. Idle ones slow down to 12
	// times that, and all of them as far as the budget demands it.
	Interval time.Duration
	// Backfill is how far into the past a source is read that was never read before; default 0: from now on.
	Backfill time.Duration
	// Budget is how many requests polling may make within any minute; default 300, at least 10. A [relay.Paced] platform may
	// allow fewer.
	Budget int
	// Listen says that the Poller, which has to be a [relay.Listener], is listened to as well. What it hears comes at once, and
	// what it misses by polls, whose cursors know nothing of it.
	Listen bool
	// HooksOn says that webhooks are configured as well: an event that a poll brings first is a hole filled.
	HooksOn bool
	// LeaseTTL is how long an instance that died keeps others from polling; default 10 s, at least 1 s.
	LeaseTTL time.Duration
	Log      *slog.Logger
	// Metrics takes the collectors; default none.
	Metrics prometheus.Registerer
}

func (c *PollConfig) setDefaults() {
	if c.Interval == 0 {
		c.Interval = 5 * time.Second
	}
	if c.Budget == 0 {
		c.Budget = 300
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// budget is how many requests polling may make within a minute, as far as that is known before the first.
func (c *PollConfig) budget() int {
	if p, ok := c.Poller.(relay.Paced); ok {
		return budgetOf(c.Budget, p)
	}
	return c.Budget
}

// Validate returns everything that is wrong with the configuration.
func (c *PollConfig) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("ingest: poll of %q: "+format, append([]any{c.Connection}, args...)...))
		}
	}
	fault(c.Bus == nil, "no bus")
	fault(c.Poller == nil, "the platform cannot be polled")
	fault(len(c.Sources) == 0, "no sources")
	if _, able := c.Poller.(relay.Listener); c.Listen && c.Poller != nil {
		fault(!able, "the platform cannot be listened to")
	}
	fault(c.Interval < 0, "the interval %s is negative", c.Interval)
	fault(c.Backfill < 0, "the backfill %s is negative", c.Backfill)
	fault(c.Budget < minBudget, "a budget of %d requests per minute is too small, at least %d are needed", c.Budget, minBudget)
	if err := (event.ThreadRef{Connection: c.Connection}).Validate(); err != nil {
		faults = append(faults, fmt.Errorf("ingest: poll: %w", err))
	}
	seen := make(map[string]bool)
	for _, source := range c.Sources {
		fault(seen[source], "source %q is named twice", source)
		fault(len(source) > maxSource, "source %.40q…: %d bytes are too many, at most %d are allowed", source, len(source), maxSource)
		seen[source] = true
		if c.Poller != nil {
			if err := c.Poller.CheckSource(source); err != nil {
				faults = append(faults, fmt.Errorf("ingest: poll of %q: %w", c.Connection, err))
			}
		}
	}
	return errors.Join(faults...)
}

// Poll reads the sources of one connection, page by page, and stores what they hold as webhooks would. A cursor moves only
// when all up to it is stored, so nothing is lost by an end at any moment; what is read again is recognised. It listens to them
// as well, if it is told to.
type Poll struct {
	cfg     PollConfig
	lease   *bus.Lease
	metrics *pollMetrics
	holes   *holes
	running chan struct{}
	begun   func() // closes running

	mu      sync.Mutex
	session *session // nil while another instance polls
}

// NewPoll returns a poll of a connection. Nothing happens before Run.
func NewPoll(cfg PollConfig) (*Poll, error) {
	cfg.setDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Poll{cfg: cfg, running: make(chan struct{})}
	p.begun = sync.OnceFunc(func() { close(p.running) })
	p.metrics = newPollMetrics(cfg.Connection, p.Status)
	p.holes = newHoles(p.metrics.filled)
	if cfg.Metrics != nil {
		if err := p.metrics.register(cfg.Metrics); err != nil {
			return nil, err
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	p.lease, err = cfg.Bus.Lease(bus.LeaseConfig{
		Name: "poll/" + string(cfg.Connection), Holder: fmt.Sprintf("%s/%d", host, os.Getpid()), TTL: cfg.LeaseTTL,
	})
	if err != nil {
		return nil, fmt.Errorf("ingest: poll of %q: %w", cfg.Connection, err)
	}
	return p, nil
}

// Running is closed once the first sources have been polled, so that what happens at them from then on is not missed, or after
// a second if that is not possible yet or another instance polls.
func (p *Poll) Running() <-chan struct{} { return p.running }

// Run polls whenever no other instance does, until ctx ends. It is called once.
func (p *Poll) Run(ctx context.Context) error {
	defer time.AfterFunc(beginWait, p.begun).Stop()
	defer p.holes.stop()
	for {
		err := p.lease.Run(ctx, p.hold) //nolint:contextcheck // the lease hands its own context over
		if ctx.Err() == nil {
			p.cfg.Log.Warn("polling was interrupted, will be resumed", "connection", p.cfg.Connection, "error", err)
		}
		select {
		case <-time.After(resumeWait):
		case <-ctx.Done():
			return nil
		}
	}
}

// hold polls while this instance has the lease.
func (p *Poll) hold(ctx context.Context, fence uint64) error {
	state, err := p.cfg.Bus.State(ctx, bus.Cursors)
	if err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	s := newSession(sessionConfig{
		Poll:    p.cfg,
		Keeper:  busKeeper{shelf: shelf{publisher: p.cfg.Bus.Publisher()}, connection: p.cfg.Connection, log: p.cfg.Log},
		Marks:   stateBookmarks{state: state, connection: p.cfg.Connection, fence: fence},
		Metrics: p.metrics,
		Holes:   p.holes,
		Begun:   p.begun,
	})
	p.enter(s)
	defer p.enter(nil)
	return s.run(ctx)
}

func (p *Poll) enter(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = s
}

func (p *Poll) current() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session
}

// Status says where the polling stands.
func (p *Poll) Status() PollStatus {
	st := PollStatus{}
	if s := p.current(); s != nil {
		st = s.schedule.status(time.Now())
		st.Listening = s.ears.status()
	}
	st.Connection = p.cfg.Connection
	return st
}

// Heard tells what the connection has stored by other ways than its polls: the sources and threads that these events belong
// to are polled as live ones. It may be called on a nil Poll, and from any goroutine.
func (p *Poll) Heard(events ...event.Event) {
	if p == nil {
		return
	}
	p.holes.hooked(events)
	if s := p.current(); s != nil {
		s.heard(events, false)
	}
}
