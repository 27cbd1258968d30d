package bus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// The environment variables that make the test binary a worker process instead of running tests.
const (
	workerURL = "THREADRELAY_TEST_WORKER_URL"
	workerTTL = "THREADRELAY_TEST_WORKER_TTL"
)

// effect is what a worker did: it handled message N of a lane.
type effect struct {
	Worker int
	Lane   string
	N      int
}

// runWorker is a process of the group "chaos": it publishes an effect for each message, then acks. A message "poison" ends
// it as a crash does.
func runWorker(url, ttl string) error {
	lease, err := time.ParseDuration(ttl)
	if err != nil {
		return err
	}
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		return err
	}
	defer nc.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	b, err := bus.Open(ctx, bus.Config{Conn: nc, LeaseTTL: lease})
	if err != nil {
		return err
	}
	w, err := b.Worker(bus.WorkerConfig{})
	if err != nil {
		return err
	}
	cfg := bus.SubscriberConfig{Group: "chaos", Retry: bus.Retry{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}}
	if err := w.Consume(bus.Events, cfg, func(m *message.Message) error { return act(nc, m) }); err != nil {
		return err
	}
	return w.Run(ctx)
}

func act(nc *nats.Conn, m *message.Message) error {
	if string(m.Payload) == "poison" {
		os.Exit(3)
	}
	if rand.IntN(50) == 0 {
		return errTest
	}
	time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond) // the work
	e := effect{Worker: os.Getpid(), Lane: m.Metadata.Get(bus.LaneKey)}
	if _, err := fmt.Sscan(string(m.Payload), &e.N); err != nil {
		return bus.Permanent(err)
	}
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(m.Context(), time.Second) // a request that is lost in an outage is not answered
	defer cancel()
	_, err = nc.RequestWithContext(ctx, "test.effects", data) // the witness has it in its books when this returns
	return err
}

// witness keeps the books of the effects, in the order in which they happened.
type witness struct {
	mu     sync.Mutex
	last   map[string]int
	when   map[string]time.Time
	gaps   map[string]time.Duration // longest time between two effects of a lane
	frozen map[int]bool             // workers that were frozen: what they did late counts for nothing
	faults []string
	repeat int
	total  int
}

func newWitness(t *testing.T, nc *nats.Conn) *witness {
	t.Helper()
	w := &witness{last: map[string]int{}, when: map[string]time.Time{}, gaps: map[string]time.Duration{}, frozen: map[int]bool{}}
	sub, err := nc.Subscribe("test.effects", func(m *nats.Msg) {
		var e effect
		if json.Unmarshal(m.Data, &e) == nil {
			w.see(e)
		}
		_ = m.Respond(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Unsubscribe() })
	return w
}

func (w *witness) see(e effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	last, known := w.last[e.Lane]
	if !known {
		last = -1
	}
	switch {
	case e.N == last+1:
		w.last[e.Lane] = e.N
		w.total++
		if known {
			w.gaps[e.Lane] = max(w.gaps[e.Lane], now.Sub(w.when[e.Lane]))
		}
		w.when[e.Lane] = now
	case e.N == last: // handled, not committed, and handled again
		w.repeat++
	case w.frozen[e.Worker]:
	default:
		w.faults = append(w.faults, fmt.Sprintf("lane %s: %d after %d (worker %d)", e.Lane, e.N, last, e.Worker))
	}
}

func (w *witness) done() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

func (w *witness) await(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(4 * bustest.Patience); w.done() < n; {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d messages were handled", w.done(), n)
		}
	}
}

// resetGaps forgets the gaps seen so far.
func (w *witness) resetGaps() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.gaps)
}

// gap returns the p-th part of the lanes' longest gaps, from 0 to 1.
func (w *witness) gap(p float64) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []time.Duration
	for _, g := range w.gaps {
		all = append(all, g)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[int(p*float64(len(all)-1))]
}

// chaosWorker is a worker process.
type chaosWorker struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func startWorker(t *testing.T, url string, ttl time.Duration) *chaosWorker {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &chaosWorker{cmd: exec.Command(self), ended: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), workerURL+"="+url, workerTTL+"="+ttl.String())
	w.cmd.Stderr = os.Stderr
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = w.cmd.Wait()
		close(w.ended)
	}()
	t.Cleanup(func() { w.end(syscall.SIGKILL) })
	return w
}

// end sends a signal and waits until the process is gone.
func (w *chaosWorker) end(s os.Signal) {
	_ = w.cmd.Process.Signal(s)
	<-w.ended
}

// chaosSize is the number of threads and of messages in each.
func chaosSize() (threads, each int) {
	if os.Getenv("THREADRELAY_PROOF") == "full" {
		return 1000, 100
	}
	return 200, 25
}

// Real processes that are killed, stopped, frozen and added, and a NATS server that restarts, while a thousand threads talk:
// nothing is lost, nothing is out of order, and nothing is repeated that was committed.
func TestChaos(t *testing.T) {
	const ttl = 3 * time.Second
	threads, each := chaosSize()
	dir := t.TempDir()
	srv, err := natsd.New(natsd.Config{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	url := srv.URL()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc, LeaseTTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	w := newWitness(t, nc)
	workers := []*chaosWorker{startWorker(t, url, ttl), startWorker(t, url, ttl), startWorker(t, url, ttl)}
	faults := []func(){
		func() { workers[0].end(syscall.SIGKILL) },
		func() { workers = append(workers, startWorker(t, url, ttl)) },
		func() { workers[1].end(syscall.SIGTERM) },
		func() { w.freeze(workers[2], ttl) },
		func() {
			_ = srv.Close()
			if srv, err = natsd.New(natsd.Config{Dir: dir, Listen: strings.TrimPrefix(url, "nats://")}); err != nil {
				t.Fatal(err)
			}
		},
		func() { workers = append(workers, startWorker(t, url, ttl)) },
	}
	names := []string{"kill -9", "a new process", "SIGTERM", "freeze", "NATS restart", "a new process"}
	stored := 0
	for i, fault := range faults {
		upTo := each * (i + 1) / (len(faults) + 1)
		for ; stored < upTo; stored++ {
			publishAll(t, b, threads, stored)
		}
		w.await(t, threads*stored/2) // under way, with work waiting
		w.resetGaps()
		fault()
		for ; stored < upTo+1; stored++ {
			publishAll(t, b, threads, stored)
		}
		w.await(t, threads*stored)
		t.Logf("%-13s gap of a thread p50 %s, p90 %s, longest %s", names[i], ms(w.gap(0.5)), ms(w.gap(0.9)), ms(w.gap(1)))
	}
	for ; stored < each; stored++ {
		publishAll(t, b, threads, stored)
	}
	w.await(t, threads*each)
	w.verdict(t)
}

func ms(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// publishAll says message n in every thread, and says it again until it is stored.
func publishAll(t *testing.T, b *bus.Bus, threads, n int) {
	t.Helper()
	var batch []*message.Message
	for i := range threads {
		batch = append(batch, say(fmt.Sprint("thread", i), n))
	}
	for deadline := time.Now().Add(bustest.Patience); ; {
		err := b.Publisher().Publish(bus.Events, batch...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// freeze stops a process for longer than others wait for it, and lets it go on.
func (w *witness) freeze(c *chaosWorker, ttl time.Duration) {
	w.mu.Lock()
	w.frozen[c.cmd.Process.Pid] = true
	w.mu.Unlock()
	_ = c.cmd.Process.Signal(syscall.SIGSTOP)
	time.AfterFunc(2*ttl, func() { _ = c.cmd.Process.Signal(syscall.SIGCONT) })
}

func (w *witness) verdict(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	t.Logf("%d messages, %d handled again because their commit had not come to pass", w.total, w.repeat)
	for _, f := range w.faults[:min(len(w.faults), 10)] {
		t.Error(f)
	}
	if len(w.faults) > 10 {
		t.Errorf("and %d more", len(w.faults)-10)
	}
}

// A message whose handler ends the process must not keep the group from working for ever.
func TestAMessageThatKillsItsProcessDies(t *testing.T) {
	const ttl = 2 * time.Second
	srv, err := natsd.New(natsd.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	nc, err := nats.Connect(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	w := newWitness(t, nc)
	poison := say("a", 99)
	poison.Payload = []byte("poison")
	publish(t, b, poison, say("a", 0), say("b", 0))
	crashes := 0
	for w.done() < 2 && crashes < 10 {
		worker := startWorker(t, srv.URL(), ttl)
		for running := true; running && w.done() < 2; {
			select {
			case <-worker.ended:
				running = false
				crashes++
			default:
			}
		}
	}
	t.Logf("%d crashes until the message was a dead letter", crashes)
	if w.done() < 2 {
		t.Error("the messages behind the poison were not handled")
	}
	if crashes > 5 {
		t.Errorf("it took %d crashes", crashes)
	}
}
