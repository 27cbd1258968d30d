package rocketchat

import (
	"context"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// How long what was looked up is gone by. A room is renamed, a user too, and roles are given and taken; all of it rarely.
const (
	roomsKept = 10 * time.Minute
	usersKept = time.Hour
	selfKept  = 10 * time.Minute
)

// lookups remember what was looked up.
type lookups struct {
	rooms memo[Room] // by id, "#name" or "@username"
	users memo[User] // by id
	self  memo[User] // under the empty key
}

// me returns the user as whom the connection answers.
func (c *Connection) me(ctx context.Context) (User, error) {
	if u, ok := c.known.self.get("", c.now()); ok {
		return u, nil
	}
	u, err := c.client.Me(ctx)
	if err != nil {
		return User{}, err
	}
	c.known.self.put("", u, c.now().Add(selfKept))
	return u, nil
}

// room returns the room of a conversation: an id, "#name", or "@username" for the direct room with that user, which is made if
// there is none yet. One that was just made may have an id and nothing else.
func (c *Connection) room(ctx context.Context, conversation event.ConversationID) (Room, error) {
	name := string(conversation)
	r, found, err := c.resolve(ctx, name, new(int))
	if err != nil || found {
		return r, err
	}
	if r, err = c.client.OpenDirect(ctx, strings.TrimPrefix(name, "@")); err != nil {
		return Room{}, err
	}
	r.Kind = Direct
	c.known.rooms.put(name, r, c.now().Add(roomsKept))
	return r, nil
}

// roomID returns the id of a conversation's room. An id needs no call.
func (c *Connection) roomID(ctx context.Context, conversation event.ConversationID) (string, error) {
	if name := string(conversation); !strings.HasPrefix(name, "#") && !strings.HasPrefix(name, "@") {
		return name, nil
	}
	r, err := c.room(ctx, conversation)
	return r.ID, err
}

// user returns a user by id.
func (c *Connection) user(ctx context.Context, id string) (User, error) {
	now := c.now()
	if u, ok := c.known.users.get(id, now); ok {
		return u, nil
	}
	u, err := c.client.User(ctx, id)
	if err != nil {
		return User{}, err
	}
	c.known.users.put(id, u, now.Add(usersKept))
	return u, nil
}
