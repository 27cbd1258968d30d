package bus_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// pace counts what happens, and knows the longest time in which nothing did.
type pace struct {
	mu     sync.Mutex
	count  int
	last   time.Time
	gap    time.Duration
	signal chan struct{} // closed at the count that await was asked for
	at     int
}

func (p *pace) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !p.last.IsZero() {
		p.gap = max(p.gap, now.Sub(p.last))
	}
	p.last = now
	p.count++
	if p.signal != nil && p.count >= p.at {
		close(p.signal)
		p.signal = nil
	}
}

// await waits for a count.
func (p *pace) await(t *testing.T, count int) {
	t.Helper()
	p.mu.Lock()
	reached := make(chan struct{})
	if p.at = count; p.count >= count {
		close(reached)
	} else {
		p.signal = reached
	}
	p.mu.Unlock()
	select {
	case <-reached:
	case <-time.After(4 * bustest.Patience):
		p.mu.Lock()
		defer p.mu.Unlock()
		t.Fatalf("%d of %d", p.count, count)
	}
}

// longest returns the longest gap since it was last asked for.
func (p *pace) longest() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	gap := p.gap
	p.gap, p.last = 0, time.Time{}
	return gap.Round(time.Millisecond)
}

// clusterLoad is publishers that never give up, and one group that handles what they publish.
type clusterLoad struct {
	threads, each int
	acked         pace
	handled       pace
	retried       atomic.Int64

	mu      sync.Mutex
	newest  map[string]int
	repeats int
	wrong   []string
}

// publish publishes the messages from to until of every thread, each until it is acknowledged, and the next a moment later.
func (l *clusterLoad) publish(t *testing.T, b *bus.Bus, from, until int) *sync.WaitGroup {
	t.Helper()
	var publishers sync.WaitGroup
	ctx, cancel := context.WithTimeout(context.Background(), 4*bustest.Patience)
	t.Cleanup(cancel)
	for thread := range l.threads {
		publishers.Go(func() {
			moment := time.NewTicker(50 * time.Millisecond)
			defer moment.Stop()
			for n := from; n < until; n++ {
				<-moment.C
				if err := l.insist(ctx, b, fmt.Sprint("t", thread), n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return &publishers
}

// insist publishes one message until it is acknowledged, under the same id.
func (l *clusterLoad) insist(ctx context.Context, b *bus.Bus, thread string, n int) error {
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := b.Publisher().Store(try, bus.Events, say(thread, n))
		cancel()
		if err == nil {
			l.acked.tick()
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("message %d of %s: %w", n, thread, err)
		}
		l.retried.Add(1)
		<-pause.C
	}
}

// handle takes a message: it must be the one after the last of its thread, or that one again.
func (l *clusterLoad) handle(m *message.Message) {
	lane := m.Metadata.Get(bus.LaneKey)
	n, err := strconv.Atoi(string(m.Payload))
	l.mu.Lock()
	last, known := l.newest[lane]
	if !known {
		last = -1
	}
	switch {
	case err == nil && n == last+1:
		l.newest[lane] = n
		l.handled.tick()
	case err == nil && n == last:
		l.repeats++
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %q after %d", lane, m.Payload, last))
	}
	l.mu.Unlock()
	m.Ack()
}

// Three servers, three copies of everything: the leader of the events, and then that of the progress records, is stopped
// under load and comes back. Nothing acknowledged is lost, order holds, and nothing committed is repeated.
func TestClusterSurvivesItsLeaders(t *testing.T) {
	survive(t, bustest.StartCluster(t, 3))
}

// The same with servers that are killed. Nobody is told: the others find out.
func TestClusterSurvivesThatItsLeadersAreKilled(t *testing.T) {
	if os.Getenv("THREADRELAY_PROOF") != "full" {
		t.Log("killed servers are part of THREADRELAY_PROOF=full")
		return
	}
	survive(t, bustest.StartClusterOf(t, 3, func(cfg natsd.Config) bustest.Member { return &mortal{t: t, cfg: cfg} }))
}

func survive(t *testing.T, cluster *bustest.Cluster) {
	t.Helper()
	load := &clusterLoad{threads: 50, each: 40, newest: make(map[string]int)}
	if os.Getenv("THREADRELAY_PROOF") == "full" {
		load.threads, load.each = 200, 400
	}
	const progress = "KV_RELAY_PROGRESS"
	publisher := cluster.Open(bus.Config{LeaseTTL: 5 * time.Second})
	for range 2 {
		_, c := subscribe(t, cluster.Open(bus.Config{LeaseTTL: 5 * time.Second}), bus.SubscriberConfig{Group: "g"})
		go func() {
			for m := range c {
				go load.handle(m)
			}
		}()
	}
	half, total := load.threads*load.each/2, load.threads*load.each
	for i, leads := range []string{bus.EventsStream, progress} {
		publishers := load.publish(t, publisher, i*load.each/2, (i+1)*load.each/2)
		load.acked.await(t, i*half+half/5)
		load.handled.await(t, i*half+half/10)
		load.acked.longest()
		load.handled.longest()
		stopped := cluster.StopLeader(leads)
		publishers.Wait()
		load.handled.await(t, (i+1)*half)
		t.Logf("leader of %s stopped: publishing paused for %s, handling for %s, %d publications repeated",
			leads, load.acked.longest(), load.handled.longest(), load.retried.Swap(0))
		cluster.Restart(stopped, bus.EventsStream, progress)
	}
	load.mu.Lock()
	defer load.mu.Unlock()
	for _, w := range load.wrong {
		t.Errorf("out of order: %s", w)
	}
	for lane, newest := range load.newest {
		if newest != load.each-1 {
			t.Errorf("%s ended at %d, want %d", lane, newest, load.each-1)
		}
	}
	t.Logf("%d messages, %d handled once more because their completion was not committed", total, load.repeats)
	info, err := stream(t, cluster.Connect(), bus.EventsStream).Info(bustest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.State.Msgs; got != uint64(total) { //nolint:gosec // not negative
		t.Errorf("%d messages are stored, want %d", got, total)
	}
}
