package bus_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
)

// BenchmarkPublishBatches publishes batches of 256 and waits for each, beside nats.go doing the same with its asynchronous
// publish.
func BenchmarkPublishBatches(b *testing.B) { benchBatches(b, 256) }

// BenchmarkPublishStream has nats.go wait once, at the end, which is the most that one connection takes.
func BenchmarkPublishStream(b *testing.B) { benchBatches(b, 51_200) }

func benchBatches(b *testing.B, bareSize int) {
	const n, size = 51_200, 256
	e := newBench(b, bus.Config{})
	e.rounds(func(round int) float64 {
		all := talk(fmt.Sprint("ours", round), n, 1000)
		start := time.Now()
		for batch := range slices.Chunk(all, size) {
			if err := e.bus.Publisher().Publish(bus.Events, batch...); err != nil {
				b.Fatal(err)
			}
		}
		return rate(n, start)
	}, func(round int) float64 {
		all := bare(talk(fmt.Sprint("bare", round), n, 1000))
		start := time.Now()
		for batch := range slices.Chunk(all, bareSize) {
			var futures []jetstream.PubAckFuture
			for _, m := range batch {
				f, err := e.js.PublishMsgAsync(m)
				if err != nil {
					b.Fatal(err)
				}
				futures = append(futures, f)
			}
			for _, f := range futures {
				await(b, f)
			}
		}
		return rate(n, start)
	})
}

// BenchmarkPublishWaiting has 64 callers that publish one message each and wait for it, on both sides.
func BenchmarkPublishWaiting(b *testing.B) {
	const n, callers = 51_200, 64
	e := newBench(b, bus.Config{})
	e.rounds(func(round int) float64 {
		all := talk(fmt.Sprint("ours", round), n, 1000)
		return spread(callers, all, func(m *message.Message) {
			if err := e.bus.Publisher().Publish(bus.Events, m); err != nil {
				b.Error(err)
			}
		})
	}, func(round int) float64 {
		all := bare(talk(fmt.Sprint("bare", round), n, 1000))
		return spread(callers, all, func(m *nats.Msg) {
			f, err := e.js.PublishMsgAsync(m)
			if err != nil {
				b.Error(err)
				return
			}
			await(b, f)
		})
	})
}

// spread has callers do something with each of all and returns the rate.
func spread[T any](callers int, all []T, do func(T)) float64 {
	start := time.Now()
	var wg sync.WaitGroup
	for part := range slices.Chunk(all, len(all)/callers) {
		wg.Go(func() {
			for _, x := range part {
				do(x)
			}
		})
	}
	wg.Wait()
	return rate(len(all), start)
}

func await(b *testing.B, f jetstream.PubAckFuture) {
	b.Helper()
	select {
	case <-f.Ok():
	case err := <-f.Err():
		b.Error(err)
	}
}

// bare makes the same messages for nats.go.
func bare(messages []*message.Message) []*nats.Msg {
	out := make([]*nats.Msg, len(messages))
	for i, m := range messages {
		out[i] = nats.NewMsg("relay.events." + m.Metadata.Get(bus.LaneKey))
		out[i].Data = m.Payload
		out[i].Header.Set(nats.MsgIdHdr, m.UUID)
		out[i].Header.Set(nats.ExpectedStreamHdr, bus.EventsStream)
	}
	return out
}
