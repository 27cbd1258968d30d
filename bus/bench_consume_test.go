package bus_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
)

// BenchmarkConsume handles and commits 200,000 messages of 1,000 threads with a handler that does nothing, beside a bare
// pull consumer that acknowledges each.
func BenchmarkConsume(b *testing.B) {
	const n = 200_000
	e := newBench(b, bus.Config{})
	e.load(talk("m", n, 1000))
	e.rounds(func(round int) float64 {
		return e.handle(fmt.Sprint("ours", round), n, func(m *message.Message) { m.Ack() })
	}, func(round int) float64 { return e.pull(fmt.Sprint("bare", round), n) })
}

// BenchmarkConsumeRouter is the same through a Worker, whose Watermill router starts a goroutine for each message.
func BenchmarkConsumeRouter(b *testing.B) {
	const n = 200_000
	e := newBench(b, bus.Config{})
	e.load(talk("m", n, 1000))
	e.rounds(func(round int) float64 {
		w, err := e.bus.Worker(bus.WorkerConfig{})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		var count atomic.Int64
		err = w.Consume(bus.Events, bus.SubscriberConfig{Group: fmt.Sprint("router", round)}, func(*message.Message) error {
			if count.Add(1) == n {
				stop()
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := w.Run(ctx); err != nil { // ends when all is committed
			b.Fatal(err)
		}
		return rate(n, start)
	}, func(round int) float64 { return e.pull(fmt.Sprint("bare", round), n) })
}

// BenchmarkConsumeSlowHandler runs a handler of 50 ms on 64 lanes. The limit is what 64 handlers could do without a bus.
func BenchmarkConsumeSlowHandler(b *testing.B) {
	const n, lanes, work = 64 * 60, 64, 50 * time.Millisecond
	e := newBench(b, bus.Config{})
	e.load(talk("m", n, lanes))
	e.rounds(func(round int) float64 {
		return e.handle(fmt.Sprint("ours", round), n, func(m *message.Message) {
			go func() {
				<-time.After(work)
				m.Ack()
			}()
		})
	}, func(int) float64 { return lanes / work.Seconds() })
}

// handle has a new group handle n messages and returns the rate at which they were handled and committed.
func (e *bench) handle(group string, n int, h func(*message.Message)) float64 {
	e.b.Helper()
	s, err := e.bus.Subscriber(bus.SubscriberConfig{Group: group})
	if err != nil {
		e.b.Fatal(err)
	}
	start := time.Now()
	c, err := s.Subscribe(context.Background(), bus.Events)
	if err != nil {
		e.b.Fatal(err)
	}
	for range n {
		h(<-c)
	}
	if err := s.Close(); err != nil { // waits for the last handlers and commits
		e.b.Fatal(err)
	}
	return rate(n, start)
}

// pull reads and acknowledges n messages as nats.go does it at its fastest, in no order of threads.
func (e *bench) pull(name string, n int) float64 {
	e.b.Helper()
	ctx := context.Background()
	start := time.Now()
	c, err := e.js.CreateConsumer(ctx, bus.EventsStream, jetstream.ConsumerConfig{
		Durable: name, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 10_000,
	})
	if err != nil {
		e.b.Fatal(err)
	}
	done := make(chan struct{})
	count := 0
	reading, err := c.Consume(func(m jetstream.Msg) {
		if err := m.Ack(); err != nil {
			e.b.Error(err)
		}
		if count++; count == n {
			close(done)
		}
	}, jetstream.PullMaxMessages(2000))
	if err != nil {
		e.b.Fatal(err)
	}
	<-done
	if err := e.js.Conn().Flush(); err != nil {
		e.b.Error(err)
	}
	r := rate(n, start)
	reading.Stop()
	<-reading.Closed()
	if err := e.js.DeleteConsumer(ctx, bus.EventsStream, name); err != nil {
		e.b.Fatal(err)
	}
	return r
}

// BenchmarkRoundTrip measures the time from the call of Publish to the handler at 500 messages a second.
func BenchmarkRoundTrip(b *testing.B) {
	const n, pace = 2000, 2 * time.Millisecond
	e := newBench(b, bus.Config{})
	s, err := e.bus.Subscriber(bus.SubscriberConfig{Group: "roundtrip"})
	if err != nil {
		b.Fatal(err)
	}
	c, err := s.Subscribe(context.Background(), bus.Events)
	if err != nil {
		b.Fatal(err)
	}
	var took samples
	for round := 0; b.Loop(); round++ {
		all := talk(fmt.Sprint("m", round), n, 1000)
		go func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for _, m := range all {
				<-tick.C
				m.Metadata.Set("sent", time.Now().Format(time.RFC3339Nano))
				go func() {
					if err := e.bus.Publisher().Publish(bus.Events, m); err != nil {
						b.Error(err)
					}
				}()
			}
		}()
		for range n {
			m := <-c
			now := time.Now()
			sent, err := time.Parse(time.RFC3339Nano, m.Metadata.Get("sent"))
			if err != nil {
				b.Fatal(err)
			}
			took = append(took, float64(now.Sub(sent).Microseconds())/1000)
			m.Ack()
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took.at(0.5), "p50-ms")
	b.ReportMetric(took.at(0.99), "p99-ms")
}
