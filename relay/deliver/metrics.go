package deliver

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// metrics is what is counted.
type metrics struct {
	sends      *prometheus.CounterVec
	actions    *prometheus.CounterVec
	unknown    *prometheus.CounterVec
	duplicates *prometheus.CounterVec
	ledger     *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, lines map[event.ConnectionID]*line) (*metrics, error) {
	m := &metrics{
		sends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_sends_total", Help: "Actions handed to a platform, by connection, type and outcome.",
		}, []string{"connection", "type", "outcome"}),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_actions_total",
			Help: "What became of actions, by connection and outcome (done, superseded, failed; recalled: the ledger knew it; found: an earlier attempt had done it).",
		}, []string{"connection", "outcome"}),
		unknown: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_unknown_outcomes_total",
			Help: "Actions that may have been carried out before, by connection and what came of it (found, missing; where one cannot look: resent, parked).",
		}, []string{"connection", "answer"}),
		duplicates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_duplicates_total", Help: "Actions that two processes have carried out, by connection.",
		}, []string{"connection"}),
		ledger: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_ledger_errors_total", Help: "Failed operations on the ledger and the receipts, by operation (read, write, receipt).",
		}, []string{"operation"}),
	}
	if reg == nil {
		return m, nil
	}
	all := []prometheus.Collector{m.sends, m.actions, m.unknown, m.duplicates, m.ledger}
	for id, l := range lines {
		m.duplicates.WithLabelValues(string(id))
		all = append(all, breakerGauge(id, l.breaker))
	}
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func breakerGauge(id event.ConnectionID, b *breaker) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "threadrelay_breaker_open", Help: "1 while a connection fails throughout and is left alone.",
		ConstLabels: prometheus.Labels{"connection": string(id)},
	}, func() float64 {
		if b.status().Breaker == "closed" {
			return 0
		}
		return 1
	})
}

// count counts what became of an action.
func (d *Deliverer) count(j *job, outcome string) {
	d.metrics.actions.WithLabelValues(string(j.action.Thread.Connection), outcome).Inc()
}

// note writes one line and one count for each call.
func (d *Deliverer) note(a event.Action, r event.Receipt, err error) {
	outcome := "sent"
	var failure *relay.Failure
	if errors.As(err, &failure) {
		outcome = failure.Kind.String()
	} else if err != nil {
		outcome = "failed"
	}
	d.metrics.sends.WithLabelValues(string(a.Thread.Connection), string(a.Type), outcome).Inc()
	d.cfg.Log.Info("action", "action", a.ID, "type", a.Type, "thread", a.Thread, "bot", a.Bot, "outcome", outcome, "message", r.Message)
}
