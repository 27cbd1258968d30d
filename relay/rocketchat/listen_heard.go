package rocketchat

import (
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// justNow is how long before a document was sent something must have happened to be what it was sent for.
const justNow = time.Minute

// heard returns the events of a document that the stream has sent, and whether a poll has to tell the rest.
func (c *Connection) heard(m *Message, room Room) (events []event.Event, poll bool) {
	c.learn(m)
	sent := m.UpdatedAt
	if sent.IsZero() {
		sent = m.Time
		if m.EditedAt.After(sent) {
			sent = m.EditedAt
		}
	}
	if _, placed := recipient(room, event.UserID(m.User.ID)); !placed {
		return nil, true // who the other side is, the poll finds out
	}
	events, err := c.tell(m, room, sent.Add(-justNow))
	if err != nil {
		return nil, true
	}
	before, _ := c.memory.get(m.ID)
	isNew := before.reactions == nil && slices.ContainsFunc(events, isCreation)
	if isNew && m.ReplyCount > 0 { // it was sent for a reply: whoever has not heard of it then has missed it, and the poll has not
		return slices.DeleteFunc(events, isCreation), true
	}
	for _, e := range events {
		c.placed(e)
	}
	events = slices.DeleteFunc(events, c.isStored)
	switch {
	case m.Type != "" || m.Hidden || m.Private:
		return events, false
	case before.reactions == nil && !isNew:
		return events, true
	case millis(m.UpdatedAt) < before.reactedAt: // an older document came later
		return events, false
	}
	reactions, ok := c.heardReactions(m, before)
	return append(events, reactions...), !ok
}

func isCreation(e event.Event) bool { return e.Type == event.MessageCreated }

// heardReactions returns the events of the reactions that a document shows to have changed. It returns false if that of a user
// is among them whose id nobody has told yet.
func (c *Connection) heardReactions(m *Message, before known) ([]event.Event, bool) {
	changes, after := compare(before.reactions, m, nil)
	var events []event.Event
	for _, ch := range changes {
		by, ok := c.names.get(ch.username, c.now())
		if !ok {
			return nil, false
		}
		events = append(events, c.reacted(m, ch, by))
	}
	c.reactionsKnown(m, after)
	return events, true
}

// fresh returns the event as a list, which is empty if the event is stored already.
func (c *Connection) fresh(e event.Event) []event.Event {
	if c.isStored(e) {
		return nil
	}
	return []event.Event{e}
}
