package rocketchat

import (
	"fmt"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// tell returns the events of a message document as REST lists and gets it, and as the realtime stream sends it, oldest first.
// They have the ids and the content of every other report of the same things:
//   - a message is its creation, and its latest edit as well if it was edited. Then the creation has the text of today, since
//     that of the day is gone; where the creation is known already, it is a duplicate;
//   - a tombstone is the deletion alone;
//   - what the system notes (who joined, what was pinned) is Other;
//   - copies that keep what was said before an edit, and what one user alone sees, are nothing.
//
// What happened before since is not told. Documents change for many reasons, of which a reply in the thread is the most
// frequent: so one that has changed may be no news at all. Reactions are not among the events: see [Connection.reacted].
func (c *Connection) tell(m *Message, r Room, since time.Time) ([]event.Event, error) {
	switch {
	case m.Hidden || m.Private:
		return nil, nil
	case checkID(m.ID) != nil:
		return nil, fmt.Errorf("message: %w", checkID(m.ID))
	case m.RoomID == "":
		return nil, fmt.Errorf("message %s: without a room", m.ID)
	case m.ThreadID != "" && checkID(m.ThreadID) != nil:
		return nil, fmt.Errorf("message %s: thread: %w", m.ID, checkID(m.ThreadID))
	}
	var events []event.Event
	happened := func(at time.Time) bool { return !at.IsZero() && !at.Before(since) }
	switch {
	case m.Type == typeRemoved:
		if happened(m.EditedAt) {
			events = append(events, c.deleted(m, r, m.EditedAt))
		}
	case m.Type != "":
		if happened(m.Time) {
			events = append(events, c.note(m))
		}
	default:
		if happened(m.Time) {
			events = append(events, c.created(m, r))
		}
		if happened(m.EditedAt) {
			events = append(events, c.edited(m, r))
		}
	}
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// event returns what all events of a document have in common.
func (c *Connection) event(m *Message, r Room) event.Event {
	to, _ := recipient(r, event.UserID(m.User.ID))
	said := c.said(m, to)
	return event.Event{Version: event.Version, Platform: platform, Thread: c.thread(m), Self: c.self, Message: &said}
}

func (c *Connection) created(m *Message, r Room) event.Event {
	e := c.event(m, r)
	e.ID, e.Type, e.Time, e.Trigger = c.eventID(m.ID, idCreated), event.MessageCreated, orEpoch(m.Time), triggerSent
	return e
}

func (c *Connection) edited(m *Message, r Room) event.Event {
	e := c.event(m, r)
	e.ID, e.Type, e.Time, e.Trigger = c.editID(m.ID, m.EditedAt), event.MessageEdited, orEpoch(m.EditedAt), triggerEdited
	return e
}

func (c *Connection) deleted(m *Message, r Room, at time.Time) event.Event {
	e := c.event(m, r)
	e.ID, e.Type, e.Time, e.Trigger = c.eventID(m.ID, idDeleted), event.MessageDeleted, orEpoch(at), triggerDeleted
	e.Message.Text, e.Message.Mentions, e.Message.Attachments = "", nil, nil
	return e
}

// note returns the event of what the system notes.
func (c *Connection) note(m *Message) event.Event {
	return event.Event{
		Version: event.Version, ID: c.eventID(m.ID, "other:"+sanitise(m.Type)), Type: event.Other, Time: orEpoch(m.Time),
		Platform: platform, Thread: c.thread(m), Self: c.self, Trigger: triggerNote + sanitise(m.Type),
		Payload: redact(m.Raw, c.token.literal()),
	}
}
