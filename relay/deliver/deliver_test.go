package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// failing fails the first n calls in a given way.
func failing(n int, kind relay.Kind) func(int) error {
	return func(call int) error {
		if call > n {
			return nil
		}
		return fmt.Errorf("chat: %w", &relay.Failure{Kind: kind, After: time.Millisecond, Err: errors.New("the platform's words")})
	}
}

func TestWhatBecomesOfAnAction(t *testing.T) {
	const ever = 1 << 30
	boom := func(n int) func(int) error {
		return func(call int) error {
			if call <= n {
				panic("out of paper")
			}
			return nil
		}
	}
	cases := []struct {
		name   string
		answer func(call int) error
		calls  int
		sends  map[string]int // of this action and of the next one in its thread, which is always sent
		reason string         // of the dead letter; empty for none
	}{
		{"sent", failing(0, 0), 1, map[string]int{"sent": 2}, ""},
		{"temporary, then sent", failing(2, relay.Temporary), 3, map[string]int{"temporary": 2, "sent": 2}, ""},
		{"temporary to the last attempt", failing(attempts-1, relay.Temporary), attempts, map[string]int{"temporary": attempts - 1, "sent": 2}, ""},
		{"temporary for ever", failing(ever, relay.Temporary), attempts, map[string]int{"temporary": attempts, "sent": 1}, "chat: temporary: the platform's words"},
		{"rate limited often, then sent", failing(3*attempts, relay.RateLimited), 3*attempts + 1, map[string]int{"rate_limited": 3 * attempts, "sent": 2}, ""},
		{"denied", failing(ever, relay.Denied), 1, map[string]int{"denied": 1, "sent": 1}, "chat: denied: the platform's words"},
		{"rejected", failing(ever, relay.Rejected), 1, map[string]int{"rejected": 1, "sent": 1}, "chat: rejected: the platform's words"},
		{"root gone", failing(ever, relay.RootGone), 1, map[string]int{"root_gone": 1, "sent": 1}, "chat: root_gone: the platform's words"},
		{"an error of no kind", func(int) error { return errors.New("odd") }, attempts, map[string]int{"failed": attempts, "sent": 1}, "odd"},
		{"a panic, then sent", boom(1), 2, map[string]int{"sent": 2}, ""},
		{"a panic for ever", boom(ever), attempts, map[string]int{"sent": 1}, "out of paper"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			b := srv.Open(bus.Config{})
			calls, next := 0, make(chan int, 1) // one thread: one call at a time
			d := start(t, deliver.Config{Bus: b, Connections: platform(func(_ context.Context, a event.Action) (event.Receipt, error) {
				if a.Text == "next" {
					next <- calls
					return event.Receipt{}, nil
				}
				calls++
				return event.Receipt{Action: a.ID, Message: "m"}, c.answer(calls)
			})})
			publish(t, b, reply("a", "first"), reply("a", "next"))
			if got := bustest.Receive(t, next); got != c.calls {
				t.Errorf("%d calls, want %d", got, c.calls)
			}
			d.stop()
			d.wantSends(c.sends)
			if c.reason != "" {
				wantLetter(t, srv, c.calls, c.reason)
			} else if l := srv.Stored(bus.DeadStream); len(l) != 0 {
				t.Errorf("dead letters: %v", l[0].Header)
			}
		})
	}
}

func TestThePlatformGetsTheActionAsItWasPublished(t *testing.T) {
	b := bustest.Open(t)
	got := make(chan event.Action, 1)
	start(t, deliver.Config{Bus: b, Connections: platform(func(_ context.Context, a event.Action) (event.Receipt, error) {
		got <- a
		return event.Receipt{}, nil
	})})
	want := reply("a", "x")
	want.As, want.Cause, want.Text = "helper", "chat:1", "<b>ünï\n</b>"
	publish(t, b, want)
	want.Version = event.Version
	if a := bustest.Receive(t, got); !reflect.DeepEqual(a, want) {
		t.Errorf("got %+v", a)
	}
}

// What a platform asks for counts, be it longer or shorter than the pauses of the retry budget.
func TestARateLimitIsWaitedForAsAsked(t *testing.T) {
	cases := []struct {
		name  string
		asked time.Duration
		retry bus.Retry
	}{
		{"longer than the budget's pauses", 150 * time.Millisecond, quick()},
		{"shorter than the budget's pauses", 20 * time.Millisecond, bus.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := bustest.Open(t)
			limited, sent := time.Time{}, make(chan time.Duration, 1)
			start(t, deliver.Config{Bus: b, Default: deliver.Policy{Retry: c.retry}, Connections: platform(func(context.Context, event.Action) (event.Receipt, error) {
				if !limited.IsZero() {
					sent <- time.Since(limited)
					return event.Receipt{}, nil
				}
				limited = time.Now()
				return event.Receipt{}, &relay.Failure{Kind: relay.RateLimited, After: c.asked, Err: errors.New("slow down")}
			})})
			publish(t, b, reply("a", "x"))
			if got := bustest.Receive(t, sent); got < c.asked {
				t.Errorf("waited %s, asked were %s", got, c.asked)
			}
		})
	}
}

func TestWhatNoPlatformCanCarryOut(t *testing.T) {
	elsewhere := reply("a", "x")
	elsewhere.Thread.Connection = "nowhere"
	foreign, err := bus.ActionMessage(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	raw := func(payload string) *message.Message {
		m := message.NewMessage(payload, []byte(payload))
		m.Metadata.Set(bus.LaneKey, "support.lane")
		return m
	}
	cases := []struct {
		name   string
		m      *message.Message
		reason string
	}{
		{"an unknown connection", foreign, `action a-x is for connection "nowhere", which is not configured`},
		{"no JSON", raw("\xff\x00{"), "decode"},
		{"no action", raw("{}"), "version 0"},
		{"a version of tomorrow", raw(`{"version":99}`), "version 99"},
		{"a type of tomorrow", raw(`{"version":1,"id":"x","type":"dance"}`), `unknown type "dance"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			b := srv.Open(bus.Config{})
			sent := make(chan event.ActionID, 10)
			d := start(t, deliver.Config{Bus: b, Connections: platform(func(_ context.Context, a event.Action) (event.Receipt, error) {
				sent <- a.ID
				return event.Receipt{}, nil
			})})
			next := reply("lane", "next")
			m, err := bus.ActionMessage(next)
			if err != nil {
				t.Fatal(err)
			}
			m.Metadata.Set(bus.LaneKey, c.m.Metadata.Get(bus.LaneKey)) // behind it in the same lane
			if err := b.Publisher().Publish(bus.Actions, c.m, m); err != nil {
				t.Fatal(err)
			}
			if got := bustest.Receive(t, sent); got != next.ID {
				t.Errorf("sent was %s", got)
			}
			d.stop()
			d.wantSends(map[string]int{"sent": 1})
			wantLetter(t, srv, 1, c.reason)
		})
	}
}

func TestAThreadKeepsItsOrderAndHoldsUpNoOther(t *testing.T) {
	b := bustest.Open(t)
	order := make(chan string, 100)
	other := make(chan struct{})
	calls := 0
	start(t, deliver.Config{Bus: b, Connections: platform(func(ctx context.Context, a event.Action) (event.Receipt, error) {
		if a.Thread.Root == "b" {
			close(other)
			return event.Receipt{}, nil
		}
		order <- a.Text
		if a.Text == "first" {
			if calls++; calls <= 2 {
				return event.Receipt{}, &relay.Failure{Kind: relay.Temporary, Err: errors.New("not now")}
			}
			select { // goes on only after the other thread did
			case <-other:
			case <-ctx.Done():
				return event.Receipt{}, ctx.Err()
			}
		}
		return event.Receipt{}, nil
	})})
	publish(t, b, reply("a", "first"), reply("a", "second"), reply("a", "third"), reply("b", "x"))
	var got []string
	for range 5 {
		got = append(got, bustest.Receive(t, order))
	}
	if want := []string{"first", "first", "first", "second", "third"}; !slices.Equal(got, want) {
		t.Errorf("order %v", got)
	}
}

func TestPanicsOfOneThreadLeaveTheOthersAlone(t *testing.T) {
	const threads = 10
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	sent := make(chan event.MessageID, threads)
	d := start(t, deliver.Config{Bus: b, Connections: platform(func(_ context.Context, a event.Action) (event.Receipt, error) {
		if a.Thread.Root == "bad" && a.Text == "x" {
			panic("out of paper")
		}
		sent <- a.Thread.Root
		return event.Receipt{}, nil
	})})
	publish(t, b, reply("bad", "x"), reply("bad", "after"))
	for i := range threads - 1 {
		publish(t, b, reply(fmt.Sprint(i), "x"))
	}
	seen := map[event.MessageID]bool{}
	for range threads {
		seen[bustest.Receive(t, sent)] = true
	}
	if len(seen) != threads {
		t.Errorf("sent to %v", seen)
	}
	d.stop()
	wantLetter(t, srv, attempts, "out of paper")
}

func TestConcurrencyIsBounded(t *testing.T) {
	const actions, bound = 40, 3
	b := bustest.Open(t)
	var now, most atomic.Int32
	done := make(chan struct{}, actions)
	start(t, deliver.Config{Bus: b, Concurrency: bound, Connections: platform(func(ctx context.Context, _ event.Action) (event.Receipt, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		err := b.Ready(ctx) // takes as long as a call
		done <- struct{}{}
		return event.Receipt{}, err
	})})
	for i := range actions {
		publish(t, b, reply(fmt.Sprint(i), "x"))
	}
	for range actions {
		bustest.Receive(t, done)
	}
	if got := most.Load(); got > bound {
		t.Errorf("%d calls at the same time", got)
	}
}

func TestMetricsThatAreTakenAreAnError(t *testing.T) {
	cfg := deliver.Config{Bus: bustest.Open(t), Metrics: prometheus.NewRegistry()}
	if _, err := deliver.New(cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := deliver.New(cfg); err == nil || !strings.HasPrefix(err.Error(), "deliver: metrics: ") {
		t.Errorf("error %v", err)
	}
}
