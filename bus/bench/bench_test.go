package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmjs "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/jetstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
)

// BenchmarkWatermillNATS has both subscribers handle messages of 1,000 threads with a handler that does nothing.
func BenchmarkWatermillNATS(b *testing.B) {
	compare(b, load{ours: 100_000, theirs: 20_000, threads: 1000, handle: func(m *message.Message) { m.Ack() }})
}

// BenchmarkWatermillNATSFlood is the same while a publisher sends as much as the server takes, so that each confirmation has to
// wait behind its messages.
func BenchmarkWatermillNATSFlood(b *testing.B) {
	compare(b, load{ours: 100_000, theirs: 3_000, threads: 1000, flood: true, handle: func(m *message.Message) { m.Ack() }})
}

// BenchmarkWatermillNATSSlowHandler has both handle messages of 64 threads with a handler of 50 ms.
func BenchmarkWatermillNATSSlowHandler(b *testing.B) {
	compare(b, load{ours: 64 * 40, theirs: 40, threads: 64, handle: func(m *message.Message) {
		go func() {
			<-time.After(50 * time.Millisecond)
			m.Ack()
		}()
	}})
}

// load is what both sides do: each as many messages as it takes a few seconds for.
type load struct {
	ours, theirs, threads int
	flood                 bool
	handle                func(*message.Message)
}

// compare reports the medians of both rates and of their ratio.
func compare(b *testing.B, l load) {
	b.Helper()
	srv := startServer(b)
	own, err := bus.Open(context.Background(), bus.Config{Conn: srv.connect()})
	if err != nil {
		b.Fatal(err)
	}
	fill(b, own, l)
	if l.flood {
		defer flood(b, srv, l.threads)()
	}
	var ours, theirs, ratio []float64
	for round := 0; b.Loop(); round++ {
		s, err := own.Subscriber(bus.SubscriberConfig{Group: fmt.Sprint("ours", round)})
		if err != nil {
			b.Fatal(err)
		}
		x := measure(b, s, bus.Events, l.ours, l.handle)
		y := measure(b, watermillNATS(b, srv, fmt.Sprint("theirs", round)), bus.EventsStream, l.theirs, l.handle)
		ours, theirs, ratio = append(ours, x), append(theirs, y), append(ratio, x/y)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours), "ours/s")
	b.ReportMetric(median(theirs), "limit/s")
	b.ReportMetric(median(ratio), "ratio")
}

// flood publishes as fast as nats.go does it with 256 unacknowledged messages until the returned function is called.
func flood(b *testing.B, srv server, threads int) (stop func()) {
	b.Helper()
	js, err := jetstream.New(srv.connect(), jetstream.WithPublishAsyncMaxPending(256))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	payload := []byte(strings.Repeat("x", 1200))
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_, err := js.PublishAsync(fmt.Sprintf("relay.events.bench.thread%d", i%threads), payload, jetstream.WithStallWait(time.Minute))
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// watermillNATS is the other subscriber, with a durable consumer on the same stream and its default of confirmed
// acknowledgements, beside which nothing is lost when the client stops.
func watermillNATS(b *testing.B, srv server, group string) message.Subscriber {
	b.Helper()
	s, err := wmjs.NewSubscriber(wmjs.SubscriberConfig{
		Conn:   srv.connect(),
		Logger: watermill.NewSlogLogger(slog.New(slog.DiscardHandler)),
		ResourceInitializer: func(ctx context.Context, js jetstream.JetStream, stream string) (jetstream.Consumer, func(context.Context, watermill.LoggerAdapter), error) {
			c, err := js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{Durable: group, AckPolicy: jetstream.AckExplicitPolicy})
			return c, nil, err
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// measure has a subscriber handle n messages and returns the rate.
func measure(b *testing.B, s message.Subscriber, topic string, n int, handle func(*message.Message)) float64 {
	b.Helper()
	start := time.Now()
	c, err := s.Subscribe(context.Background(), topic)
	if err != nil {
		b.Fatal(err)
	}
	var last *message.Message
	for range n {
		last = <-c
		handle(last)
	}
	<-last.Acked()
	rate := float64(n) / time.Since(start).Seconds()
	go func() { // what a subscriber still hands on while it closes
		for m := range c {
			m.Nack()
		}
	}()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return rate
}

func fill(b *testing.B, own *bus.Bus, l load) {
	b.Helper()
	payload := []byte(strings.Repeat("x", 1200))
	var all []*message.Message
	for i := range l.ours {
		m := message.NewMessage(fmt.Sprint("m", i), payload)
		m.Metadata.Set(bus.LaneKey, fmt.Sprintf("bench.thread%d", i%l.threads))
		all = append(all, m)
	}
	for batch := range slices.Chunk(all, 1000) {
		if err := own.Publisher().Publish(bus.Events, batch...); err != nil {
			b.Fatal(err)
		}
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
