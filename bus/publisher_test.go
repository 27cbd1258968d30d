package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

func TestPublishedIsStoredOnce(t *testing.T) {
	reg := prometheus.NewRegistry()
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{Metrics: reg})
	first, err := b.Publisher().Store(bustest.Context(t), bus.Events, say("a", 0), say("a", 1))
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Publisher().Store(bustest.Context(t), bus.Events, say("a", 1))
	if err != nil {
		t.Fatal(err)
	}
	if first[0].Duplicate || first[1].Duplicate || !again[0].Duplicate {
		t.Errorf("duplicates: %v, then %v", first, again)
	}
	if again[0].Sequence != first[1].Sequence {
		t.Errorf("the repeat is at %d, its original at %d", again[0].Sequence, first[1].Sequence)
	}
	want := `
# HELP threadrelay_bus_published_total Messages published, by topic and outcome (stored, duplicate, failed).
# TYPE threadrelay_bus_published_total counter
threadrelay_bus_published_total{outcome="duplicate",topic="events"} 1
threadrelay_bus_published_total{outcome="stored",topic="events"} 2
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "threadrelay_bus_published_total"); err != nil {
		t.Error(err)
	}
}

// Many callers and batches larger than the pipeline must share it without a deadlock.
func TestCallersShareThePipeline(t *testing.T) {
	const callers, each = 6, 5000
	b := bustest.Open(t)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			var batch []*message.Message
			for i := range each {
				batch = append(batch, say(fmt.Sprint("caller", c), i))
			}
			if err := b.Publisher().Publish(bus.Events, batch...); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestStoredSubjectCarriesThePartition(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	publish(t, b, say("group%2Feng:1", 0))
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(bustest.Context(t), bus.EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(bustest.Context(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	var partition int
	var rest string
	if _, err := fmt.Sscanf(m.Subject, "relay.events.%d.%s", &partition, &rest); err != nil || partition > 15 || rest != "test.group%2Feng:1" {
		t.Errorf("stored under %s (%v)", m.Subject, err)
	}
	if m.Header.Get(nats.MsgIdHdr) != "group%2Feng:1-0" || m.Header.Get(bus.LaneKey) != "" {
		t.Errorf("headers %v", m.Header)
	}
}

func TestPublishErrorsSayWhatIsWrong(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	huge := say("a", 1)
	huge.Payload = make([]byte, 2<<20)
	badLane := say("a", 2)
	badLane.Metadata.Set(bus.LaneKey, "test.>")
	badHeader := say("a", 3)
	badHeader.Metadata.Set("x", "1\r\nNats-Rollup: all")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	late := say("a", 4)
	late.SetContext(ended)
	cases := map[string]struct {
		topic string
		m     *message.Message
		want  string
	}{
		"no such topic":  {"nonsense", say("a", 0), "no such topic"},
		"the dead topic": {"dead", say("a", 0), "no such topic"},
		"no UUID":        {bus.Events, message.NewMessage("", nil), "without a UUID"},
		"too large":      {bus.Events, huge, "exceed the server's limit of 1048576"},
		"wildcard lane":  {bus.Events, badLane, "is not <connection>.<thread>"},
		"header smuggle": {bus.Events, badHeader, `metadata "x" cannot be a header`},
		"context ended":  {bus.Events, late, "context canceled"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := b.Publisher().Publish(c.topic, c.m)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	srv.Stop()
	if err := b.Publisher().Publish(bus.Events, say("a", 9)); !errors.Is(err, bus.ErrNotConnected) {
		t.Errorf("without a server: %v", err)
	}
	if err := b.Ready(bustest.Context(t)); !errors.Is(err, bus.ErrNotConnected) {
		t.Errorf("ready without a server: %v", err)
	}
}
