package rocketchat

import (
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Rememberer = (*Connection)(nil)

// Remember takes note of a whole event that was stored: where its message stands, so that a deletion finds its thread, and
// which of the message's events need not be told again.
func (c *Connection) Remember(e event.Event) {
	m := e.Message
	if m == nil || e.Incomplete || e.Thread.Connection != c.id || e.Thread.Conversation == "" || e.Thread.Root == "" {
		return
	}
	c.memory.note(string(m.ID), func(k *known) {
		k.place(e)
		switch e.Type {
		case event.MessageCreated:
			k.created = true
			if k.edited == 0 {
				k.text = digest(m.Text)
			}
		case event.MessageEdited:
			if at := e.Time.UnixMilli(); at >= k.edited {
				k.edited, k.text = at, digest(m.Text)
			}
		case event.MessageDeleted:
			k.deletion = true
		}
	})
}

// place takes down where an event's message stands, and who has said it.
func (k *known) place(e event.Event) {
	k.thread, k.sender, k.recipient, k.parent = e.Thread, e.Message.Sender, e.Message.Recipient, e.Message.Parent
	if e.Message.Marker != nil {
		k.marker = e.Message.Marker
	}
}

// expect takes note of a message that is about to be sent: what comes of it may be reported before the answer to the call.
func (c *Connection) expect(id string, marker *event.Marker) {
	c.memory.note(id, func(k *known) { k.marker = marker })
}

// expectFile does the same for the message that will show an uploaded file, of which the file's id alone is known before.
func (c *Connection) expectFile(id string, marker *event.Marker) {
	c.uploads.put(id, marker, c.now().Add(usersKept))
}

// isStored reports whether an event is remembered as stored.
func (c *Connection) isStored(e event.Event) bool {
	if e.Message == nil {
		return false
	}
	k, ok := c.memory.get(string(e.Message.ID))
	if !ok {
		return false
	}
	switch e.Type {
	case event.MessageCreated:
		return k.created
	case event.MessageEdited:
		return k.edited >= e.Time.UnixMilli()
	case event.MessageDeleted:
		return k.deletion
	}
	return false
}

// millis returns a time in milliseconds since 1970, and 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// timeOf is the reverse of millis.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
