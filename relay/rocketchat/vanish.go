package rocketchat

import (
	"github.com/threadrelay/threadrelay/bus/event"
)

// vanished returns the event of a deletion of which the platform tells no more than the message's id, its room and perhaps
// the time. In which thread the message stood, and whose it was, is known if it was heard of before; if not, the event is
// incomplete.
func (c *Connection) vanished(m *Message) event.Event {
	e := c.deleted(m, Room{ID: m.RoomID}, m.DeletedAt)
	if m.DeletedAt.IsZero() {
		e.Time = c.now().UTC()
	}
	if k, ok := c.memory.get(m.ID); ok && k.thread.Root != "" {
		return k.fill(e)
	}
	if m.ThreadID == "" && m.User.ID == "" {
		e.Incomplete = true
		e.ID += incompleteSuffix
		e.Thread.Root = ""
	}
	return e
}

// fill adds to an event about a message what is remembered of that.
func (k *known) fill(e event.Event) event.Event {
	m := *e.Message
	m.Sender, m.Recipient, m.Parent, m.Marker = k.sender, k.recipient, k.parent, k.marker
	e.Message, e.Thread = &m, k.thread
	return e
}

// placed takes down where the message of an event stands, before anybody has stored the event.
func (c *Connection) placed(e event.Event) {
	if e.Message == nil || e.Incomplete {
		return
	}
	c.memory.note(string(e.Message.ID), func(k *known) { k.place(e) })
}
