package rocketchat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// joined is the list of the rooms that the connection's user is in, as it was read last. One call finds all of them, where a
// look-up for each would use up its rate limit.
type joined struct {
	reading sync.Mutex // one reads, and the others use what it got

	mu    sync.Mutex
	at    time.Time
	rooms []Room
}

func (j *joined) get() ([]Room, time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.rooms, j.at
}

// joinedRooms returns the rooms that the user is in, read anew if they are older than an age. It adds what that has cost to
// calls.
func (c *Connection) joinedRooms(ctx context.Context, age time.Duration, calls *int) ([]Room, error) {
	c.joined.reading.Lock()
	defer c.joined.reading.Unlock()
	rooms, at := c.joined.get()
	if !at.IsZero() && c.now().Sub(at) < age {
		return rooms, nil
	}
	*calls++
	rooms, err := c.client.Rooms(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	now := c.now()
	for _, r := range rooms {
		c.known.rooms.put(r.ID, r, now.Add(roomsKept))
		if r.Name != "" && r.Kind != Direct {
			c.known.rooms.put("#"+r.Name, r, now.Add(roomsKept))
		}
	}
	c.joined.mu.Lock()
	defer c.joined.mu.Unlock()
	c.joined.rooms, c.joined.at = rooms, now
	return rooms, nil
}

// resolve returns the room that a source names: by its id, "#name" or "@username". It returns false for a direct room that
// nobody has opened yet. A room that the user has not joined costs a look-up.
func (c *Connection) resolve(ctx context.Context, name string, calls *int) (Room, bool, error) {
	if r, ok := c.known.rooms.get(name, c.now()); ok && r.Kind != "" {
		return r, true, nil
	}
	rooms, err := c.joinedRooms(ctx, roomsKept, calls)
	if err != nil {
		return Room{}, false, err
	}
	if username, direct := strings.CutPrefix(name, "@"); direct {
		return c.resolveDirect(ctx, username, calls)
	}
	i := slices.IndexFunc(rooms, func(r Room) bool { return r.ID == name || r.Kind != Direct && "#"+r.Name == name })
	if i >= 0 {
		return rooms[i], true, nil
	}
	*calls++
	r, err := c.client.Room(ctx, name)
	if err != nil {
		return Room{}, false, err
	}
	c.known.rooms.put(name, r, c.now().Add(roomsKept))
	return r, true, nil
}

// resolveDirect returns the direct room with a user.
func (c *Connection) resolveDirect(ctx context.Context, username string, calls *int) (Room, bool, error) {
	rooms, _ := c.joined.get()
	with := func(r Room) bool {
		return r.Kind == Direct && len(r.Usernames) == 2 && slices.Contains(r.Usernames, username)
	}
	if i := slices.IndexFunc(rooms, with); i >= 0 {
		return rooms[i], true, nil
	}
	id, err := c.userID(ctx, username, calls)
	if err != nil {
		return Room{}, false, err
	}
	between := func(r Room) bool {
		if r.Kind != Direct || len(r.UserIDs) > 2 {
			return false
		}
		other, _ := recipient(r, c.self)
		return other == id
	}
	if i := slices.IndexFunc(rooms, between); i >= 0 {
		return rooms[i], true, nil
	}
	return Room{}, false, nil
}

// userID returns the id of a username.
func (c *Connection) userID(ctx context.Context, username string, calls *int) (event.UserID, error) {
	if id, ok := c.names.get(username, c.now()); ok {
		return id, nil
	}
	*calls++
	u, err := c.client.UserByName(ctx, username)
	if err != nil {
		return "", err
	}
	c.names.put(username, event.UserID(u.ID), c.now().Add(usersKept))
	return event.UserID(u.ID), nil
}

var _ relay.Discoverer = (*Connection)(nil)

// allRooms is the source that stands for every room that the user is in.
const allRooms = "rooms"

// maxRooms bounds the rooms that a discovery finds.
const maxRooms = 5000

// Discovers reports whether a source is "rooms".
func (c *Connection) Discovers(source string) bool { return source == allRooms }

// Discover returns the ids of the rooms that the user is in (rooms.get), at most 5,000, without those of live chats with visitors, whose
// messages belong to their agents, and without archived ones.
func (c *Connection) Discover(ctx context.Context, source string) (relay.Discovery, error) {
	if source != allRooms {
		return relay.Discovery{}, rejected(fmt.Errorf("discover %q: it stands for no other sources", source))
	}
	var d relay.Discovery
	rooms, err := c.joinedRooms(ctx, 0, &d.Calls)
	if err != nil {
		return relay.Discovery{}, failure(fmt.Errorf("rocketchat: discover %s: %w", source, err))
	}
	for _, r := range rooms {
		if isUsual(r) && checkID(r.ID) == nil && len(d.Sources) < maxRooms {
			d.Sources = append(d.Sources, r.ID)
		}
	}
	slices.Sort(d.Sources)
	d.Sources = slices.Compact(d.Sources)
	return d, nil
}
