package ingest

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/threadrelay/threadrelay/relay"
)

const (
	// pollAtOnce bounds the sources of a connection that are polled at the same time.
	pollAtOnce = 8
	// loadAtOnce bounds the cursors that are read at the same time.
	loadAtOnce = 16
)

// sessionConfig is what a session needs.
type sessionConfig struct {
	Poll    PollConfig
	Keeper  keeper
	Marks   bookmarks
	Metrics *pollMetrics
	Holes   *holes
	// Begun is called once when the first sources have been polled.
	Begun func()
}

// session is one instance's time as the one that polls a connection.
type session struct {
	cfg      PollConfig
	keeper   keeper
	marks    bookmarks
	metrics  *pollMetrics
	holes    *holes
	log      *slog.Logger
	threads  relay.ThreadPoller // nil if the platform polls no single threads
	memory   relay.Rememberer   // nil if the platform keeps none
	finder   relay.Discoverer   // nil if no source stands for others
	locator  relay.Locator      // nil if sources are named as conversations are
	paced    relay.Paced        // nil if the platform knows no pace
	ears     *ears              // nil if nobody listens
	schedule *schedule
	reporter reporter
	began    time.Time
	visits   atomic.Int64
	begun    func()
	end      context.CancelCauseFunc
}

func newSession(cfg sessionConfig) *session {
	now := time.Now()
	s := &session{
		cfg: cfg.Poll, keeper: cfg.Keeper, marks: cfg.Marks, metrics: cfg.Metrics, holes: cfg.Holes, log: cfg.Poll.Log.With("connection", cfg.Poll.Connection),
		schedule: newSchedule(scheduleConfig{Interval: cfg.Poll.Interval, Budget: cfg.Poll.budget(), Now: now}),
		began:    now, begun: cfg.Begun,
	}
	s.threads, _ = cfg.Poll.Poller.(relay.ThreadPoller)
	s.memory, _ = cfg.Poll.Poller.(relay.Rememberer)
	s.finder, _ = cfg.Poll.Poller.(relay.Discoverer)
	s.locator, _ = cfg.Poll.Poller.(relay.Locator)
	s.paced, _ = cfg.Poll.Poller.(relay.Paced)
	s.reporter.log = s.log
	for i, name := range cfg.Poll.Sources {
		src := source{name: name, fresh: newBookmark(now, cfg.Poll.Backfill), stands: s.finder != nil && s.finder.Discovers(name)}
		s.schedule.add(src, now.Add(time.Duration(i))) // in the order of the configuration
	}
	if listener, ok := cfg.Poll.Poller.(relay.Listener); ok && cfg.Poll.Listen {
		s.ears = newEars(s, listener)
	}
	return s
}

// run polls until ctx ends, or until it turns out that another instance polls. It returns when no poll is under way.
func (s *session) run(ctx context.Context) error {
	ctx, s.end = context.WithCancelCause(ctx)
	defer s.end(nil)
	var polls sync.WaitGroup
	defer polls.Wait()
	polls.Go(func() { s.preload(ctx) })
	if s.ears != nil {
		polls.Go(func() { s.ears.run(ctx) })
	}
	places := make(chan struct{}, pollAtOnce)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		src := s.next(ctx)
		if src == nil {
			return context.Cause(ctx)
		}
		polls.Go(func() {
			s.visit(ctx, src)
			<-places
		})
	}
}

// next returns the source whose turn it is, once one is due, or nil when ctx has ended.
func (s *session) next(ctx context.Context) *source {
	for {
		src, wait := s.schedule.take(time.Now())
		if src != nil {
			return src
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.schedule.wake:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// visit polls one source.
func (s *session) visit(ctx context.Context, src *source) {
	began := s.ears.begin(src)
	r := s.turn(ctx, src)
	if ctx.Err() != nil && r.verdict != fine {
		s.schedule.giveBack(src, time.Now())
		return
	}
	s.ears.caughtUp(ctx, src, began, r)
	if s.paced != nil {
		s.schedule.pace(budgetOf(s.cfg.Budget, s.paced), time.Now())
	}
	s.metrics.polls.WithLabelValues(r.outcome).Inc()
	s.metrics.calls.Add(float64(r.calls))
	s.reporter.report(src, r, s.schedule.done(src, r, time.Now()))
	if s.visits.Add(1) == int64(min(len(s.cfg.Sources), pollAtOnce)) {
		s.begun()
	}
}

// turn does what a source is there for.
func (s *session) turn(ctx context.Context, src *source) result {
	if src.stands {
		return s.discover(ctx, src)
	}
	return s.read(ctx, src)
}

// budgetOf is the lesser of what was configured and what the platform allows.
func budgetOf(configured int, p relay.Paced) int {
	if allowed := p.PollBudget(); allowed > 0 {
		return min(configured, allowed)
	}
	return configured
}

// preload reads all cursors, beside the polls that begin at once. Sources that had events just before the last holder went
// are polled as live ones from the start, and those that were never read get their starting point now, however late their
// turn comes. What cannot be read is read when its turn has come.
func (s *session) preload(ctx context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loadAtOnce)
	for _, src := range s.schedule.all() {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			at, err := src.mark.get(ctx, func(ctx context.Context) (bookmark, error) { return s.load(ctx, src) })
			if err == nil && time.Since(at.Found) < activeFor {
				s.schedule.hear(src.name, time.Now())
			}
			return err
		})
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		s.log.Debug("cursors will be read as they are needed", "error", err)
	}
}
