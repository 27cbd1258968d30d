package bots

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

// defaultMaxAge is how old a message may be for a bot that says nothing about it: an answer that comes later surprises more
// than it helps.
const defaultMaxAge = time.Hour

// MaxAge sets how old a message may be, by its platform's clock, that the bot is shown. Older ones, such as those that the
// relay catches up on after it was down, are passed over. The default is one hour; 0 or less is no bound, as for a bot that
// copies messages.
//
// A message that was tried in time and failed is tried again however old it becomes, and so is a dead letter that somebody
// replays. An attempt that was put off with [After] counts as none.
func MaxAge(d time.Duration) Option {
	return func(b *Bot) { b.maxAge = d }
}

// burstPause is how long no message may be passed over for the next one to be worth a line again.
const burstPause = time.Minute

// doorman passes over messages that are too old for a bot.
type doorman struct {
	bot     *Bot
	log     *slog.Logger
	skipped prometheus.Counter

	mu   sync.Mutex
	last time.Time // when a message was passed over
}

// passes reports whether a message is too old, and takes note if so.
func (d *doorman) passes(ctx context.Context, in *message.Message, e event.Event) bool {
	age := time.Since(e.Time)
	if !d.tooOld(e, age) || isRepeat(ctx, in.Metadata) {
		return false
	}
	d.skipped.Inc()
	if d.beginsBurst() {
		d.log.Debug("message is too old for the bot, and passed over as those like it that follow",
			"bot", d.bot.name, "event", e.ID, "age", age.Round(time.Second).String(), "max_age", d.bot.maxAge.String())
	}
	return true
}

// beginsBurst reports whether no message was passed over for a while.
func (d *doorman) beginsBurst() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	begins := now.Sub(d.last) > burstPause
	d.last = now
	return begins
}

// tooOld knows no age of a message whose platform told no time, which is 1970 then.
func (d *doorman) tooOld(e event.Event, age time.Duration) bool {
	return d.bot.maxAge > 0 && age > d.bot.maxAge && e.Time.Unix() > 0
}

// isRepeat reports whether a message was handled before, or replayed by somebody who wants it handled.
func isRepeat(ctx context.Context, m message.Metadata) bool {
	delivery, ok := bus.DeliveryOf(ctx)
	return ok && delivery.Attempt > 1 || m.Get(bus.ReplayKey) != ""
}
