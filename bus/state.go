package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func statePrefix(name StateName) string { return "$KV." + string(name) + "." }

// State is one bucket of keys and values. Keys are any strings of 1 to 1200 bytes.
//
// A read sees the newest acknowledged write. Every error names bucket and key. A bucket whose share of [Config.MaxStore] is
// used up refuses writes with [ErrFull], also those that replace a value by one that is not smaller, and deletes nothing:
// what is there stays as it is until keys expire or are deleted.
type State struct {
	js       jetstream.JetStream
	conn     *nats.Conn
	stream   jetstream.Stream
	name     StateName
	patience time.Duration // for one request
}

// State opens one of the buckets that [Open] has set up, and sets it up again if it is missing by now or was changed. It
// fails if what is there cannot be made to fit, and says why.
//
// There are no buckets but those of this package, since each has a share of [Config.MaxStore]: what a bot remembers belongs
// into [BotState], under keys that begin with the bot's name.
func (b *Bus) State(ctx context.Context, name StateName) (*State, error) {
	want, ok := stateBuckets(b.cfg)[name]
	if !ok {
		return nil, fmt.Errorf("bus: state %s: no such bucket: there are %s, %s, %s and %s, the last for what bots remember",
			name, Cursors, Ledger, Links, BotState)
	}
	stream, err := b.ensureStream(ctx, want)
	if err != nil {
		return nil, fmt.Errorf("bus: state %s: %w", name, err)
	}
	return &State{js: b.js, conn: b.cfg.Conn, stream: stream, name: name, patience: swapTimeout}, nil
}
