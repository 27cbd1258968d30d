package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/console"
	"github.com/threadrelay/threadrelay/relay/ingest"
)

// wireIngest makes what the role ingest runs beside the hooks: the completion of events, and the polls.
func (p *process) wireIngest() error {
	var err error
	p.completion, err = ingest.NewCompletion(ingest.CompletionConfig{ //nolint:contextcheck // a look-up's context comes with its message
		Bus: p.bus, Connections: offering[relay.Completer](p.platforms), Grace: drainTime, Log: p.log, Metrics: p.registry,
	})
	if err != nil {
		return err
	}
	p.polls = make(map[event.ConnectionID]*ingest.Poll)
	pollers := offering[relay.Poller](p.platforms)
	for _, c := range p.platforms {
		if len(c.poll.sources) == 0 {
			continue
		}
		p.polls[c.id], err = ingest.NewPoll(ingest.PollConfig{
			Bus: p.bus, Connection: c.id, Poller: pollers[c.id], Sources: c.poll.sources, Interval: c.poll.interval,
			Backfill: c.poll.backfill, HooksOn: c.hooked, Listen: c.realtime, Log: p.log, Metrics: p.registry,
		})
		if err != nil {
			return &usageError{err}
		}
	}
	return nil
}

// hooks takes the webhooks.
func (p *process) hooks() (http.Handler, error) {
	return ingest.NewWebhook(ingest.WebhookConfig{
		Bus: p.bus, Connections: offering[relay.Receiver](p.platforms), Polls: p.polls, Log: p.log, Metrics: p.registry,
	})
}

// reingest takes in a webhook call that was kept because it could not be decoded.
func (p *process) reingest(ctx context.Context, connection string, body []byte) error {
	receiver, ok := offering[relay.Receiver](p.platforms)[event.ConnectionID(connection)]
	if !ok {
		return fmt.Errorf("connection %q is not configured, or takes no webhooks", connection)
	}
	return ingest.Reingest(ctx, p.bus.Publisher(), receiver, body)
}

// checks are what /readyz looks at.
func (p *process) checks() []console.Check {
	all := []console.Check{{Name: "bus", Look: p.bus.Ready, Vital: true}}
	for _, c := range p.platforms {
		if poll := p.polls[c.id]; poll != nil {
			all = append(all, pollCheck(poll))
		}
	}
	if p.deliverer != nil {
		all = append(all, deliverCheck(p.deliverer))
	}
	return all
}

// pollCheck looks at the polling of a connection. A platform that is away is no reason to send webhooks elsewhere.
func pollCheck(poll *ingest.Poll) console.Check {
	return console.Check{
		Name: "poll/" + string(poll.Status().Connection),
		Look: func(context.Context) error { return pollTrouble(poll.Status()) },
		Detail: func() any {
			st := poll.Status()
			st.Faults = nil // the page needs no token, and these name users
			if st.Listening != nil {
				st.Listening.Deaf = nil
			}
			return st
		},
	}
}

// pollTrouble returns what is wrong with a poll; nil if all is well or another instance polls.
func pollTrouble(st ingest.PollStatus) error {
	switch {
	case !st.PausedUntil.IsZero():
		return fmt.Errorf("the platform wants to be left alone until %s", st.PausedUntil.UTC().Format(time.RFC3339))
	case len(st.Faults) > 0:
		f := st.Faults[0]
		return fmt.Errorf("%d sources are failing and %d are refused, such as %s since %s: %s",
			st.Failing, st.Refused, f.Source, f.Since.UTC().Format(time.RFC3339), f.Error)
	case st.Listening != nil && st.Listening.Attempts > 1 && !st.Listening.Open:
		return fmt.Errorf("the realtime connection cannot be opened since %s: %s",
			st.Listening.Since.UTC().Format(time.RFC3339), st.Listening.Error)
	}
	return nil
}
