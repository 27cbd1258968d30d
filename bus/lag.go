package bus

// lag counts what a partition has read and still to handle; the intake adds what is not read yet. No JetStream consumer shows
// it, since none is acknowledged.
type lag struct {
	waiting  int // of those that a take-over found in arrears, the handled ones are not subtracted twice
	reported float64
}

// report brings the metric up to date.
func (l *lag) report(p *partition) {
	if len(p.lanes) == 0 || l.waiting < 0 {
		l.waiting = len(p.lanes)
	}
	l.set(p, float64(l.waiting))
}

// forget takes the partition out of the metric.
func (l *lag) forget(p *partition) { l.set(p, 0) }

func (l *lag) set(p *partition, n float64) {
	p.sub.metrics.lag.WithLabelValues(p.sub.group, p.sub.topic).Add(n - l.reported)
	l.reported = n
}
