package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/ThreeDotsLabs/watermill/message"
	"golang.org/x/sync/errgroup"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
)

const (
	// maxID bounds an event's id, in bytes. It travels as a header, of which a stream takes 64 KiB in all.
	maxID = 1024
	// putBatch is how many events are sent to the bus before their acknowledgements are waited for.
	putBatch = 256
	// askAtOnce is how many lanes are searched for copies at the same time.
	askAtOnce = 16
)

// shelf is the one way of events into the bus: what webhooks, polls, completions and replays bring ends here.
type shelf struct {
	publisher *bus.Publisher
	// hurried is set where nobody can wait for long searches, and takes what was not searched to its end: to store an event
	// a second time is better than to lose it.
	hurried *slog.Logger
}

// parcel is an event and the message that carries it.
type parcel struct {
	event   event.Event
	message *message.Message
}

func (p parcel) topic() string {
	if p.event.Incomplete {
		return bus.Incomplete
	}
	return bus.Events
}

// lot is some of a number of parcels.
type lot struct {
	parcels []parcel
	places  []int
}

// pack makes the parcel of an event. It refuses the ids that the bus could not take or, worse, could not tell apart: it
// trims headers, so that the repeat of one event and another event would look alike.
func pack(e event.Event) (parcel, error) {
	id := string(e.ID)
	switch {
	case len(id) > maxID:
		return parcel{}, fmt.Errorf("ingest: event id is %d bytes long, at most %d are allowed", len(id), maxID)
	case strings.TrimSpace(id) != id || strings.ContainsFunc(id, unicode.IsControl):
		return parcel{}, fmt.Errorf("ingest: event id %q begins or ends with a space, or holds a control character", id)
	}
	m, err := bus.EventMessage(e)
	if err != nil {
		return parcel{}, err
	}
	if e.Incomplete {
		m.Metadata.Set(bus.LaneKey, incompleteLane(e))
	}
	return parcel{e, m}, nil
}

// put stores parcels, in order, and returns the stream's acknowledgement of each. Those that the streams hold already,
// however long, are duplicates. Incomplete ones go to a topic of their own, behind the others. After an error some may be
// stored; putting all of them again stores none twice.
func (s shelf) put(ctx context.Context, parcels []parcel) ([]bus.Ack, error) {
	held, err := s.held(ctx, parcels)
	if err != nil {
		return nil, err
	}
	acks := make([]bus.Ack, len(parcels))
	for _, topic := range []string{bus.Events, bus.Incomplete} {
		var places []int
		for i, p := range parcels {
			if held[i] {
				acks[i].Duplicate = true
			} else if p.topic() == topic {
				places = append(places, i)
			}
		}
		if err := s.publish(ctx, topic, lot{parcels, places}, acks); err != nil {
			return nil, err
		}
	}
	return acks, nil
}

// publish stores a lot in one topic, and notes the acknowledgements at the same places.
func (s shelf) publish(ctx context.Context, topic string, l lot, acks []bus.Ack) error {
	for places := l.places; len(places) > 0; {
		n := min(len(places), putBatch)
		batch := make([]*message.Message, n)
		for i, place := range places[:n] {
			batch[i] = l.parcels[place].message
		}
		got, err := s.publisher.Store(ctx, topic, batch...)
		if err != nil {
			return err
		}
		for i, place := range places[:n] {
			acks[place] = got[i]
		}
		places = places[n:]
	}
	return nil
}

// held reports which parcels the stream holds of those that it may have forgotten the ids of: JetStream recognises repeats
// of what it stored within its window, and only an event from before that can have a copy that is older. Half a window is
// left for the platform's clock to be wrong.
func (s shelf) held(ctx context.Context, parcels []parcel) ([]bool, error) {
	held := make([]bool, len(parcels))
	window := s.publisher.Bus().DedupWindow()
	lanes := make(map[string][]int)
	for i, p := range parcels {
		if mayBeForgotten(p.event, time.Now().Add(-window/2)) {
			lane := p.message.Metadata.Get(bus.LaneKey)
			lanes[lane] = append(lanes[lane], i)
		}
	}
	if len(lanes) == 0 {
		return held, nil
	}
	search, cancel := s.searchTime(ctx)
	defer cancel()
	group, search := errgroup.WithContext(search)
	group.SetLimit(askAtOnce)
	for lane, places := range lanes {
		group.Go(func() error { return s.search(search, lane, lot{parcels, places}, held) })
	}
	err := group.Wait()
	if err != nil && s.hurried != nil && ctx.Err() == nil {
		s.hurried.Warn("old event is stored without a search for earlier copies", "events", len(parcels), "error", err)
		return held, nil
	}
	return held, err
}

// searchTime is half of the time that there is, if nobody can wait for long.
func (s shelf) searchTime(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok && s.hurried != nil {
		return context.WithTimeout(ctx, time.Until(end)/2)
	}
	return context.WithCancel(ctx)
}

// search looks for a lot of one lane, and notes at the same places which of it is held.
func (s shelf) search(ctx context.Context, lane string, l lot, held []bool) error {
	q := bus.Copies{Topic: bus.Events, Lane: lane, Since: time.Now()}
	for _, i := range l.places {
		q.IDs = append(q.IDs, l.parcels[i].message.UUID)
		q.Since = earlier(q.Since, l.parcels[i].event.Time.Add(-s.publisher.Bus().DedupWindow()))
	}
	found, err := s.publisher.Bus().Holds(ctx, q)
	for _, i := range l.places {
		held[i] = found[l.parcels[i].message.UUID]
	}
	return err
}

// mayBeForgotten reports whether a copy of an event may be stored that the stream does not recognise any more. Incomplete
// events are looked at again when they are complete. What has no type and no thread shares one lane with all of its kind,
// which would be long to search; a late repeat of it is stored again, and no bot minds.
func mayBeForgotten(e event.Event, since time.Time) bool {
	placeless := e.Type == event.Other && e.Thread.Root == ""
	return e.Time.Before(since) && !e.Incomplete && !placeless
}
