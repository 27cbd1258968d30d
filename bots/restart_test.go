package bots_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
)

func TestWhatWasHandledIsNotHandledAfterARestart(t *testing.T) {
	st := newStage(t)
	shown := make(chan string, 100)
	handler := func(_ context.Context, m *bots.Message) error {
		shown <- m.Text
		return nil
	}
	stop := st.run(every("b", handler))
	st.publish(direct("t", 0), direct("t", 1))
	for _, want := range []string{"t 0", "t 1"} {
		if got := bustest.Receive(t, shown); got != want {
			t.Errorf("was shown %q, want %q", got, want)
		}
	}
	stop()
	st.publish(direct("t", 2)) // while no bot runs
	st.start(config(st.srv.Open(bus.Config{}), every("b", handler)))
	st.publish(direct("t", 3))
	for _, want := range []string{"t 2", "t 3"} {
		if got := bustest.Receive(t, shown); got != want {
			t.Errorf("after the restart was shown %q, want %q", got, want)
		}
	}
}

// The grace time is over before the handler is: its context ends, and the next start shows it the message again.
func TestAHandlerThatWasInterruptedRunsAgain(t *testing.T) {
	st := newStage(t)
	shown := make(chan bool, 1)
	cfg := config(st.bus, every("b", func(ctx context.Context, m *bots.Message) error {
		m.Reply("never")
		shown <- true
		<-ctx.Done()
		return ctx.Err()
	}))
	cfg.Grace = time.Millisecond
	stop := st.start(cfg)
	st.publish(direct("t", 0))
	bustest.Receive(t, shown)
	before := time.Now()
	stop()
	if took := time.Since(before); took > 6*time.Second { // the default would be 8 s
		t.Errorf("the handler had %s to end", took)
	}
	st.run(every("b", repeat))
	st.wantNext("t 0")
	st.wantSent("t 0")
}

func TestAStopWaitsForRunningHandlers(t *testing.T) {
	st := newStage(t)
	started, release := make(chan bool, 1), make(chan struct{})
	r, err := bots.NewRunner(config(st.bus, every("b", func(ctx context.Context, m *bots.Message) error {
		started <- true
		select {
		case <-release:
		case <-ctx.Done():
			return ctx.Err()
		}
		return repeat(ctx, m)
	})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	st.publish(direct("t", 0))
	bustest.Receive(t, started)
	cancel()
	close(release)
	st.wantNext("t 0")
	if err := bustest.Receive(t, ended); err != nil {
		t.Error(err)
	}
}

// A test cannot store a message of yesterday, since the server sets the time itself. So this one sees that a message from
// before the first start is shown, and that the server is asked for those of the last hour and no more.
func TestTheFirstStartLooksAnHourBack(t *testing.T) {
	st := newStage(t)
	st.publish(direct("t", 0))
	nc := st.srv.Connect()
	requests := make(chan *nats.Msg, 1000)
	sub, err := nc.ChanSubscribe("$JS.API.CONSUMER.CREATE."+bus.EventsStream+".>", requests)
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	stop := st.run(every("b", repeat))
	after := time.Now()
	st.wantNext("t 0")
	stop()
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for len(requests) > 0 {
		var r struct {
			Config struct {
				Policy string    `json:"deliver_policy"`
				Start  time.Time `json:"opt_start_time"`
			} `json:"config"`
		}
		if err := json.Unmarshal((<-requests).Data, &r); err != nil {
			t.Fatal(err)
		}
		if r.Config.Policy != "by_start_time" {
			continue
		}
		asked++
		if s := r.Config.Start; s.Before(before.Add(-time.Hour)) || s.After(after.Add(-time.Hour)) {
			t.Errorf("asked for messages from %s on, %s before the start", s, before.Sub(s))
		}
	}
	if asked == 0 {
		t.Error("the server was not asked for messages by their time")
	}
}

// The duplicate window of the stream is what makes a second run harmless: here the progress of all bots is lost.
func TestAHandlerThatRunsTwiceIsSeenOnce(t *testing.T) {
	st := newStage(t)
	stop := st.run(every("b", repeat))
	st.publish(direct("t", 0))
	st.wantNext("t 0")
	stop()
	js, err := jetstream.New(st.srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(bustest.Context(t), "RELAY_PROGRESS")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 16 {
		if err := kv.Purge(bustest.Context(t), fmt.Sprintf("bot-b.events.%d", n)); err != nil {
			t.Fatal(err)
		}
	}
	st.run(every("b", repeat))
	st.publish(direct("t", 1))
	st.wantNext("t 1")
	for _, want := range []event.ActionID{event.NewActionID("test:t-0", "b", 0), event.NewActionID("test:t-0", "b", 0), event.NewActionID("test:t-1", "b", 0)} {
		m, err := st.wire.NextMsg(bustest.Patience)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Header.Get(jetstream.MsgIDHeader); got != string(want) {
			t.Errorf("sent %s, want %s", got, want)
		}
	}
	if n := st.stored(bus.ActionsStream); n != 2 {
		t.Errorf("%d actions are stored, want 2", n)
	}
}
