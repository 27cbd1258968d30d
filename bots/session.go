package bots

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// errPanic is how a handler has ended that has not returned.
var errPanic = errors.New("panic")

// Session is a bot in a world: what a [Runner] feeds with events of the bus, and a test kit with its own.
type Session struct {
	bot   *Bot
	world World
	// watch is told of each run of a handler; nil is nobody.
	watch func(handler string, took time.Duration, err error)
}

// NewSession returns a session of a bot, or everything that is wrong with its registrations.
func NewSession(b *Bot, w World) (*Session, error) {
	faults := b.faults
	if b.name == "" {
		faults = append(faults, errors.New("bots: a bot without a name"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Session{bot: b, world: w}, nil
}

// Handle shows the bot an event, and returns what its handler wants done if it returns nil. What the handler has flushed is
// stored already, and not among that. A panic of the handler is not recovered here.
func (s *Session) Handle(ctx context.Context, e event.Event) ([]event.Action, error) {
	return s.handle(ctx, s.message(e))
}

func (s *Session) message(e event.Event) *Message { return newMessage(s.bot, e, s.world) }

func (s *Session) handle(ctx context.Context, m *Message) ([]event.Action, error) {
	r, err := s.bot.choose(ctx, m)
	if err != nil || r == nil {
		return nil, err
	}
	if err := s.run(ctx, r, m); err != nil {
		return nil, fmt.Errorf("bots: %s: %w", s.bot.name, err)
	}
	if err := s.takePart(ctx, m, m.Thread.out.actions); err != nil {
		return nil, err
	}
	return m.Thread.out.rest(), nil
}

// run runs a handler, and tells who watches.
func (s *Session) run(ctx context.Context, r *route, m *Message) (err error) {
	if s.watch != nil {
		begin := time.Now()
		err = errPanic
		defer func() { s.watch(r.name, time.Since(begin), err) }()
	}
	err = wrap(r.handler, s.bot.around)(ctx, m)
	return err
}
