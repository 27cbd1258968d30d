package deliver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// recorder is a platform that takes everything at once.
func recorder() (map[event.ConnectionID]relay.Sender, chan event.ActionID) {
	sent := make(chan event.ActionID, 100)
	return platform(func(_ context.Context, a event.Action) (event.Receipt, error) {
		sent <- a.ID
		return event.Receipt{}, nil
	}), sent
}

func TestASendUnderWayMayFinishAndIsNotRepeated(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	entered, release, left := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	first := start(t, deliver.Config{Bus: b, Connections: platform(func(ctx context.Context, _ event.Action) (event.Receipt, error) {
		close(entered) // a second call would panic
		select {
		case <-release:
		case <-ctx.Done():
		}
		left <- ctx.Err()
		return event.Receipt{}, nil
	})})
	publish(t, b, reply("a", "first"))
	bustest.Receive(t, closed(entered))
	first.cancel()
	select {
	case err := <-first.ended:
		t.Fatalf("ended during a send: %v", err)
	default:
	}
	close(release)
	if err := bustest.Receive(t, left); err != nil {
		t.Errorf("the send's context: %v", err)
	}
	first.stop()
	publish(t, b, reply("a", "second"))

	connections, sent := recorder()
	next := start(t, deliver.Config{Bus: srv.Open(bus.Config{}), Connections: connections})
	if got := bustest.Receive(t, sent); got != "a-second" {
		t.Errorf("the next deliverer sent %s", got)
	}
	next.stop()
	next.wantSends(map[string]int{"sent": 1})
	if l := srv.Stored(bus.DeadStream); len(l) != 0 {
		t.Errorf("dead letters: %v", l[0].Header)
	}
}

// closed makes a channel that is to be closed fit to be received from.
func closed(c <-chan struct{}) <-chan struct{} {
	out := make(chan struct{}, 1)
	go func() {
		<-c
		out <- struct{}{}
	}()
	return out
}

func TestASendThatOutlivesTheGraceTimeIsRepeated(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	entered, left := make(chan struct{}, 1), make(chan error, 1)
	first := start(t, deliver.Config{Bus: b, Grace: 50 * time.Millisecond, Connections: platform(func(ctx context.Context, _ event.Action) (event.Receipt, error) {
		entered <- struct{}{}
		<-ctx.Done()
		left <- ctx.Err()
		return event.Receipt{}, &relay.Failure{Kind: relay.Temporary, Err: ctx.Err()}
	})})
	publish(t, b, reply("a", "first"))
	bustest.Receive(t, entered)
	first.cancel()
	if err := bustest.Receive(t, left); !errors.Is(err, context.Canceled) {
		t.Errorf("the send's context: %v", err)
	}
	first.stop()

	connections, sent := recorder()
	start(t, deliver.Config{Bus: srv.Open(bus.Config{}), Connections: connections})
	if got := bustest.Receive(t, sent); got != "a-first" {
		t.Errorf("the next deliverer sent %s", got)
	}
}

func TestFailedAttemptsCountAcrossARestart(t *testing.T) {
	srv := bustest.StartServer(t, "")
	calls := make(chan struct{}, 100)
	fail := platform(func(context.Context, event.Action) (event.Receipt, error) {
		calls <- struct{}{}
		return event.Receipt{}, &relay.Failure{Kind: relay.Temporary, Err: errors.New("not now")}
	})
	b := srv.Open(bus.Config{})
	first := start(t, deliver.Config{Bus: b, Connections: fail, Default: deliver.Policy{Retry: bus.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour}}})
	publish(t, b, reply("a", "first"))
	bustest.Receive(t, calls)
	first.stop()

	sent := make(chan event.ActionID, 1)
	start(t, deliver.Config{Bus: srv.Open(bus.Config{}), Default: deliver.Policy{Retry: bus.Retry{Attempts: 2}}, Connections: platform(func(ctx context.Context, a event.Action) (event.Receipt, error) {
		if a.Text == "first" {
			return fail["support"].Send(ctx, a)
		}
		sent <- a.ID
		return event.Receipt{}, nil
	})})
	publish(t, b, reply("a", "second"))
	bustest.Receive(t, sent)
	bustest.Receive(t, calls)
	if len(calls) != 0 {
		t.Error("the attempts began anew")
	}
	wantLetter(t, srv, 2, "not now")
}
