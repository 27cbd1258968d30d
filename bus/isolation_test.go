package bus_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// work consumes the events topic with a worker of the group g.
func work(t *testing.T, b *bus.Bus, cfg bus.SubscriberConfig, handle func(*message.Message) error) {
	t.Helper()
	w, err := b.Worker(bus.WorkerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Group = "g"
	if err := w.Consume(bus.Events, cfg, handle); err != nil {
		t.Fatal(err)
	}
	run(t, w)
}

// Twenty thousand threads of one partition that fail and wait must not delay the others in it.
func TestManyWaitingThreadsDelayNoOther(t *testing.T) {
	const waiting = 20_000
	b := bustest.StartServer(t, "").Open(bus.Config{Partitions: 1})
	failed := make(chan struct{}, waiting)
	good := newLog()
	work(t, b, bus.SubscriberConfig{}, func(m *message.Message) error {
		if string(m.Payload) == "0" {
			failed <- struct{}{}
			return bus.After(time.Hour, errTest)
		}
		good.add(m)
		return nil
	})
	var batch []*message.Message
	for i := range waiting {
		batch = append(batch, say(fmt.Sprint("waiting", i), 0))
	}
	publish(t, b, batch...)
	for range waiting {
		bustest.Receive(t, failed)
	}
	start := time.Now()
	for n := range 20 {
		publish(t, b, say("good", n+1))
		good.wait(t, n+1)
	}
	t.Logf("beside %d waiting threads one message takes %s", waiting, ms(time.Since(start)/20))
}

// A partition with more threads in arrears than fit into one record keeps its books in several, and finds them again.
func TestArrearsBeyondOneRecord(t *testing.T) {
	waiting := 25_000
	if os.Getenv("THREADRELAY_PROOF") == "full" {
		waiting = 45_000
	}
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{Partitions: 1})
	var calls atomic.Int64
	var failing atomic.Bool
	failing.Store(true)
	good := newLog()
	handle := func(m *message.Message) error {
		if string(m.Payload) == "0" {
			calls.Add(1)
			if failing.Load() {
				return bus.After(time.Hour, errTest)
			}
		}
		good.add(m)
		return nil
	}
	stop := workUntil(t, b, handle)
	for i := 0; i < waiting; i += 1000 {
		var batch []*message.Message
		for n := range 1000 {
			batch = append(batch, say(fmt.Sprint("waiting", i+n), 0))
		}
		publish(t, b, batch...)
	}
	awaitCount(t, &calls, int64(waiting))
	publish(t, b, say("good", 1)) // behind them all: its commit writes them all down
	good.wait(t, 1)
	stop()
	failing.Store(false)
	workUntil(t, b, handle)
	for part := waiting / 10; part < waiting; part += waiting / 10 { // a busy machine takes its time for all of them
		good.wait(t, part)
	}
	good.wait(t, waiting+1)
}

// awaitCount waits until a counter has come to n.
func awaitCount(t *testing.T, c *atomic.Int64, n int64) {
	t.Helper()
	for deadline := time.Now().Add(2 * bustest.Patience); c.Load() < n; {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d", c.Load(), n)
		}
		runtime.Gosched()
	}
}

// workUntil is work that can be stopped before the test ends.
func workUntil(t *testing.T, b *bus.Bus, handle func(*message.Message) error) (stop func()) {
	t.Helper()
	w, err := b.Worker(bus.WorkerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Consume(bus.Events, bus.SubscriberConfig{Group: "g"}, handle); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	<-w.Running()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// A thread whose handler sleeps holds back nobody, and its own messages keep their order.
func TestASleepingThreadDelaysNoOther(t *testing.T) {
	b := bustest.StartServer(t, "").Open(bus.Config{Partitions: 1})
	asleep, wake := make(chan struct{}), make(chan struct{})
	all := newLog()
	work(t, b, bus.SubscriberConfig{}, func(m *message.Message) error {
		if m.Metadata.Get(bus.LaneKey) == "test.sleeper" && string(m.Payload) == "0" {
			close(asleep)
			<-wake
		}
		all.add(m)
		return nil
	})
	publish(t, b, say("sleeper", 0))
	<-asleep
	var batch []*message.Message
	for i := range 20_000 {
		batch = append(batch, say("sleeper", i+1))
	}
	publish(t, b, batch...)
	for i := range 1000 {
		publish(t, b, say(fmt.Sprint("other", i), 0))
	}
	all.wait(t, 1000)
	close(wake)
	if os.Getenv("THREADRELAY_PROOF") == "full" {
		all.wait(t, 21_001)
	}
}

// Threads that were seen and are idle cost nothing: memory follows those that are active.
func TestIdleThreadsCostNothing(t *testing.T) {
	threads := 20_000
	if os.Getenv("THREADRELAY_PROOF") == "full" {
		threads = 100_000
	}
	nc, err := nats.Connect(serverApart(t)) // its memory is not this process's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}, threads)
	work(t, b, bus.SubscriberConfig{}, func(*message.Message) error {
		done <- struct{}{}
		return nil
	})
	seen := 0
	more := func(n int) {
		t.Helper()
		for end := seen + n; seen < end; {
			var batch []*message.Message
			for ; seen < end && len(batch) < 1000; seen++ {
				batch = append(batch, say(fmt.Sprint("thread", seen), 0))
			}
			publish(t, b, batch...)
			for range batch {
				bustest.Receive(t, done)
			}
		}
	}
	more(2000) // pools and buffers have their size now
	before := liveHeap()
	more(threads)
	grown := int64(liveHeap()) - int64(before)
	t.Logf("%d threads seen: the heap grew by %d bytes, %.1f for each", threads, grown, float64(grown)/float64(threads))
	if perThread := grown / int64(threads); perThread > 16 {
		t.Errorf("a thread that was seen costs %d bytes", perThread)
	}
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A handler that ignores its context does not keep its partition from another member, and cannot commit afterwards.
func TestAHandlerThatIgnoresItsContext(t *testing.T) {
	srv := bustest.StartServer(t, "")
	one := srv.Open(bus.Config{LeaseTTL: time.Second, Partitions: 2})
	started, release := make(chan context.Context, 100), make(chan struct{})
	work(t, one, bus.SubscriberConfig{}, func(m *message.Message) error {
		started <- m.Context()
		<-release
		return nil
	})
	defer close(release)
	publish(t, one, say("a", 0), say("b", 0)) // at least one of the two goes to the other member
	held := bustest.Receive(t, started)
	two := srv.Open(bus.Config{LeaseTTL: time.Second, Partitions: 2})
	again := newLog()
	work(t, two, bus.SubscriberConfig{}, func(m *message.Message) error {
		again.add(m)
		return nil
	})
	publishMany(t, two)
	again.wait(t, 1)
	_ = held
}

func publishMany(t *testing.T, b *bus.Bus) {
	t.Helper()
	for i := range 20 {
		publish(t, b, say(fmt.Sprint("more", i), 0))
	}
}
