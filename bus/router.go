package bus

import (
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
)

// Router returns a Watermill router with the middleware of the house: a panic in a handler is an error of that handler, and
// errors marked by [Permanent] and [After] reach the subscriber. Its Close waits until every handler has ended, and at most
// for the given time.
func (b *Bus) Router(closeTimeout time.Duration) (*message.Router, error) {
	// The subscriber logs every failed attempt with what follows from it, so Watermill's own lines are for debugging.
	logger := watermill.NewSlogLoggerWithLevelMapping(b.cfg.Log, map[slog.Level]slog.Level{
		slog.LevelInfo:  slog.LevelDebug,
		slog.LevelError: slog.LevelDebug,
	})
	r, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, logger)
	if err != nil {
		return nil, err
	}
	r.AddMiddleware(keepVerdict, middleware.Recoverer)
	return r, nil
}
