package ingest_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/ingest"
)

// past is a platform with a long past, made up as it is read: one message in ten answers the one before it.
type past struct {
	total int
	begun chan struct{} // closed when the past may be read
	done  chan struct{} // closed when all of it was

	mu   sync.Mutex
	once sync.Once
	peak int64 // resident bytes
}

func (p *past) CheckSource(string) error { return nil }

func (p *past) Poll(ctx context.Context, r relay.PollRequest) (relay.Page, error) {
	select {
	case <-p.begun:
	case <-ctx.Done():
		return relay.Page{}, ctx.Err()
	}
	p.mu.Lock()
	p.peak = max(p.peak, resident())
	p.mu.Unlock()
	from := 0
	if r.After != "" {
		from, _ = strconv.Atoi(r.After)
	}
	if from >= p.total {
		p.once.Do(func() { close(p.done) })
	}
	page := relay.Page{Calls: 1}
	to := min(from+1000, p.total)
	for n := from; n < to; n++ {
		page.Events = append(page.Events, p.message(n))
	}
	page.Next, page.More = strconv.Itoa(to), to < p.total
	return page, nil
}

func (p *past) message(n int) event.Event {
	e := created(strconv.Itoa(n), strings.Repeat("words ", 60))
	e.Time = time.Now().Add(-24*time.Hour + time.Duration(n)*time.Millisecond)
	e.Thread.Root, e.Message.ID = event.MessageID(strconv.Itoa(n)), event.MessageID(strconv.Itoa(n))
	if n%10 == 9 {
		e.Thread.Root = event.MessageID(strconv.Itoa(n - 1))
		e.Message.Parent = e.Thread.Root
	}
	return e
}

// resident is the memory of this process that the kernel keeps, in bytes; 0 where it does not tell.
func resident() int64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(string(bytes.Fields(data)[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}

// serverApart is the environment variable that makes TestServerApart a NATS server for another process.
const serverApart = "THREADRELAY_TEST_SERVER_APART"

// TestServerApart is no test of its own: it runs a server until standard input ends, and says where it listens.
func TestServerApart(t *testing.T) {
	if os.Getenv(serverApart) == "" {
		t.Log("it is run by TestBackfillInConstantMemory")
		return
	}
	srv := bustest.StartServer(t, "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			outer, err := l.Accept()
			if err != nil {
				return
			}
			inner, err := srv.InProcessConn()
			if err != nil {
				t.Error(err)
				return
			}
			conns.Go(func() { _, _ = io.Copy(inner, outer); _ = inner.Close() })
			conns.Go(func() { _, _ = io.Copy(outer, inner); _ = outer.Close() })
		}
	})
	fmt.Fprintln(os.Stderr, "listens on", l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = l.Close()
	srv.Stop()
	conns.Wait()
}

// startApart runs a NATS server in a process of its own, so that its memory is not counted, and returns its address.
func startApart(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run", "^TestServerApart$", "-test.timeout", "1h")
	cmd.Env = append(os.Environ(), serverApart+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if address, ok := strings.CutPrefix(lines.Text(), "listens on "); ok {
			return address
		}
	}
	t.Fatal("the server did not say where it listens")
	return ""
}

// A long past is read page by page: what is in memory does not grow with it. THREADRELAY_PROOF=full reads a million messages.
func TestBackfillInConstantMemory(t *testing.T) {
	total, patience := 20_000, bustest.Patience
	if os.Getenv("THREADRELAY_PROOF") == "full" {
		total, patience = 1_000_000, 20*time.Minute
	}
	nc, err := nats.Connect(startApart(t))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	p := &past{total: total, begun: make(chan struct{}), done: make(chan struct{})}
	poll, err := ingest.NewPoll(ingest.PollConfig{
		Bus: b, Connection: "support", Poller: p, Sources: []string{"app"}, Backfill: 48 * time.Hour, Interval: 10 * time.Millisecond, Budget: 1_000_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- poll.Run(ctx) }()
	runtime.GC()
	idle, start := resident(), time.Now()
	close(p.begun)
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Error("the past was not read to its end")
	}
	took := time.Since(start)
	cancel()
	if err := bustest.Receive(t, ended); err != nil {
		t.Error(err)
	}
	over := p.peak - idle
	t.Logf("%d messages in %s (%.0f/s), %.1f MB idle, at most %.1f MB over it", total, took.Round(time.Millisecond), float64(total)/took.Seconds(), float64(idle)/1e6, float64(over)/1e6)
	if over > 64<<20 {
		t.Errorf("%d bytes over idle", over)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(bustest.Context(t), bus.EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	if got := int(s.CachedInfo().State.Msgs); got != total {
		t.Errorf("%d messages are stored, want %d", got, total)
	}
}
