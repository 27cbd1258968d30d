package bus

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what the bus counts. All methods of the collectors work without a registry.
type metrics struct {
	published *prometheus.CounterVec
	handled   *prometheus.CounterVec
	dead      *prometheus.CounterVec
	lanes     *prometheus.GaugeVec
	running   *prometheus.GaugeVec
	// partitions and paused are by group and topic.
	partitions *prometheus.GaugeVec
	paused     *prometheus.GaugeVec
	lag        *prometheus.GaugeVec
	seconds    *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_bus_published_total", Help: "Messages published, by topic and outcome (stored, duplicate, failed).",
		}, []string{"topic", "outcome"}),
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_bus_handled_total", Help: "Attempts to handle a message, by consumer group and outcome (done, retry, dead).",
		}, []string{"group", "outcome"}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_dead_letters_total", Help: "Dead letters stored, by stage and consumer.",
		}, []string{"stage", "consumer"}),
		lanes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "threadrelay_bus_lanes", Help: "Threads with a message that is not handled yet, by consumer group.",
		}, []string{"group"}),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "threadrelay_bus_running", Help: "Handlers that run at this moment, by consumer group.",
		}, []string{"group"}),
		partitions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "threadrelay_bus_partitions", Help: "Partitions that this process holds, by consumer group and topic.",
		}, []string{"group", "topic"}),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "threadrelay_bus_lag", Help: "Messages in this process's partitions that are not handled yet, by consumer group and topic.",
		}, []string{"group", "topic"}),
		paused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "threadrelay_bus_paused_partitions", Help: "Partitions in which so many threads wait that nothing more is read, by consumer group and topic.",
		}, []string{"group", "topic"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "threadrelay_bus_handle_seconds", Help: "Time that one attempt took, by consumer group.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, []string{"group"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.published, m.handled, m.dead, m.lanes, m.running, m.partitions, m.paused, m.lag, m.seconds} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return m, nil
}

// count takes note of n messages that were to be published, of which those in t were acknowledged.
func (m *metrics) count(topic string, t tally, n int) {
	outcomes := [...]struct {
		name string
		n    int
	}{{"stored", t.stored}, {"duplicate", t.duplicates}, {"failed", n - t.stored - t.duplicates}}
	for _, o := range outcomes {
		if o.n > 0 {
			m.published.WithLabelValues(topic, o.name).Add(float64(o.n))
		}
	}
}
