package budget

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus/event"
)

// metrics is what is counted of one connection. No label names a sender or a route: there may be thousands.
type metrics struct {
	waiting *prometheus.GaugeVec
	waited  *prometheus.CounterVec
	refused *prometheus.CounterVec

	mu     sync.Mutex
	scopes map[string]*scope
}

// scope is what is counted of the groups of one scope.
type scope struct {
	waiting prometheus.Gauge
	waited  prometheus.Counter
	refused prometheus.Counter
}

func newMetrics(connection event.ConnectionID, reg prometheus.Registerer) (*metrics, error) {
	labels := prometheus.Labels{"connection": string(connection)}
	m := &metrics{
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "threadrelay_budget_waiting", ConstLabels: labels,
			Help: "Threads whose next action waits for a rate limit, by connection and the limit's scope (connection, sender, route).",
		}, []string{"scope"}),
		waited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_budget_wait_seconds_total", ConstLabels: labels,
			Help: "Time that actions have waited for rate limits before they were sent, by connection and the limit's scope.",
		}, []string{"scope"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_budget_refused_total", ConstLabels: labels,
			Help: "Calls that the platform has refused because a rate limit was reached, by connection and the limit's scope.",
		}, []string{"scope"}),
		scopes: make(map[string]*scope),
	}
	for _, name := range []string{Connection, Sender} {
		m.scope(name)
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.waiting, m.waited, m.refused} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) scope(name string) *scope {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.scopes[name]
	if s == nil {
		s = &scope{m.waiting.WithLabelValues(name), m.waited.WithLabelValues(name), m.refused.WithLabelValues(name)}
		m.scopes[name] = s
	}
	return s
}
