package deliver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/budget"
)

// line is a connection as deliver uses it.
type line struct {
	id     event.ConnectionID
	sender relay.Sender
	finder relay.Finder // nil if the platform cannot be asked what is there
	native bool         // the platform recognises a repeat by itself
	policy Policy

	breaker *breaker
	budget  *budget.Budget // nil if rate limits are of no concern
	metered relay.Metered  // nil if the platform does not tell what a call counts against
}

func newLine(id event.ConnectionID, sender relay.Sender, p Policy) *line {
	l := &line{id: id, sender: sender, policy: p, breaker: newBreaker(p.Breaker, time.Now)}
	l.metered, _ = sender.(relay.Metered)
	idempotence := event.ByMarker
	if able, ok := sender.(relay.Capable); ok {
		idempotence = able.Capabilities().Idempotence
	}
	l.native = idempotence == event.Native
	if finder, ok := sender.(relay.Finder); ok && idempotence == event.ByMarker {
		l.finder = finder
	}
	return l
}

// call makes a call to the platform that changes something, unless the breaker is open, and tells the breaker how it went. If the
// connection fails throughout, the attempt is not the action's fault and costs it nothing.
func (l *line) call(ctx context.Context, f func() error) error { return l.guard(ctx, f, alive) }

// ask makes a call that only looks. That the platform can be read does not say that it takes what is sent.
func (l *line) ask(ctx context.Context, f func() error) error { return l.guard(ctx, f, unclear) }

// guard makes a call; good is what the breaker is told if the platform answered.
func (l *line) guard(ctx context.Context, f func() error, good health) (err error) {
	probe, wait := l.breaker.enter()
	if wait > 0 {
		return bus.After(wait, l.leftAlone())
	}
	went := unclear // of a panic too
	defer func() {
		l.breaker.leave(probe, went)
		if wait := l.breaker.wait(); wait > 0 && went == failing {
			err = bus.After(wait, err)
		}
	}()
	err = f()
	l.pause(err)
	if went = howItWent(ctx, err); went == alive {
		went = good
	}
	return err
}

func (l *line) leftAlone() error {
	return fmt.Errorf("deliver: connection %s fails throughout and is left alone for a while", l.id)
}

// howItWent says what a call's outcome tells about the connection.
func howItWent(ctx context.Context, err error) health {
	var f *relay.Failure
	switch {
	case err == nil, errors.As(err, &f) && f.Kind != relay.Temporary:
		return alive // it answers, if not as one would wish
	case ctx.Err() != nil:
		return unclear // the call was cut off from our side
	}
	return failing
}

// retryFor is the retry budget of a lane's connection.
func (d *Deliverer) retryFor(lane string) bus.Retry {
	connection, _, _ := strings.Cut(lane, ".")
	if l, ok := d.lines[event.ConnectionID(connection)]; ok {
		return l.policy.Retry
	}
	return d.cfg.Default.Retry
}
