package ingest

import (
	"log/slog"
	"sync"
	"time"
)

// The lines about sources that are written in a window of time, at most. A platform that is away fails all sources at once.
const (
	reportLines  = 10
	reportWindow = time.Minute
)

// reporter logs what changes about sources, once per change.
type reporter struct {
	log *slog.Logger

	mu      sync.Mutex
	paused  bool // the platform's pause has been reported
	window  time.Time
	lines   int
	dropped int
}

// report logs what a poll has changed.
func (p *reporter) report(src *source, r result, c change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case r.verdict == limited && !p.paused:
		p.paused = true
		p.log.Warn("the platform limits the rate, polling pauses", "for", r.wait.String(), "name", src.name, "error", r.err)
	case r.verdict == fine && p.paused:
		p.paused = false
		p.log.Info("polling goes on after the platform's pause")
	}
	switch {
	case c.from == c.to:
	case c.to != "" && p.may():
		p.log.Warn("source cannot be polled", "name", src.name, "kind", c.to, "error", r.err, "more_sources", p.dropped)
		p.dropped = 0
	case c.to == "" && p.may():
		p.log.Info("source is polled again", "name", src.name, "was", c.from, "after", c.lasted.Round(time.Second).String(), "more_sources", p.dropped)
		p.dropped = 0
	}
}

// may reports whether another line may be written, and counts those that may not.
func (p *reporter) may() bool {
	now := time.Now()
	if now.Sub(p.window) >= reportWindow {
		p.window, p.lines = now, 0
	}
	if p.lines >= reportLines {
		p.dropped++
		return false
	}
	p.lines++
	return true
}
