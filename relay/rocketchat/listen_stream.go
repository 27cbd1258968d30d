package rocketchat

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/threadrelay/threadrelay/relay"
)

// The streams, and the events of theirs that matter.
const (
	streamMessages = "stream-room-messages"
	streamNotices  = "stream-notify-room"
	myMessages     = "__my_messages__"
	noticeDeleted  = "/deleteMessage"
	noticePruned   = "/deleteMessageBulk"
)

// subsAtOnce is how many subscriptions are asked for before their answers are waited for.
const subsAtOnce = 60

// stream is what is listened to on a connection.
type stream struct {
	c     *Connection
	d     *ddp
	r     relay.ListenRequest
	rooms *heardRooms
	subs  map[string]*subscription // by id
	// granted is how many subscriptions there are, and refused why the last one was not granted.
	granted int
	refused error
}

// subscription is one to a stream.
type subscription struct {
	room     string // empty for that of all rooms
	answered bool
	// main: without it the room is not heard at all.
	main bool
}

// open begins the session, and returns when all that can be subscribed to is.
func (s *stream) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	if err := s.d.hello(ctx); err != nil {
		return err
	}
	user, err := s.d.login(ctx, s.c.token.reveal())
	if err != nil {
		return err
	}
	if user != string(s.c.self) {
		return &relay.Failure{Kind: relay.Denied, Err: errors.New("the token is of another user than the configured one")}
	}
	if s.rooms.all {
		if err := s.subscribe(ctx, streamMessages, myMessages, subscription{main: true}); err != nil {
			return err
		}
	}
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(s.rooms.by)), subsAtOnce/3) {
		for _, id := range batch {
			if err := s.hear(ctx, id); err != nil {
				return err
			}
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if s.granted == 0 && s.refused != nil {
		return s.refused
	}
	return nil
}

// hear subscribes to what happens in a room.
func (s *stream) hear(ctx context.Context, id string) error {
	if named := s.rooms.by[id].source != id; named || !s.rooms.all {
		if err := s.subscribe(ctx, streamMessages, id, subscription{room: id, main: true}); err != nil {
			return err
		}
	}
	for _, notice := range []string{noticeDeleted, noticePruned} {
		if err := s.subscribe(ctx, streamNotices, id+notice, subscription{room: id}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) subscribe(ctx context.Context, name, about string, sub subscription) error {
	id := s.d.number()
	s.subs[id] = &sub
	params := []any{about, map[string]any{"useCollection": false, "args": []any{}}}
	return s.d.send(ctx, map[string]any{"msg": "sub", "id": id, "name": name, "params": params})
}

// settle waits until all subscriptions are answered. What happens meanwhile is heard.
func (s *stream) settle(ctx context.Context) error {
	for {
		waiting := false
		for _, sub := range s.subs {
			waiting = waiting || !sub.answered
		}
		if !waiting {
			return nil
		}
		f, err := s.d.next(ctx)
		if err == nil {
			err = s.take(ctx, f)
		}
		if err != nil {
			return err
		}
	}
}

// take handles a frame.
func (s *stream) take(ctx context.Context, f frame) error {
	switch f.Msg {
	case "ready":
		for _, id := range f.Subs.v {
			if sub := s.subs[string(id)]; sub != nil && !sub.answered {
				sub.answered = true
				s.granted++
			}
		}
	case "nosub":
		return s.denied(f)
	case "changed":
		return s.changed(ctx, f)
	}
	return nil
}

// denied handles the end of a subscription, or that there is none.
func (s *stream) denied(f frame) error {
	sub := s.subs[string(f.ID)]
	if sub == nil {
		return nil
	}
	delete(s.subs, string(f.ID))
	if !sub.main {
		return nil // deletions are found by polls
	}
	why := s.d.refusal(f.Error, "subscribe")
	if len(f.Error) == 0 {
		why.Err = errors.New("subscribe: the server has ended it")
	}
	s.refused = why
	if sub.room == "" {
		return why
	}
	s.r.Deaf(s.rooms.by[sub.room].source, why)
	return nil
}

// changed handles what a stream has to tell.
func (s *stream) changed(ctx context.Context, f frame) error {
	about, args := string(f.Fields.Event), f.Fields.Args.v
	if len(args) == 0 {
		return nil
	}
	switch f.Collection {
	case streamMessages:
		return s.message(ctx, about, args)
	case streamNotices:
		if room, ok := strings.CutSuffix(about, noticeDeleted); ok {
			return s.deleted(room, args[0])
		}
		if room, ok := strings.CutSuffix(about, noticePruned); ok {
			return s.pruned(room, args[0])
		}
	}
	return nil
}

// message handles a document. With those of all rooms comes of what kind the room is.
func (s *stream) message(ctx context.Context, about string, args []json.RawMessage) error {
	var m Message
	if m.UnmarshalJSON(args[0]) != nil {
		return nil //nolint:nilerr // what has no id is no message
	}
	if m.RoomID == "" && about != myMessages {
		m.RoomID = about
	}
	var extra struct {
		Kind loose `json:"roomType"`
	}
	if len(args) > 1 {
		_ = decodeObject(args[1], &extra) // without it the room is of no known kind
	}
	at, ok := s.rooms.of(m.RoomID, RoomKind(extra.Kind))
	if !ok {
		return nil
	}
	if _, known := s.rooms.by[m.RoomID]; !known { // one that the user has just joined
		s.rooms.by[m.RoomID] = at
		if err := s.hear(ctx, m.RoomID); err != nil {
			return err
		}
	}
	events, poll := s.c.heard(&m, at.room)
	return s.tell(relay.Heard{Source: at.source, Events: events, Poll: poll})
}

// deleted handles the notice of a deletion.
func (s *stream) deleted(room string, raw json.RawMessage) error {
	var m Message
	at, ok := s.rooms.by[room]
	if !ok || m.UnmarshalJSON(raw) != nil || checkID(m.ID) != nil {
		return nil //nolint:nilerr // what names no message tells of none
	}
	m.RoomID = room
	return s.tell(relay.Heard{Source: at.source, Events: s.c.fresh(s.c.vanished(&m))})
}

// pruned handles the notice that many messages were deleted at once. Which, a poll tells, unless they are named.
func (s *stream) pruned(room string, raw json.RawMessage) error {
	var w struct {
		IDs listOf[loose] `json:"ids"`
	}
	at, ok := s.rooms.by[room]
	if !ok || decodeObject(raw, &w) != nil {
		return nil //nolint:nilerr // what is no object tells of nothing
	}
	h := relay.Heard{Source: at.source, Poll: len(w.IDs.v) == 0}
	for _, id := range w.IDs.v {
		if checkID(string(id)) == nil {
			h.Events = append(h.Events, s.c.fresh(s.c.vanished(&Message{ID: string(id), RoomID: room}))...)
		}
	}
	return s.tell(h)
}

// tell passes on what was heard, if it is anything.
func (s *stream) tell(h relay.Heard) error {
	if len(h.Events) == 0 && !h.Poll {
		return nil
	}
	if err := s.r.Hear(h); err != nil {
		return &hearError{err}
	}
	return nil
}
