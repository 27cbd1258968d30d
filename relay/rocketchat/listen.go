package rocketchat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Listener = (*Connection)(nil)

// openTime bounds the time from dialling until all is subscribed to.
const openTime = time.Minute

// Listen opens a realtime connection and listens to rooms: to each by a stream of its own, and to "rooms" by the one that
// carries all messages of the rooms that the user is in. Deletions come by a stream of each room.
//
// The stream has documents of messages, again and again whenever anything of them changes; so root messages come again with
// each reply. What is told of a document is what has happened within the last minute before it was sent, by the server's
// clock: a message that is new, an edit, a tombstone, and the reactions that are other than those known. What cannot be told
// so, as with a reaction to a message that this process has not heard of before, is left to a poll.
func (c *Connection) Listen(ctx context.Context, r relay.ListenRequest) error {
	err := c.listen(ctx, r)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var f *relay.Failure
	switch {
	case err == nil:
		err = errors.New("the connection has ended")
	case errors.As(err, &f):
		return &relay.Failure{Kind: f.Kind, After: f.After, Group: f.Group, Err: fmt.Errorf("rocketchat: listen: %w", f.Err)}
	case errors.As(err, new(*hearError)):
		return err
	}
	return failure(fmt.Errorf("rocketchat: listen: %w", err))
}

// hearError is an error of whoever hears, which is none of the platform.
type hearError struct{ err error }

func (e *hearError) Error() string { return "rocketchat: listen: " + e.err.Error() }
func (e *hearError) Unwrap() error { return e.err }

func (c *Connection) listen(ctx context.Context, r relay.ListenRequest) error {
	rooms, err := c.listenTo(ctx, r)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	d, err := c.dial(ctx)
	if err != nil {
		return err
	}
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer end(nil)
	defer d.conn.CloseNow() //nolint:errcheck // it is of no interest any more
	quiet := c.quiet
	if quiet == 0 {
		quiet = quietTime
	}
	watchers.Go(func() { d.watch(ctx, watching{quiet: quiet, ping: d.ping, end: end}) })

	s := &stream{c: c, d: d, r: r, rooms: rooms, subs: make(map[string]*subscription)}
	if err := s.open(ctx); err != nil {
		return err
	}
	r.Open()
	for {
		f, err := d.next(ctx)
		if err == nil {
			err = s.take(ctx, f)
		}
		if err != nil {
			return err
		}
	}
}

// listenTo finds the rooms of the sources. One that cannot be found is polled alone.
func (c *Connection) listenTo(ctx context.Context, r relay.ListenRequest) (*heardRooms, error) {
	rooms := &heardRooms{by: make(map[string]heardRoom)}
	calls := 0
	for _, source := range r.Sources {
		if source == allRooms {
			rooms.all = true
			continue
		}
		src, err := c.source(source)
		if err != nil {
			return nil, rejected(err)
		}
		if src.root != "" {
			r.Deaf(source, errors.New("rocketchat: threads are heard in their rooms alone"))
			continue
		}
		room, there, err := c.resolve(ctx, src.room, &calls)
		switch {
		case refusalOf(err) != nil && failure(err).Kind != relay.RateLimited:
			r.Deaf(source, err)
		case err != nil:
			return nil, err
		case !there:
			r.Deaf(source, errors.New("rocketchat: nobody has opened this direct room yet"))
		default:
			rooms.by[room.ID] = heardRoom{room: room, source: source}
		}
	}
	if !rooms.all {
		return rooms, nil
	}
	found, err := c.joinedRooms(ctx, roomsKept, &calls)
	for _, room := range found {
		if _, named := rooms.by[room.ID]; !named && isUsual(room) {
			rooms.by[room.ID] = heardRoom{room: room, source: room.ID}
		}
	}
	return rooms, err
}

// heardRooms are the rooms that are listened to, by their ids.
type heardRooms struct {
	by map[string]heardRoom
	// all: those that the user joins later are listened to as well.
	all bool
}

// heardRoom is a room with the source that it belongs to.
type heardRoom struct {
	room   Room
	source string
}

// of returns the room of a document from the stream of all rooms, which says of what kind it is.
func (h *heardRooms) of(id string, kind RoomKind) (heardRoom, bool) {
	if known, ok := h.by[id]; ok {
		return known, true
	}
	room := Room{ID: id, Kind: kind}
	if !h.all || !isUsual(room) || checkID(id) != nil {
		return heardRoom{}, false
	}
	return heardRoom{room: room, source: id}, true
}

// isUsual reports whether a room is one that people talk in: no live chat with a visitor, whose messages belong to its agents,
// and no archived room.
func isUsual(r Room) bool {
	return (r.Kind == Channel || r.Kind == Group || r.Kind == Direct) && !r.Archived
}
