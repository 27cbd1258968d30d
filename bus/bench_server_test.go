package bus_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
)

// bench is a server in a process of its own, a bus on it, and a bare JetStream client on a connection of its own, which
// shows what is possible.
type bench struct {
	b   *testing.B
	url string
	bus *bus.Bus
	js  jetstream.JetStream
}

func newBench(b *testing.B, cfg bus.Config) *bench {
	b.Helper()
	e := &bench{b: b, url: serverApart(b)}
	cfg.Conn = e.connect()
	var err error
	if e.bus, err = bus.Open(context.Background(), cfg); err != nil {
		b.Fatal(err)
	}
	if e.js, err = jetstream.New(e.connect(), jetstream.WithPublishAsyncMaxPending(100_000)); err != nil {
		b.Fatal(err)
	}
	return e
}

func (e *bench) connect() *nats.Conn {
	e.b.Helper()
	nc, err := nats.Connect(e.url)
	if err != nil {
		e.b.Fatal(err)
	}
	e.b.Cleanup(nc.Close)
	return nc
}

// rounds compares ours with the limit as often as the benchmark runs, in alternation, and reports the medians of what they
// do per second and of the ratio.
func (e *bench) rounds(ours, limit func(round int) float64) {
	var own, bare, ratio samples
	round := 0
	for e.b.Loop() {
		round++
		x, y := ours(round), limit(round)
		own, bare, ratio = append(own, x), append(bare, y), append(ratio, x/y)
	}
	e.b.ReportMetric(0, "ns/op") // the time of a round says nothing
	e.b.ReportMetric(own.at(0.5), "ours/s")
	e.b.ReportMetric(bare.at(0.5), "limit/s")
	e.b.ReportMetric(ratio.at(0.5), "ratio")
}

// samples are measurements.
type samples []float64

// at returns the quantile q.
func (s samples) at(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[int(q*float64(len(sorted)-1))]
}

// rate is how many things were done per second since start.
func rate(n int, start time.Time) float64 { return float64(n) / time.Since(start).Seconds() }

// talk makes n messages of 1.2 kB, spread over a number of threads. Their ids are told from other rounds' by the prefix.
func talk(prefix string, n, threads int) []*message.Message {
	payload := []byte(strings.Repeat("x", 1200))
	out := make([]*message.Message, n)
	for i := range out {
		out[i] = message.NewMessage(fmt.Sprintf("%s-%d", prefix, i), payload)
		out[i].Metadata.Set(bus.LaneKey, fmt.Sprintf("bench.thread%d", i%threads))
	}
	return out
}

// load fills the events stream.
func (e *bench) load(messages []*message.Message) {
	e.b.Helper()
	for batch := range slices.Chunk(messages, 1000) {
		if err := e.bus.Publisher().Publish(bus.Events, batch...); err != nil {
			e.b.Fatal(err)
		}
	}
}
