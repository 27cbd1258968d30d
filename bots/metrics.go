package bots

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what is counted of bots. How far a bot is behind, and what is tried again, the bus counts by consumer group.
type metrics struct {
	stale   *prometheus.CounterVec
	runs    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		stale: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_bot_stale_total", Help: "Messages that a bot was not shown because they were too old, by bot.",
		}, []string{"bot"}),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_bot_handled_total",
			Help: "Runs of handlers, by bot, handler (a command, or the line that registered it) and outcome (done, error, panic).",
		}, []string{"bot", "handler", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "threadrelay_bot_handler_seconds", Help: "How long handlers ran, by bot and handler.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, []string{"bot", "handler"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.stale, m.runs, m.seconds} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("bots: metrics: %w", err)
		}
	}
	return m, nil
}

// watch counts the runs of a bot's handlers.
func (m *metrics) watch(bot string) func(handler string, took time.Duration, err error) {
	return func(handler string, took time.Duration, err error) {
		outcome := "done"
		switch {
		case errors.Is(err, errPanic):
			outcome = "panic"
		case err != nil:
			outcome = "error"
		}
		m.runs.WithLabelValues(bot, handler, outcome).Inc()
		m.seconds.WithLabelValues(bot, handler).Observe(took.Seconds())
	}
}
