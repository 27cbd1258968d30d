package rocketchat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// threadPrefix begins the names of sources that are single threads.
const threadPrefix = "thread/"

// pollSource is what is polled: a room, or a thread by its root.
type pollSource struct {
	name string
	room string // an id, "#name" or "@username"
	root string
}

// source reads the name of a source that can be polled.
func (c *Connection) source(name string) (pollSource, error) {
	if root, ok := strings.CutPrefix(name, threadPrefix); ok {
		if err := checkID(root); err != nil {
			return pollSource{}, fmt.Errorf("source %q: %w", name, err)
		}
		return pollSource{name: name, root: root}, nil
	}
	if name == allRooms {
		return pollSource{}, errors.New(`source "rooms" stands for others, and cannot be polled itself`)
	}
	if err := checkRoomName(name); err != nil {
		return pollSource{}, fmt.Errorf("source %q: want rooms, a room's id, #name, @username or thread/<id>: %w", name, err)
	}
	return pollSource{name: name, room: name}, nil
}

// CheckSource reports what is wrong with a source's name. Sources are:
//   - "rooms", which stands for all rooms that the user is in: see [Connection.Discover];
//   - a room's id, "#general" or, for the direct room with a user, "@ana";
//   - "thread/<id of its root>", for a thread of a room that is not polled itself.
func (c *Connection) CheckSource(source string) error {
	if source == allRooms {
		return nil
	}
	_, err := c.source(source)
	return err
}

var (
	_ relay.ThreadPoller = (*Connection)(nil)
	_ relay.Locator      = (*Connection)(nil)
)

// ThreadSource returns "thread/<root>". There is none in a room that was polled: its polls have the replies in it.
func (c *Connection) ThreadSource(t event.ThreadRef) (string, bool) {
	if t.Connection != c.id || checkID(string(t.Root)) != nil {
		return "", false
	}
	if _, polled := c.sourceOf(t.Conversation); polled {
		return "", false
	}
	return threadPrefix + string(t.Root), true
}

// SourceOf returns the source whose polls have read a room.
func (c *Connection) SourceOf(t event.ThreadRef) (string, bool) {
	if t.Connection != c.id {
		return "", false
	}
	return c.sourceOf(t.Conversation)
}
