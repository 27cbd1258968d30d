package rocketchat

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// lateness is how long before what was read last something may have happened that shows only now. What is older was told
// before, or was put in later, as an import is.
const lateness = 10 * time.Minute

// maxLookups bounds the users that a page looks up.
const maxLookups = 20

// tell adds the events of the changes that were not read before, in the order in which they happened.
func (p *poll) tell(rows []syncRow) error {
	since := time.UnixMilli(max(p.at.from, min(p.at.floor, p.theirs.UnixMilli())-lateness.Milliseconds()))
	var events []event.Event
	for _, row := range rows {
		if p.at.knows(row.key()) {
			continue
		}
		if row.gone {
			if e, ok := p.gone(row, since); ok {
				events = append(events, e)
			}
			continue
		}
		told, err := p.standing(row, since)
		if err != nil {
			return err
		}
		events = append(events, told...)
	}
	slices.SortStableFunc(events, order)
	p.page.Events = append(p.page.Events, slices.DeleteFunc(events, p.c.isStored)...)
	return nil
}

// order sorts events by their time, and those of one time as they depend on each other.
func order(a, b event.Event) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(rank(a), rank(b)))
}

func rank(e event.Event) int {
	switch {
	case e.Type == event.MessageCreated && e.Message.Parent == "":
		return 0
	case e.Type == event.MessageCreated || e.Type == event.Other:
		return 1
	case e.Type == event.MessageDeleted:
		return 3
	}
	return 2
}

// standing returns the events of a document that is there. One that cannot be told is told as it is.
func (p *poll) standing(row syncRow, since time.Time) ([]event.Event, error) {
	m := &row.m
	p.c.learn(m)
	room := p.room
	if p.src.root != "" {
		var err error
		if room, err = p.roomOf(m.RoomID); err != nil {
			return nil, err
		}
	} else if m.RoomID == "" {
		m.RoomID = room.ID
	}
	events, err := p.c.tell(m, room, p.news(row, since))
	if err != nil {
		return []event.Event{p.c.unreadable(m)}, nil //nolint:nilerr // the event has it all
	}
	if len(events) > 0 {
		p.c.placed(events[0])
	}
	if m.Type != "" || m.Hidden || m.Private {
		p.at.reacted.drop(m.ID)
		return events, nil
	}
	reactions, err := p.reactions(m)
	return append(events, reactions...), err
}

// news returns from when on what a changed document shows is told. What has the very time at which the source began to be read
// was there by then if it has changed since, such as the root of a thread by a reply.
func (p *poll) news(row syncRow, since time.Time) time.Time {
	begun := p.at.reacted.below >= p.at.from // by [poll.begin], and not at a time that the caller wanted
	if start := time.UnixMilli(p.at.from); begun && row.at > p.at.from && !since.After(start) {
		return start.Add(time.Millisecond)
	}
	return since
}

// roomOf returns the room of a thread's message.
func (p *poll) roomOf(id string) (Room, error) {
	room, _, err := p.c.resolve(p.ctx, id, &p.page.Calls)
	return room, err
}

// unreadable returns the event of a document that is not as it should be.
func (c *Connection) unreadable(m *Message) event.Event {
	payload := redact(m.Raw, c.token.literal())
	return event.Event{
		Version: event.Version, ID: c.bodyID(payload), Type: event.Other, Time: orEpoch(m.Time), Platform: platform,
		Thread: event.ThreadRef{Connection: c.id}, Self: c.self, Trigger: triggerNote + "unreadable", Payload: payload,
	}
}

// reactions returns the events of the reactions that a document shows to have changed since it was read last.
func (p *poll) reactions(m *Message) ([]event.Event, error) {
	k, _ := p.c.memory.get(m.ID)
	before, known := p.at.reacted.before(m)
	if !known && k.reactions != nil {
		before, known = k.reactions, true
	}
	changes, after := compare(before, m, k.reactions)
	p.at.reacted.put(m, after)
	p.c.reactionsKnown(m, after)
	if !known {
		return nil, nil
	}
	var events []event.Event
	for _, ch := range changes {
		by, err := p.reactor(ch.username)
		if err != nil {
			return nil, err
		}
		events = append(events, p.c.reacted(m, ch, by))
	}
	return events, nil
}

// reactor returns the id of who reacted, and an empty one where the platform does not tell that.
func (p *poll) reactor(username string) (event.UserID, error) {
	calls := 0
	if p.lookups >= maxLookups {
		id, _ := p.c.names.get(username, p.now)
		return id, nil
	}
	id, err := p.c.userID(p.ctx, username, &calls)
	p.page.Calls += calls
	p.lookups += calls
	if errors.As(err, new(*APIError)) {
		return "", nil // such as of a user who is not there any more
	}
	return id, err
}

// gone returns the event of a deletion, and false if it is no news.
func (p *poll) gone(row syncRow, since time.Time) (event.Event, bool) {
	m := &row.m
	p.at.reacted.drop(m.ID)
	if m.RoomID == "" {
		m.RoomID = p.room.ID
	}
	if m.DeletedAt.Before(since) || checkID(m.ID) != nil || checkID(m.RoomID) != nil || m.Hidden {
		return event.Event{}, false
	}
	return p.c.vanished(m), true
}
