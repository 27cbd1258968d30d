package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// keepTime bounds the storing of one page.
const keepTime = 30 * time.Second

// keeper stores the events of a page.
type keeper interface {
	// keep returns nil once all of them are stored, in order, and says which of them were not before.
	keep(ctx context.Context, events []event.Event) (fresh []bool, err error)
}

// busKeeper stores them where webhooks store theirs.
type busKeeper struct {
	shelf      shelf
	connection event.ConnectionID
	log        *slog.Logger
}

// keep stores what can travel, and keeps the rest as dead letters: a page must not stand still because of one event.
func (k busKeeper) keep(ctx context.Context, events []event.Event) ([]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	fresh := make([]bool, len(events))
	parcels, places := make([]parcel, 0, len(events)), make([]int, 0, len(events))
	for i, e := range events {
		p, err := pack(e)
		if err != nil {
			if err := k.bury(ctx, e, err); err != nil {
				return nil, err
			}
			continue
		}
		parcels, places = append(parcels, p), append(places, i)
	}
	acks, err := k.put(ctx, parcels)
	for i, ack := range acks {
		fresh[places[i]] = !ack.Duplicate
	}
	return fresh, err
}

func (k busKeeper) put(ctx context.Context, parcels []parcel) ([]bus.Ack, error) {
	acks, err := k.shelf.put(ctx, parcels)
	if !errors.Is(err, bus.ErrTooLarge) {
		return acks, err
	}
	acks = make([]bus.Ack, len(parcels))
	for i, p := range parcels {
		ack, err := k.shelf.put(ctx, []parcel{p})
		if errors.Is(err, bus.ErrTooLarge) {
			err = k.bury(ctx, p.event, err)
			ack = []bus.Ack{{Duplicate: true}}
		}
		if err != nil {
			return nil, err
		}
		acks[i] = ack[0]
	}
	return acks, nil
}

// bury keeps an event that cannot travel as a dead letter.
func (k busKeeper) bury(ctx context.Context, e event.Event, why error) error {
	payload, err := json.Marshal(e)
	if err != nil {
		payload = []byte(e.ID)
	}
	if err := bury(ctx, k.shelf.publisher.Bus(), k.connection, &relay.ShapeError{Payload: payload, Err: why}); err != nil {
		return err
	}
	k.log.Warn("polled event that cannot be stored kept as a dead letter", "connection", k.connection, "error", why)
	return nil
}
