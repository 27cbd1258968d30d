package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// life is a process that handles the events of the group "g" until it dies.
func life(t *testing.T, srv *bustest.Server, cfg bus.SubscriberConfig, h message.NoPublishHandlerFunc) (die func()) {
	t.Helper()
	conn := srv.Connect()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: conn, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	w, err := b.Worker(bus.WorkerConfig{Grace: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Group = "g"
	if err := w.Consume(bus.Events, cfg, h); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	<-w.Running()
	return func() {
		conn.Close() // nothing that it does from now on has any effect
		cancel()
		t.Log("a dead process ended:", <-ended)
	}
}

// awaitAbsolved waits until it is on record that nothing of the group is being handled, and something is still to be.
func awaitAbsolved(t *testing.T, srv *bustest.Server) {
	t.Helper()
	kv := progressBucket(t, srv)
	var all string
	for deadline := time.Now().Add(bustest.Patience); time.Now().Before(deadline); {
		all = ""
		for _, r := range recordsIn(t, kv, "g") {
			all += fmt.Sprint(r.Arrears)
		}
		if strings.Contains(all, "lane:") && !strings.Contains(all, "started:") {
			return
		}
	}
	t.Fatalf("on record is %s", all)
}

// A message counts as one that may have ended its process only if it was being handled then.
func TestOnlyWhatWasBeingHandledIsBlamedForACrash(t *testing.T) {
	for name, c := range map[string]struct {
		waits bool
		dead  int
	}{"it waited": {true, 0}, "it was being handled": {false, 1}} {
		t.Run(name, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			cfg := bus.SubscriberConfig{Retry: bus.Retry{Crashes: 1}}
			held := make(chan struct{}, 2)
			hold := func(m *message.Message) error {
				held <- struct{}{}
				<-m.Context().Done()
				return m.Context().Err()
			}
			publish(t, srv.Open(bus.Config{}), say("a", 0))
			die := life(t, srv, cfg, hold)
			bustest.Receive(t, held)
			die()

			second := hold
			if c.waits {
				second = func(*message.Message) error {
					held <- struct{}{}
					return bus.After(time.Hour, errors.New("not now"))
				}
			}
			die = life(t, srv, cfg, second)
			bustest.Receive(t, held)
			if c.waits {
				awaitAbsolved(t, srv)
			}
			die()

			handled := make(chan string, 1)
			die = life(t, srv, bus.SubscriberConfig{Retry: cfg.Retry, Dying: func(m *message.Message, _ error) error {
				handled <- "dying"
				return nil
			}}, func(m *message.Message) error {
				handled <- "handled"
				return nil
			})
			if got, want := bustest.Receive(t, handled), map[bool]string{true: "handled", false: "dying"}[c.waits]; got != want {
				t.Errorf("it was %s, want %s", got, want)
			}
			for deadline := time.Now().Add(bustest.Patience); srv.Count(bus.DeadStream) < c.dead && time.Now().Before(deadline); {
			}
			if n := srv.Count(bus.DeadStream); n != c.dead {
				t.Errorf("%d dead letters, want %d", n, c.dead)
			}
			die()
		})
	}
}

// However many threads wait when a process takes over from one that died, few of their messages can be blamed if it dies too.
func TestFewCanBeBlamedForACrash(t *testing.T) {
	const lanes, concurrency, few = 100, 2, 25 // a count of records that are read one after the other is not exact
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	cfg := bus.SubscriberConfig{Concurrency: concurrency}
	held := make(chan struct{}, concurrency)
	for i := range lanes {
		publish(t, b, say(fmt.Sprint(i), 0))
	}
	die := life(t, srv, cfg, func(m *message.Message) error {
		held <- struct{}{}
		<-m.Context().Done()
		return m.Context().Err()
	})
	for range concurrency {
		bustest.Receive(t, held)
	}
	die()

	kv := progressBucket(t, srv)
	most, handled := make(chan int, lanes), make(chan string, lanes)
	die = life(t, srv, cfg, func(m *message.Message) error {
		started := 0
		for _, r := range recordsIn(t, kv, "g") {
			started += strings.Count(fmt.Sprint(r.Arrears), "started:")
		}
		most <- started
		handled <- m.UUID
		return nil
	})
	seen := make(map[string]bool)
	for len(seen) < lanes {
		seen[bustest.Receive(t, handled)] = true
		if n := bustest.Receive(t, most); n > few {
			t.Fatalf("%d messages are on record as being handled while %d handlers may run", n, concurrency)
		}
	}
	die()
}
