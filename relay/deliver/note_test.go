package deliver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// One line for each call says what became of it, and holds nothing of what was said.
func TestEachCallIsLogged(t *testing.T) {
	var out bytes.Buffer // the handler's lock orders the writes; it is read after the stop
	calls := 0
	last := make(chan struct{}, 1)
	b := bustest.Open(t)
	d := start(t, deliver.Config{
		Bus: b, Log: slog.New(slog.NewJSONHandler(&out, nil)),
		Connections: platform(func(_ context.Context, a event.Action) (event.Receipt, error) {
			switch calls++; calls {
			case 1:
				return event.Receipt{}, &relay.Failure{Kind: relay.Temporary, Err: errors.New("not now")}
			case 2:
				return event.Receipt{}, errors.New("odd")
			}
			last <- struct{}{}
			return event.Receipt{Action: a.ID, Message: "m-7"}, nil
		}),
	})
	quiet := reply("a", "hush")
	quiet.Text = "say hush"
	publish(t, b, quiet)
	bustest.Receive(t, last)
	d.stop()
	if bytes.Contains(out.Bytes(), []byte(`say hush`)) {
		t.Errorf("the text is in the log: %s", out.String())
	}
	line := func(outcome, message string) map[string]any {
		return map[string]any{
			"level": "INFO", "msg": "action", "action": "a-hush", "type": "reply", "bot": "echo", "outcome": outcome, "message": message,
		}
	}
	want := []map[string]any{line("temporary", ""), line("failed", ""), line("sent", "m-7")}
	var got []map[string]any
	for dec := json.NewDecoder(&out); dec.More(); {
		m := map[string]any{}
		if err := dec.Decode(&m); err != nil {
			t.Fatal(err)
		}
		if m["thread"] == nil || m["time"] == nil {
			t.Errorf("a line without thread or time: %v", m)
		}
		delete(m, "thread")
		delete(m, "time")
		got = append(got, m)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("logged %v, want %v", got, want)
	}
}

// A send that heeds nothing but its context is cut off when the configured grace time is over, long before the default one.
func TestTheGraceTimeIsTheConfiguredOne(t *testing.T) {
	entered := make(chan struct{}, 1)
	b := bustest.Open(t)
	d := start(t, deliver.Config{Bus: b, Grace: time.Millisecond, Connections: platform(func(ctx context.Context, _ event.Action) (event.Receipt, error) {
		entered <- struct{}{}
		<-ctx.Done()
		return event.Receipt{}, ctx.Err()
	})})
	publish(t, b, reply("a", "x"))
	bustest.Receive(t, entered)
	before := time.Now()
	d.stop()
	if took := time.Since(before); took > 6*time.Second { // the default would be 8 s
		t.Errorf("the send had %s to end", took)
	}
}

// The progress of all deliverers hangs on the group's name: under another one, all that is stored would be sent again.
func TestTheGroupKeepsItsName(t *testing.T) {
	if deliver.Group != "deliver" {
		t.Errorf("the group is %q", deliver.Group)
	}
	srv := bustest.StartServer(t, "")
	connections, sent := recorder()
	b := srv.Open(bus.Config{})
	first := start(t, deliver.Config{Bus: b, Connections: connections})
	publish(t, b, reply("a", "first"))
	bustest.Receive(t, sent)
	first.stop()
	// Another reader of the same group has nothing left to take but what comes now.
	b = srv.Open(bus.Config{})
	sub, err := b.Subscriber(bus.SubscriberConfig{Group: "deliver"})
	if err != nil {
		t.Fatal(err)
	}
	actions, err := sub.Subscribe(context.Background(), bus.Actions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	})
	publish(t, b, reply("a", "second"))
	m := bustest.Receive(t, actions)
	m.Ack()
	if m.UUID != "a-second" {
		t.Errorf("the group's next action is %s", m.UUID)
	}
}
