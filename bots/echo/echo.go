// Package echo is the smallest bundled bot: it says back what it hears.
package echo

import (
	"context"

	"github.com/threadrelay/threadrelay/bots"
)

// Name is the bot's name in the configuration.
const Name = "echo"

// New returns a bot that answers every message with a text in its thread.
func New() *bots.Bot {
	bot := bots.New(Name)
	bot.On(bots.Text(`\S`), func(_ context.Context, m *bots.Message) error {
		m.Reply("You said: %s", m.Text)
		return nil
	})
	return bot
}
