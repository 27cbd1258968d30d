package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

const (
	// completionGroup is the consumer group that completes events.
	completionGroup = "complete"
	// completeAtOnce bounds the look-ups that run at the same time, and completeTime each of them.
	completeAtOnce = 8
	completeTime   = 30 * time.Second
	// unknownPause is how long a platform is left alone that asked for a pause and did not say how long.
	unknownPause = 15 * time.Second
)

// incompleteLane is the lane of the message that an event is about, whatever else is known of it.
func incompleteLane(e event.Event) string {
	var about event.MessageID
	switch {
	case e.Reaction != nil:
		about = e.Reaction.Message
	case e.Message != nil:
		about = e.Message.ID
	}
	at := event.ThreadRef{Conversation: event.ConversationID("message/" + about)}
	return string(e.Thread.Connection) + "." + at.Lane()
}

// CompletionConfig is what a Completion needs.
type CompletionConfig struct {
	Bus *bus.Bus
	// Connections are the platforms that complete events.
	Connections map[event.ConnectionID]relay.Completer
	// Retry is what happens to events whose completion fails; the defaults are those of the bus.
	Retry bus.Retry
	// Grace is how long running look-ups may go on when the completion stops; default 8 s.
	Grace time.Duration
	Log   *slog.Logger
	// Metrics takes the collectors; default none.
	Metrics prometheus.Registerer
}

// Completion finds out where incomplete events belong and publishes them, complete, to the topic of events.
type Completion struct {
	cfg      CompletionConfig
	shelf    shelf
	worker   *bus.Worker
	outcomes *prometheus.CounterVec
}

// NewCompletion returns a completion of the connections' events.
func NewCompletion(cfg CompletionConfig) (*Completion, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Completion{cfg: cfg, shelf: shelf{publisher: cfg.Bus.Publisher()}, outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "threadrelay_completions_total",
		Help: "Attempts to complete events, by connection and outcome (completed, gone, or the kind of failure).",
	}, []string{"connection", "outcome"})}
	if cfg.Metrics != nil {
		if err := cfg.Metrics.Register(c.outcomes); err != nil {
			return nil, fmt.Errorf("ingest: metrics: %w", err)
		}
	}
	var err error
	if c.worker, err = cfg.Bus.Worker(bus.WorkerConfig{Grace: cfg.Grace}); err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	sub := bus.SubscriberConfig{Group: completionGroup, Concurrency: completeAtOnce, Retry: cfg.Retry}
	if err := c.worker.Consume(bus.Incomplete, sub, c.take); err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	return c, nil
}

// Running is closed once events are completed.
func (c *Completion) Running() <-chan struct{} { return c.worker.Running() }

// Run completes events until ctx ends, and then until the look-ups under way have ended.
func (c *Completion) Run(ctx context.Context) error {
	if err := c.worker.Run(ctx); err != nil {
		return fmt.Errorf("ingest: completion: %w", err)
	}
	return nil
}

// take is the way of one incomplete event.
func (c *Completion) take(m *message.Message) error {
	e, err := bus.ReadEvent(m)
	if err != nil {
		return err
	}
	whole, outcome, err := c.complete(m.Context(), e)
	connection := "unknown"
	if _, ok := c.cfg.Connections[e.Thread.Connection]; ok {
		connection = string(e.Thread.Connection)
	}
	c.outcomes.WithLabelValues(connection, outcome).Inc()
	if err != nil {
		return err
	}
	p, err := pack(whole)
	if err != nil {
		return bus.Permanent(err)
	}
	_, err = c.shelf.put(m.Context(), []parcel{p})
	if errors.Is(err, bus.ErrTooLarge) {
		return bus.Permanent(err)
	}
	if err == nil {
		memory, _ := c.cfg.Connections[e.Thread.Connection].(relay.Rememberer)
		remember(memory, []event.Event{whole})
		c.cfg.Log.Debug("event completed", "connection", connection, "id", whole.ID, "was", e.ID, "thread", whole.Thread.String())
	}
	return err
}

// complete returns what becomes of an event, what to call that in the metrics, and a verdict for the bus if it fails.
func (c *Completion) complete(ctx context.Context, e event.Event) (whole event.Event, outcome string, err error) {
	completer, ok := c.cfg.Connections[e.Thread.Connection]
	if !ok {
		return e, "no_completer", bus.Permanent(fmt.Errorf("ingest: connection %s completes no events", e.Thread.Connection))
	}
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	whole, err = completer.Complete(ctx, e)
	var f *relay.Failure
	switch {
	case err == nil && whole.Incomplete:
		return e, "still_incomplete", bus.Permanent(fmt.Errorf("ingest: %s is still incomplete after its completion", e.ID))
	case err == nil:
		return whole, "completed", nil
	case !errors.As(err, &f):
		return e, relay.Temporary.String(), fmt.Errorf("ingest: complete %s: %w", e.ID, err)
	case f.Kind == relay.RootGone:
		whole, err = pointless(e, f)
		return whole, "gone", err
	}
	return e, f.Kind.String(), judge(f, fmt.Errorf("ingest: complete %s: %w", e.ID, err))
}

// judge translates a failure into what the bus does next: another attempt, one after a pause, or a dead letter. Credentials
// that do not suffice and events that the platform will never explain are for people to look at.
func judge(f *relay.Failure, err error) error {
	switch f.Kind {
	case relay.RateLimited:
		if f.After <= 0 {
			return bus.After(unknownPause, err)
		}
		return bus.After(f.After, err)
	case relay.Denied, relay.Rejected, relay.RootGone:
		return bus.Permanent(err)
	case relay.Temporary:
	}
	return err
}

// pointless is what becomes of an event whose message is gone before anybody knew where it was: nothing can be answered to
// it, and nothing is wrong. It is kept as Other, with all that was reported.
func pointless(e event.Event, why error) (event.Event, error) {
	payload, err := json.Marshal(struct {
		Event  event.Event `json:"event"`
		Reason string      `json:"reason"`
	}{e, why.Error()})
	if err != nil {
		return e, bus.Permanent(fmt.Errorf("ingest: %s: %w", e.ID, err))
	}
	return event.Event{
		ID: e.ID, Type: event.Other, Time: e.Time, Platform: e.Platform, Self: e.Self, Trigger: e.Trigger,
		Thread: event.ThreadRef{Connection: e.Thread.Connection}, Payload: payload,
	}, nil
}
