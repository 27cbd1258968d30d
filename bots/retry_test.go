package bots_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

func TestWhatAHandlerSaysLeavesWhenItSucceeds(t *testing.T) {
	st := newStage(t)
	actions := st.stream(bus.ActionsStream)
	before := make(chan uint64, 100) // actions stored at the end of each attempt
	attempt := 0                     // one thread: one handler at a time
	st.run(every("b", func(ctx context.Context, m *bots.Message) error {
		m.Reply("%s: one", m.Text)
		m.Reply("%s: two", m.Text)
		info, err := actions.Info(ctx)
		if err != nil {
			return err
		}
		before <- info.State.Msgs
		if attempt++; attempt < 3 {
			return errTest
		}
		return nil
	}))
	st.publish(direct("t", 0))
	st.wantNext("t 0: one", "t 0: two")
	for n := range 3 {
		if left := bustest.Receive(t, before); left != 0 {
			t.Errorf("%d actions had left at attempt %d", left, n+1)
		}
	}
	st.publish(direct("t", 1))
	st.wantNext("t 1: one", "t 1: two")
	st.wantSent("t 0: one", "t 0: two", "t 1: one", "t 1: two")
	if n := st.stored(bus.DeadStream); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

func TestWhatAFailedHandlerSaidNeverLeaves(t *testing.T) {
	cases := []struct {
		name     string
		fail     bots.Handler
		attempts int
		reason   string
	}{
		{"an error", func(context.Context, *bots.Message) error { return errTest }, 4, "bots: b: out of paper"},
		{"permanent", func(context.Context, *bots.Message) error { return bots.Permanent(errTest) }, 1, "bots: b: out of paper"},
		{"permanent, wrapped", func(context.Context, *bots.Message) error {
			return fmt.Errorf("print: %w", bots.Permanent(errTest))
		}, 1, "bots: b: print: out of paper"},
		{"a panic", func(context.Context, *bots.Message) error { panic("out of ink") }, 4, "out of ink"},
		{"a panic with an error", func(context.Context, *bots.Message) error { panic(errTest) }, 4, "out of paper"},
		{"an empty reply", func(_ context.Context, m *bots.Message) error { m.Reply(""); return nil }, 1, "reply without text"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			st := newStage(t)
			attempts := make(chan int, 100)
			bot := bots.New("b")
			bot.On(bots.Text(` 0$`), func(ctx context.Context, m *bots.Message) error {
				d, _ := bus.DeliveryOf(ctx)
				attempts <- d.Attempt
				m.Reply("of no consequence")
				return c.fail(ctx, m)
			})
			bot.Every(repeat)
			st.run(bot)
			st.publish(direct("t", 0), direct("t", 1))
			st.wantNext("t 1")
			st.wantSent("t 1")
			close(attempts)
			n := 0
			for a := range attempts {
				if n++; a != n {
					t.Errorf("attempt %d called itself %d", n, a)
				}
			}
			if n != c.attempts {
				t.Errorf("%d attempts, want %d", n, c.attempts)
			}
			st.wantLetter("test:t-0", c.attempts, c.reason)
		})
	}
}

// wantLetter expects one dead letter: that of an event for the bot b.
func (st *stage) wantLetter(id string, attempts int, reason string) {
	st.t.Helper()
	if n := st.stored(bus.DeadStream); n != 1 {
		st.t.Fatalf("%d dead letters, want 1", n)
	}
	m, err := st.stream(bus.DeadStream).GetMsg(bustest.Context(st.t), 1)
	if err != nil {
		st.t.Fatal(err)
	}
	want := map[string]string{
		"Relay-Dead-Consumer": "bot-b", "Relay-Dead-Stage": bus.Events,
		"Relay-Dead-Attempts": fmt.Sprint(attempts), "Relay-Dead-Nats-Msg-Id": id,
	}
	for k, v := range want {
		if got := m.Header.Get(k); got != v {
			st.t.Errorf("%s is %q, want %q", k, got, v)
		}
	}
	if got := m.Header.Get("Relay-Dead-Reason"); !strings.Contains(got, reason) {
		st.t.Errorf("reason %q, want one with %q", got, reason)
	}
}

func TestAnEventThatCannotBeReadDiesAtOnce(t *testing.T) {
	st := newStage(t)
	st.run(every("b", repeat))
	good, err := bus.EventMessage(direct("t", 1))
	if err != nil {
		t.Fatal(err)
	}
	bad := message.NewMessage("bad", []byte(`{"version":99}`))
	bad.Metadata.Set(bus.LaneKey, good.Metadata.Get(bus.LaneKey))
	if err := st.bus.Publisher().Publish(bus.Events, bad, good); err != nil {
		t.Fatal(err)
	}
	st.wantNext("t 1")
	st.wantSent("t 1")
	st.wantLetter("bad", 1, "version 99")
}

func TestAfterIsNotChargedAndWaits(t *testing.T) {
	const calls, wait = 10, 2 * time.Millisecond // more calls than there are attempts
	st := newStage(t)
	var ends []time.Time // one thread: one handler at a time
	st.run(every("b", func(_ context.Context, m *bots.Message) error {
		if n := len(ends); n > 0 && time.Since(ends[n-1]) < wait {
			t.Errorf("attempt %d came %s after the one before it", n+1, time.Since(ends[n-1]))
		}
		m.Reply("%d", len(ends))
		ends = append(ends, time.Now())
		if len(ends) < calls {
			return fmt.Errorf("slow down: %w", bots.After(wait, errTest))
		}
		return nil
	}))
	st.publish(direct("t", 0))
	st.wantNext(fmt.Sprint(calls - 1))
	st.wantSent(fmt.Sprint(calls - 1))
	if n := st.stored(bus.DeadStream); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

func TestMarksOfNoError(t *testing.T) {
	if bots.Permanent(nil) != nil || bots.After(time.Second, nil) != nil {
		t.Error("nil became an error")
	}
	if !errors.Is(bots.Permanent(errTest), errTest) || !errors.Is(bots.After(time.Second, errTest), errTest) {
		t.Error("a mark hides the error")
	}
}

func TestAThreadThatWaitsDelaysNoOther(t *testing.T) {
	busy := func(ctx context.Context, release <-chan struct{}) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	retrying := func(_ context.Context, release <-chan struct{}) error {
		select {
		case <-release:
			return nil
		default:
			return bots.After(time.Millisecond, errTest)
		}
	}
	const others = 20
	for name, wait := range map[string]func(context.Context, <-chan struct{}) error{"its handler is busy": busy, "it is tried again and again": retrying} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t)
			held, release := make(chan bool, 1), make(chan struct{})
			bot := bots.New("b")
			bot.On(bots.Text(`^slow`), func(ctx context.Context, m *bots.Message) error {
				select {
				case held <- true:
				default: // only the first attempt is waited for
				}
				m.Reply("%s", m.Text)
				return wait(ctx, release)
			})
			bot.Every(repeat)
			st.run(bot)
			st.publish(direct("slow", 0), direct("slow", 1))
			bustest.Receive(t, held)
			for n := range others {
				st.publish(direct(fmt.Sprint("fast", n), 0))
				st.wantNext(fmt.Sprintf("fast%d 0", n))
			}
			close(release)
			st.wantNext("slow 0", "slow 1")
		})
	}
}
