package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// completer is a platform that is one function.
type completer func(ctx context.Context, e event.Event) (event.Event, error)

func (c completer) Complete(ctx context.Context, e event.Event) (event.Event, error) {
	return c(ctx, e)
}

// reaction is the n-th reaction to a message, of which nobody knows where it is.
func reaction(message string, n int) event.Event {
	return event.Event{
		ID: event.ID(fmt.Sprintf("reaction-%s-%d", message, n)), Type: event.ReactionAdded, Time: time.Now(), Platform: "world", Incomplete: true,
		Thread:   event.ThreadRef{Connection: "support"},
		Reaction: &event.Reaction{Message: event.MessageID(message), Emoji: "👍", By: event.User{ID: "ana"}},
	}
}

// placed completes a reaction.
func placed(_ context.Context, e event.Event) (event.Event, error) {
	e.Incomplete = false
	e.ID += ":final"
	e.Thread.Conversation, e.Thread.Root = "group/eng", "41"
	return e, nil
}

// stage is a bus whose incomplete events are completed.
type stage struct {
	t       *testing.T
	srv     *bustest.Server
	bus     *bus.Bus
	post    func(event.Event) (int, string)
	metrics *prometheus.Registry
}

func newStage(t *testing.T, c relay.Completer) *stage {
	t.Helper()
	srv := bustest.StartServer(t, "")
	st := &stage{t: t, srv: srv, bus: srv.Open(bus.Config{}), metrics: prometheus.NewRegistry()}
	st.post = hook(t, WebhookConfig{Bus: st.bus})
	completion, err := NewCompletion(CompletionConfig{
		Bus: st.bus, Connections: map[event.ConnectionID]relay.Completer{"support": c}, Metrics: st.metrics,
		Retry: bus.Retry{Attempts: 4, Min: time.Millisecond, Max: 4 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- completion.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := bustest.Receive(t, ended); err != nil {
			t.Errorf("the completion ended with %v", err)
		}
	})
	bustest.Receive(t, closed(completion.Running()))
	return st
}

// take posts a webhook, which must be answered 200.
func (st *stage) take(e event.Event) {
	st.t.Helper()
	if status, outcome := st.post(e); status != http.StatusOK {
		st.t.Fatalf("%s was answered %d %s", e.ID, status, outcome)
	}
}

// dead returns the only dead letter.
func (st *stage) dead() bus.DeadLetter {
	st.t.Helper()
	await(st.t, "a dead letter", func() bool { return stored(st.t, st.srv, bus.DeadStream)() > 0 })
	var all []bus.DeadLetter
	for d, err := range st.bus.DeadLetters(bustest.Context(st.t), bus.DeadFilter{}) {
		if err != nil {
			st.t.Fatal(err)
		}
		all = append(all, d)
	}
	if len(all) != 1 {
		st.t.Fatalf("%d dead letters", len(all))
	}
	return all[0]
}

// An incomplete event is stored apart before it is answered, and reaches the events complete, once, in the order of its
// message.
func TestCompletion(t *testing.T) {
	st := newStage(t, completer(placed))
	for n := range 5 {
		st.take(reaction("7", n))
		st.take(reaction("7", n))
	}
	await(t, "the events", func() bool { return stored(t, st.srv, bus.EventsStream)() == 5 })
	if got, want := shelved(t, st.srv, bus.IncompleteStream), numbered("reaction-7", 5); !slices.Equal(got, want) {
		t.Errorf("stored apart: %v, want %v", got, want)
	}
	var want []string
	for _, id := range numbered("reaction-7", 5) {
		want = append(want, id+":final")
	}
	if got := shelved(t, st.srv, bus.EventsStream); !slices.Equal(got, want) {
		t.Errorf("events: %v, want %v", got, want)
	}
	await(t, "the metric", func() bool {
		text := "# HELP threadrelay_completions_total Attempts to complete events, by connection and outcome (completed, gone, or the kind of failure).\n" +
			"# TYPE threadrelay_completions_total counter\nthreadrelay_completions_total{connection=\"support\",outcome=\"completed\"} 5\n"
		return testutil.GatherAndCompare(st.metrics, strings.NewReader(text), "threadrelay_completions_total") == nil
	})
}

// What a poll brings incomplete goes the same way.
func TestAPollBringsIncompleteEvents(t *testing.T) {
	st := newStage(t, completer(placed))
	w := newWorld()
	w.happen("app", said("app", 0))
	w.happen("app", reaction("7", 0))
	w.happen("app", said("app", 1))
	_, stop := start(t, quickly(st.bus, w, "app"))
	defer stop()
	await(t, "the events", func() bool { return stored(t, st.srv, bus.EventsStream)() == 3 })
	got := shelved(t, st.srv, bus.EventsStream)
	slices.Sort(got)
	if want := []string{"app-0", "app-1", "reaction-7-0:final"}; !slices.Equal(got, want) {
		t.Errorf("events: %v, want %v", got, want)
	}
}

// Failures that may pass are tried again in the lane of their message, in order, while other messages go on.
func TestCompletionIsRepeated(t *testing.T) {
	cases := map[string]error{
		"temporary":    &relay.Failure{Kind: relay.Temporary, Err: errors.New("502")},
		"rate limited": &relay.Failure{Kind: relay.RateLimited, After: time.Millisecond, Err: errors.New("429")},
		"unknown":      errors.New("no idea"),
	}
	for name, failure := range cases {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			tries := make(map[event.ID]int)
			st := newStage(t, completer(func(ctx context.Context, e event.Event) (event.Event, error) {
				mu.Lock()
				defer mu.Unlock()
				if tries[e.ID]++; tries[e.ID] < 3 && e.Reaction.Message == "7" {
					return event.Event{}, failure
				}
				return placed(ctx, e)
			}))
			st.take(reaction("7", 0))
			st.take(reaction("7", 1))
			st.take(reaction("8", 0))
			await(t, "the events", func() bool { return stored(t, st.srv, bus.EventsStream)() == 3 })
			got := shelved(t, st.srv, bus.EventsStream)
			if a, b := slices.Index(got, "reaction-7-0:final"), slices.Index(got, "reaction-7-1:final"); a > b || a < 0 {
				t.Errorf("events: %v", got)
			}
		})
	}
}

// A message whose events cannot be completed at this moment holds up no other message.
func TestCompletionHoldsUpNoOthers(t *testing.T) {
	st := newStage(t, completer(func(ctx context.Context, e event.Event) (event.Event, error) {
		if e.Reaction.Message == "7" {
			return event.Event{}, &relay.Failure{Kind: relay.RateLimited, After: time.Hour, Err: errors.New("429")}
		}
		return placed(ctx, e)
	}))
	st.take(reaction("7", 0))
	st.take(reaction("8", 0))
	await(t, "the other event", func() bool { return stored(t, st.srv, bus.EventsStream)() == 1 })
}

// A reaction to a message that is gone is nobody's fault, and nothing can be answered to it.
func TestCompletionOfWhatIsGone(t *testing.T) {
	st := newStage(t, completer(func(context.Context, event.Event) (event.Event, error) {
		return event.Event{}, fmt.Errorf("world: %w", &relay.Failure{Kind: relay.RootGone, Err: errors.New("no such message")})
	}))
	st.take(reaction("7", 0))
	await(t, "the event", func() bool { return stored(t, st.srv, bus.EventsStream)() == 1 })
	sub, err := st.bus.Subscriber(bus.SubscriberConfig{Group: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	c, err := sub.Subscribe(t.Context(), bus.Events)
	if err != nil {
		t.Fatal(err)
	}
	m := bustest.Receive(t, c)
	m.Ack()
	e, err := bus.ReadEvent(m)
	if err != nil {
		t.Fatal(err)
	}
	var payload struct {
		Event  event.Event
		Reason string
	}
	if err := json.Unmarshal(e.Payload, &payload); err != nil {
		t.Fatal(err)
	}
	if e.Type != event.Other || e.ID != "reaction-7-0" || payload.Event.Reaction.Message != "7" || !strings.Contains(payload.Reason, "no such message") {
		t.Errorf("it became %+v, payload %s", e, e.Payload)
	}
	if n := stored(t, st.srv, bus.DeadStream)(); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// What the platform refuses to explain is kept for people, who can have it tried again.
func TestCompletionThatIsRefused(t *testing.T) {
	cases := map[string]struct {
		complete completer
		reason   string
	}{
		"denied": {func(context.Context, event.Event) (event.Event, error) {
			return event.Event{}, &relay.Failure{Kind: relay.Denied, Err: errors.New("wrong key")}
		}, "wrong key"},
		"rejected": {func(context.Context, event.Event) (event.Event, error) {
			return event.Event{}, &relay.Failure{Kind: relay.Rejected, Err: errors.New("bad id")}
		}, "bad id"},
		"still incomplete": {func(_ context.Context, e event.Event) (event.Event, error) { return e, nil }, "still incomplete"},
		"unfit": {func(ctx context.Context, e event.Event) (event.Event, error) {
			e, _ = placed(ctx, e)
			e.ID = " x "
			return e, nil
		}, "begins or ends with a space"},
		"a panic":     {func(context.Context, event.Event) (event.Event, error) { panic("out of answers") }, "out of answers"},
		"never comes": {func(context.Context, event.Event) (event.Event, error) { return event.Event{}, errors.New("no idea") }, "no idea"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			healed := false
			st := newStage(t, completer(func(ctx context.Context, e event.Event) (event.Event, error) {
				mu.Lock()
				defer mu.Unlock()
				if healed {
					return placed(ctx, e)
				}
				return c.complete(ctx, e)
			}))
			st.take(reaction("7", 0))
			d := st.dead()
			if d.Stage != bus.Incomplete || d.Connection() != "support" || !strings.Contains(d.Reason, c.reason) {
				t.Errorf("dead letter at %s of %s: %s", d.Stage, d.Connection(), d.Reason)
			}
			mu.Lock()
			healed = true
			mu.Unlock()
			if err := st.bus.Replay(bustest.Context(t), d.ID, bus.ReplayConfig{}); err != nil {
				t.Fatal(err)
			}
			await(t, "the event after a replay", func() bool { return stored(t, st.srv, bus.EventsStream)() == 1 })
		})
	}
}

func TestCompletionWithoutACompleter(t *testing.T) {
	st := newStage(t, completer(placed))
	e := reaction("7", 0)
	e.Thread.Connection = "other"
	st.take(e)
	if d := st.dead(); !strings.Contains(d.Reason, "connection other completes no events") {
		t.Errorf("dead letter: %s", d.Reason)
	}
}

func TestIncompleteLane(t *testing.T) {
	nothing := event.Event{Thread: event.ThreadRef{Connection: "support"}}
	for want, e := range map[string]event.Event{
		"support.message%2F7:":        reaction("7", 0),
		"support.message%2Fapp-0:":    said("app", 0),
		"support.message%2Fa%2Eb%2A:": reaction("a.b*", 0),
		"support.message%2F:":         nothing,
	} {
		if got := incompleteLane(e); got != want {
			t.Errorf("lane %q, want %q", got, want)
		}
	}
}
