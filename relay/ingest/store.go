package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// store publishes the events of one call. body returns the call's body as it may be kept.
func (w *Webhook) store(ctx context.Context, id event.ConnectionID, events []event.Event, body func() []byte) answer {
	messages := make([]*message.Message, len(events))
	for i, e := range events {
		m, err := pack(e)
		if err != nil { // the platform decoded what cannot travel: an id too long for a subject, for instance
			return w.quarantine(ctx, id, &relay.ShapeError{Payload: body(), Err: err})
		}
		messages[i] = m
	}
	acks, err := w.publisher.Store(ctx, bus.Events, messages...)
	if errors.Is(err, bus.ErrTooLarge) {
		return w.quarantine(ctx, id, &relay.ShapeError{Payload: body(), Err: err})
	}
	if err != nil {
		w.cfg.Log.Error("event not stored", "connection", id, "error", err)
		return answerNotStored()
	}
	a := answerDuplicate()
	for i, ack := range acks {
		if !ack.Duplicate {
			a = answerStored()
		}
		w.cfg.Log.Debug("event", "connection", id, "id", messages[i].UUID, "sequence", ack.Sequence, "duplicate", ack.Duplicate)
	}
	return a
}

// maxID bounds an event's id, in bytes. It travels as a header, of which a stream takes 64 KiB in all.
const maxID = 1024

// pack makes the message of an event. It refuses the ids that the bus could not take or, worse, could not tell apart: it
// trims headers, so that the repeat of one event and another event would look alike.
func pack(e event.Event) (*message.Message, error) {
	id := string(e.ID)
	switch {
	case len(id) > maxID:
		return nil, fmt.Errorf("ingest: event id is %d bytes long, at most %d are allowed", len(id), maxID)
	case strings.TrimSpace(id) != id || strings.ContainsFunc(id, unicode.IsControl):
		return nil, fmt.Errorf("ingest: event id %q begins or ends with a space, or holds a control character", id)
	}
	return bus.EventMessage(e)
}

// quarantine keeps a call that cannot be decoded as a dead letter, to be replayed by a version that can.
func (w *Webhook) quarantine(ctx context.Context, id event.ConnectionID, shape *relay.ShapeError) answer {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StoreTimeout)
	defer cancel()
	sum := sha256.Sum256(shape.Payload)
	if n := len(shape.Payload); n > MaxBody { // redaction can lengthen it
		shape = &relay.ShapeError{Payload: shape.Payload[:MaxBody], Err: fmt.Errorf("%w (payload cut from %d bytes)", shape.Err, n)}
	}
	now := time.Now()
	err := w.cfg.Bus.Bury(ctx, bus.DeadLetter{
		Stage: "ingest", Consumer: string(id), Key: hex.EncodeToString(sum[:16]),
		Reason: shape.Error(), Attempts: 1, First: now, Last: now, Payload: shape.Payload,
	})
	if err != nil {
		w.cfg.Log.Error("call of unknown shape not stored", "connection", id, "error", fmt.Errorf("%w (%w)", err, shape))
		return answerNotStored()
	}
	w.cfg.Log.Warn("call of unknown shape kept as a dead letter", "connection", id, "error", shape)
	return answerKept()
}
