package bustest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// Stream returns a stream as it is at this moment.
func (s *Server) Stream(name string) jetstream.Stream {
	s.t.Helper()
	js, err := jetstream.New(s.Connect())
	if err != nil {
		s.t.Fatalf("bustest: %v", err)
	}
	stream, err := js.Stream(Context(s.t), name)
	if err != nil {
		s.t.Fatalf("bustest: stream %s: %v", name, err)
	}
	return stream
}

// Count returns how many messages lie in a stream.
func (s *Server) Count(name string) int {
	s.t.Helper()
	return int(s.Stream(name).CachedInfo().State.Msgs) //nolint:gosec // a test stores few
}

// Stored returns what lies in a stream, oldest first. The dead letters are those of [bus.DeadStream].
func (s *Server) Stored(name string) []*jetstream.RawStreamMsg {
	s.t.Helper()
	stream := s.Stream(name)
	var all []*jetstream.RawStreamMsg
	for sequence, last := uint64(1), stream.CachedInfo().State.LastSeq; sequence <= last; sequence++ {
		m, err := stream.GetMsg(Context(s.t), sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) { // it was removed
			continue
		}
		if err != nil {
			s.t.Fatalf("bustest: message %d of %s: %v", sequence, name, err)
		}
		all = append(all, m)
	}
	return all
}

// WantCounts compares all that a counter has counted, by its labels in the form of a metrics page and in alphabetical order,
// such as connection="support",outcome="stored".
func WantCounts(t testing.TB, metrics prometheus.Gatherer, name string, want map[string]int) {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatalf("bustest: %v", err)
	}
	got := make(map[string]int)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			got[strings.Join(labels, ",")] = int(m.GetCounter().GetValue())
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s counted %v, want %v", name, got, want)
	}
}
