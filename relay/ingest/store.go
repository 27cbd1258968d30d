package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// store puts the events of one call on the bus. body returns the call's body as it may be kept.
func (w *Webhook) store(ctx context.Context, id event.ConnectionID, events []event.Event, body func() []byte) answer {
	parcels := make([]parcel, len(events))
	for i, e := range events {
		p, err := pack(e)
		if err != nil { // the platform decoded what cannot travel: an id too long for a subject, for instance
			return w.quarantine(ctx, id, &relay.ShapeError{Payload: body(), Err: err})
		}
		parcels[i] = p
	}
	acks, err := w.shelf.put(ctx, parcels)
	if errors.Is(err, bus.ErrTooLarge) {
		return w.quarantine(ctx, id, &relay.ShapeError{Payload: body(), Err: err})
	}
	if err != nil {
		w.cfg.Log.Error("event not stored", "connection", id, "error", err)
		return answerNotStored()
	}
	w.cfg.Polls[id].Heard(events...)
	memory, _ := w.cfg.Connections[id].(relay.Rememberer)
	remember(memory, events)
	a := answerDuplicate()
	for i, ack := range acks {
		if !ack.Duplicate {
			a = answerStored()
		}
		w.cfg.Log.Debug("event", "connection", id, "id", parcels[i].message.UUID, "sequence", ack.Sequence, "duplicate", ack.Duplicate)
	}
	return a
}

// quarantine keeps a call that cannot be decoded as a dead letter, to be replayed by a version that can.
func (w *Webhook) quarantine(ctx context.Context, id event.ConnectionID, shape *relay.ShapeError) answer {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StoreTimeout)
	defer cancel()
	if err := bury(ctx, w.cfg.Bus, id, shape); err != nil {
		w.cfg.Log.Error("call of unknown shape not stored", "connection", id, "error", fmt.Errorf("%w (%w)", err, shape))
		return answerNotStored()
	}
	w.cfg.Log.Warn("call of unknown shape kept as a dead letter", "connection", id, "error", shape)
	return answerKept()
}

// bury keeps what a connection brought and what could not be stored as an event. The same thing is kept once.
func bury(ctx context.Context, b *bus.Bus, id event.ConnectionID, shape *relay.ShapeError) error {
	sum := sha256.Sum256(shape.Payload)
	if n := len(shape.Payload); n > MaxBody { // redaction can lengthen it
		shape = &relay.ShapeError{Payload: shape.Payload[:MaxBody], Err: fmt.Errorf("%w (payload cut from %d bytes)", shape.Err, n)}
	}
	now := time.Now()
	return b.Bury(ctx, bus.DeadLetter{
		Stage: bus.StageIngest, Consumer: string(id), Key: hex.EncodeToString(sum[:16]),
		Reason: shape.Error(), Attempts: 1, First: now, Last: now, Payload: shape.Payload,
	})
}
