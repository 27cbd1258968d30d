package bus_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
)

// BenchmarkMemory reports the heap that a thread costs which was seen and handled (idle), of 100,000, and one with a
// message of 1.2 kB that waits for its handler (active), of 8,000.
func BenchmarkMemory(b *testing.B) {
	const idle, active = 100_000, 8_000
	reg := prometheus.NewRegistry()
	e := newBench(b, bus.Config{Metrics: reg})
	var perIdle, perActive samples
	for round := 0; b.Loop(); round++ {
		s, err := e.bus.Subscriber(bus.SubscriberConfig{Group: "memory", Grace: time.Millisecond})
		if err != nil {
			b.Fatal(err)
		}
		c, err := s.Subscribe(context.Background(), bus.Events)
		if err != nil {
			b.Fatal(err)
		}
		e.load(talk(fmt.Sprint("warm", round), 1000, 1000))
		for range 1000 {
			(<-c).Ack()
		}
		awaitLanes(b, reg, 0)
		before := heapInUse()
		go e.load(talk(fmt.Sprint("idle", round), idle, idle))
		for range idle {
			(<-c).Ack()
		}
		awaitLanes(b, reg, 0)
		perIdle = append(perIdle, (heapInUse()-before)/idle)
		before = heapInUse()
		e.load(talk(fmt.Sprint("active", round), active, active))
		awaitLanes(b, reg, active)
		perActive = append(perActive, (heapInUse()-before)/active)
		for range active {
			(<-c).Ack()
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(perIdle.at(0.5), "B/idle-thread")
	b.ReportMetric(perActive.at(0.5), "B/active-lane")
}

// heapInUse returns the bytes that are in use.
func heapInUse() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// awaitLanes waits until a number of threads have a message that is not handled yet.
func awaitLanes(b *testing.B, reg *prometheus.Registry, want float64) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		families, err := reg.Gather()
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "threadrelay_bus_lanes" && len(f.GetMetric()) == 1 && f.GetMetric()[0].GetGauge().GetValue() == want {
				return
			}
		}
	}
	b.Fatalf("there were never %v active lanes", want)
}
