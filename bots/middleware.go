package bots

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Middleware wraps a handler: it may look at the message before, at the error after, or leave the handler out.
type Middleware func(Handler) Handler

// Use puts middleware around all handlers of the bot, the first of it outermost.
func (b *Bot) Use(around ...Middleware) {
	if slices.ContainsFunc(around, func(m Middleware) bool { return m == nil }) {
		b.faults = append(b.faults, fmt.Errorf("bots: %s: %s: no middleware", b.name, callerOf(1)))
		return
	}
	b.around = append(b.around, around...)
}

func wrap(h Handler, around []Middleware) Handler {
	for _, m := range slices.Backward(around) {
		h = m(h)
	}
	return h
}

// Logging writes a line for each message that is handled: at debug level, and as a warning when the handler fails. It holds ids
// and no text.
func Logging(log *slog.Logger) Middleware {
	return func(next Handler) Handler {
		return func(ctx context.Context, m *Message) error {
			begin := time.Now()
			err := next(ctx, m)
			fields := []any{"bot", m.Thread.out.bot.name, "event", m.Event.ID, "thread", m.Event.Thread, "took", time.Since(begin)}
			if err != nil {
				log.WarnContext(ctx, "handler failed", append(fields, "error", err)...)
				return err
			}
			log.DebugContext(ctx, "handled", append(fields, "actions", len(m.Thread.out.actions))...)
			return nil
		}
	}
}

// Timeout ends the context of a handler after a while. A handler that returns an error because of that runs again.
func Timeout(d time.Duration) Middleware {
	return func(next Handler) Handler {
		return func(ctx context.Context, m *Message) error {
			ctx, cancel := context.WithTimeoutCause(ctx, d, fmt.Errorf("bots: the handler had %s", d))
			defer cancel()
			return next(ctx, m)
		}
	}
}

// Allow leaves the handler out for everybody but the users.
func Allow(users ...event.UserID) Middleware {
	return func(next Handler) Handler {
		return func(ctx context.Context, m *Message) error {
			if !slices.Contains(users, m.Sender.ID) {
				return nil
			}
			return next(ctx, m)
		}
	}
}
