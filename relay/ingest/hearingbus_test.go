package ingest

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// Two instances are configured to listen, and one does; when it stops the other takes over. What is heard and polled is
// stored once.
func TestOneInstanceListens(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	h := newHearing()
	one, reg := quickly(b, h, "a"), prometheus.NewRegistry()
	one.Listen, one.Metrics = true, reg
	other := one
	other.Metrics = nil
	first, stop := start(t, one)
	await(t, "the first to listen", func() bool { st := first.Status(); return st.Listening != nil && st.Listening.Open })
	second, _ := start(t, other)
	for n := range 3 {
		h.both(t, "a", said("a", n))
	}
	if second.Status().Listening != nil || len(h.tried()) != 1 {
		t.Errorf("%d connections, the second's status is %+v", len(h.tried()), second.Status())
	}
	bustest.WantCounts(t, reg, "threadrelay_listens_total", map[string]int{`connection="support",outcome="opened"`: 1})
	stop()
	await(t, "the second to listen", func() bool { st := second.Status(); return st.Listening != nil && st.Listening.Open })
	h.both(t, "a", said("a", 3))
	count := stored(t, srv, bus.EventsStream)
	await(t, "all to be stored", func() bool { return count() >= 4 })
	if got := shelved(t, srv, bus.EventsStream); !slices.Equal(got, numbered("a", 4)) {
		t.Errorf("stored %v", got)
	}
}
