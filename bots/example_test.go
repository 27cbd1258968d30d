package bots_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus"
)

// A whole bot: a program of its own that greets whoever says hi to it.
func Example() {
	bot := bots.New("greeter", bots.As("helper"))
	bot.On(bots.Text(`(?i)^hi\b`), func(_ context.Context, m *bots.Message) error {
		m.Reply("Hello %s!", m.Sender.Name)
		return nil
	})

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	conn, err := nats.Connect(os.Getenv("NATS_URL"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	b, err := bus.Open(ctx, bus.Config{Conn: conn})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := bots.Run(ctx, b, bot); err != nil {
		fmt.Println(err)
	}
}
