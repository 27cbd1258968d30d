package ingest

import (
	"context"
	"fmt"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Reingest takes in a call whose credentials were verified when it came, and which was kept because it could not be decoded
// then. It returns nil once the events of the call are stored. The body must never come from anywhere else.
func Reingest(ctx context.Context, publisher *bus.Publisher, receiver relay.Receiver, body []byte) error {
	decoder, ok := receiver.(relay.Decoder)
	if !ok {
		return fmt.Errorf("ingest: the platform %T decodes no calls that were kept", receiver)
	}
	events, err := decodeKept(decoder, body)
	if err != nil {
		return fmt.Errorf("ingest: the call still cannot be decoded: %w", err)
	}
	parcels := make([]parcel, len(events))
	for i, e := range events {
		if parcels[i], err = pack(e); err != nil {
			return fmt.Errorf("ingest: the call still cannot be taken in: %w", err)
		}
	}
	if _, err := (shelf{publisher: publisher}).put(ctx, parcels); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	return nil
}

// decodeKept decodes a body. That the decoder panics is an error: it may be why the call was kept.
func decodeKept(d relay.Decoder, body []byte) (events []event.Event, err error) {
	defer func() {
		if p := recover(); p != nil {
			events, err = nil, fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return d.Decode(body)
}
