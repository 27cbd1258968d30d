package ingest

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus/event"
)

// pollMetrics is what the polling of one connection counts. No label names a source: there may be thousands.
type pollMetrics struct {
	polls  *prometheus.CounterVec
	calls  prometheus.Counter
	events *prometheus.CounterVec
	filled prometheus.Counter
	// listens and heard are about listening.
	listens *prometheus.CounterVec
	heard   *prometheus.CounterVec
	state   *pollCollector
}

func newPollMetrics(connection event.ConnectionID, status func() PollStatus) *pollMetrics {
	labels := prometheus.Labels{"connection": string(connection)}
	return &pollMetrics{
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_polls_total", ConstLabels: labels,
			Help: "Polls of a source, by connection and outcome (events, empty, the kind of failure, or what failed on our side).",
		}, []string{"outcome"}),
		calls: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "threadrelay_poll_calls_total", ConstLabels: labels, Help: "Requests that polls have cost the rate budget, by connection.",
		}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_poll_events_total", ConstLabels: labels,
			Help: "Events that polls have brought, by connection and outcome (stored, or duplicate of what was stored before).",
		}, []string{"outcome"}),
		filled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "threadrelay_poll_filled_total", ConstLabels: labels,
			Help: "Events that a webhook should have brought and a poll did, by connection.",
		}),
		listens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_listens_total", ConstLabels: labels,
			Help: "Realtime connections, by connection and outcome (opened, or the kind of failure that ended or prevented one).",
		}, []string{"outcome"}),
		heard: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_heard_events_total", ConstLabels: labels,
			Help: "Events that came by a realtime connection, by connection and outcome (stored, or duplicate of what was stored before).",
		}, []string{"outcome"}),
		state: newPollCollector(labels, status),
	}
}

func (m *pollMetrics) register(reg prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.polls, m.calls, m.events, m.filled, m.listens, m.heard, m.state} {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("ingest: metrics: %w", err)
		}
	}
	return nil
}

// pollCollector shows where the polling of a connection stands when it is asked.
type pollCollector struct {
	status                         func() PollStatus
	sources, lag, left, hold, open *prometheus.Desc
}

func newPollCollector(labels prometheus.Labels, status func() PollStatus) *pollCollector {
	return &pollCollector{
		status: status,
		sources: prometheus.NewDesc("threadrelay_poll_sources",
			"Polled sources, by connection and state (live, behind, idle, thread; failing and refused ones are counted there too).", []string{"state"}, labels),
		lag: prometheus.NewDesc("threadrelay_poll_lag_seconds",
			"Time since the live source was read that has waited for longest, by connection.", nil, labels),
		left: prometheus.NewDesc("threadrelay_poll_budget_left",
			"Requests that polling could make at this moment, by connection.", nil, labels),
		hold: prometheus.NewDesc("threadrelay_poll_leader",
			"1 if this process polls the connection, by connection.", nil, labels),
		open: prometheus.NewDesc("threadrelay_listen_open",
			"1 if this process listens to the connection, 0 if it should and does not, by connection.", nil, labels),
	}
}

// Describe is for Prometheus.
func (c *pollCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.sources, c.lag, c.left, c.hold, c.open} {
		out <- d
	}
}

// Collect is for Prometheus.
func (c *pollCollector) Collect(out chan<- prometheus.Metric) {
	st := c.status()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if !st.Polling {
		gauge(c.hold, 0)
		return
	}
	gauge(c.hold, 1)
	if l := st.Listening; l != nil {
		gauge(c.open, map[bool]float64{true: 1}[l.Open])
	}
	gauge(c.lag, st.Lag)
	gauge(c.left, st.Budget)
	for state, n := range map[string]int{
		live.String(): st.Live, behind.String(): st.Behind, idle.String(): st.Idle, threads.String(): st.Threads,
		"failing": st.Failing, "refused": st.Refused,
	} {
		gauge(c.sources, float64(n), state)
	}
}
