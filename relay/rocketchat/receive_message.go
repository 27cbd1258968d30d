package rocketchat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// spoken returns the event of a call for the event "sendMessage".
func (c *Connection) spoken(w wireHook) ([]event.Event, error) {
	m, err := w.message()
	if err != nil {
		return nil, err
	}
	room := Room{ID: m.RoomID, Kind: Channel, Name: string(w.RoomName)}
	if w.RoomName == "" {
		room.Kind = Direct
	}
	e := c.created(m, room)
	_, placed := recipient(room, event.UserID(m.User.ID))
	own := e.Message.Sender.ID == c.self && isOwnMessageID(m.ID)
	e.Incomplete = bool(w.IsEdited) || !saysAll(m.Text) || !placed || own
	if w.IsEdited {
		e.Type, e.Trigger = event.MessageEdited, triggerEdited
		e.ID = c.eventID(m.ID, idEdited+":"+digest(m.Text)) // one for each text, until the time is known
	}
	if e.Incomplete {
		e.ID += incompleteSuffix
	}
	return []event.Event{e}, nil
}

// message returns what the call says as a message document.
func (w *wireHook) message() (*Message, error) {
	m := &Message{
		ID: string(w.ID), RoomID: string(w.Room), ThreadID: string(w.Thread), Text: string(w.Text), Alias: string(w.Alias),
		Bot: bool(w.Bot), User: UserRef{ID: string(w.User), Username: string(w.Username)}, Time: w.Time.Time,
	}
	for _, id := range []struct{ key, value string }{
		{"message_id", m.ID}, {"channel_id", m.RoomID}, {"user_id", m.User.ID}, {"tmid", m.ThreadID},
	} {
		if id.key == "tmid" && id.value == "" {
			continue
		}
		if err := checkID(id.value); err != nil {
			return nil, fmt.Errorf("%s: %w", id.key, err)
		}
	}
	return m, nil
}

// saysAll reports whether a text tells what its message is about.
func saysAll(s string) bool { return strings.TrimSpace(s) != "" && !mayMention(s) }

// mayMention reports whether a text may mention somebody, by the server's pattern (setting UTF8_User_Names_Validation, at its
// default) or more generously: that a name is nobody's shows later.
func mayMention(s string) bool {
	for i := range len(s) - 1 {
		if s[i] == '@' && (i == 0 || !isNameByte(s[i-1])) && isNameByte(s[i+1]) {
			return true
		}
	}
	return false
}

func isNameByte(b byte) bool {
	return strings.IndexByte(base62+"-_.", b) >= 0 || b >= 0x80
}

// uploaded returns the events of a call for the event "fileUploaded", which has the whole documents of message and room.
func (c *Connection) uploaded(w wireHook) ([]event.Event, error) {
	var m Message
	if err := m.UnmarshalJSON(w.Message); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	if m.User.ID == "" {
		m.User = UserRef{ID: string(w.User), Username: string(w.Username)}
	}
	if m.RoomID == "" {
		m.RoomID = string(w.Room)
	}
	for _, id := range []struct{ key, value string }{{"message._id", m.ID}, {"message.rid", m.RoomID}, {"message.u._id", m.User.ID}} {
		if err := checkID(id.value); err != nil {
			return nil, fmt.Errorf("%s: %w", id.key, err)
		}
	}
	if w.ID != "" && string(w.ID) != m.ID {
		return nil, errors.New("message: it is another one than message_id names")
	}
	var room Room
	if room.UnmarshalJSON(w.RoomWhole) != nil || room.ID != m.RoomID || room.Kind == "" {
		room = Room{ID: m.RoomID, Kind: Channel}
		if w.RoomName == "" {
			room.Kind = Direct
		}
	}
	e := c.created(&m, room)
	e.Trigger = triggerUploaded
	e.Message.Marker = nil
	if _, placed := recipient(room, event.UserID(m.User.ID)); !placed || e.Message.Sender.ID == c.self {
		e.Incomplete = true
		e.ID += incompleteSuffix
	}
	return []event.Event{e}, nil
}
