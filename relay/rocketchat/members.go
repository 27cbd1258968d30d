package rocketchat

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Members = (*Connection)(nil)

// Member reports whether a user belongs to a room (rooms.isMember, and where there is none, the list of the room's members). A
// room that the connection's own user may not see has it for no member. An error is a [*relay.Failure].
func (c *Connection) Member(ctx context.Context, q event.MembershipQuery) (bool, error) {
	user := q.User
	if user == "" {
		user = c.self
	}
	if err := checkID(string(user)); err != nil {
		return false, rejected(fmt.Errorf("member %q: %w", user, err))
	}
	if err := checkRoomName(string(q.Conversation)); err != nil {
		return false, rejected(fmt.Errorf("member of %q: %w", q.Conversation, err))
	}
	is, err := c.isMember(ctx, q.Conversation, string(user))
	if err != nil {
		return false, failure(fmt.Errorf("rocketchat: member %q of %q: %w", user, q.Conversation, err))
	}
	return is, nil
}

func (c *Connection) isMember(ctx context.Context, conversation event.ConversationID, user string) (bool, error) {
	room, err := c.roomID(ctx, conversation)
	var is bool
	if err == nil {
		is, err = c.client.IsMember(ctx, room, user)
	}
	refused := refusalOf(err)
	switch {
	case refused == nil:
		return is, err
	case IsNoUser(err):
		return false, nil
	case user == string(c.self) && refused.Status != http.StatusUnauthorized && slices.Contains(denials(), refused.Code):
		return false, nil
	case refused.Status == http.StatusNotFound && room != "":
		return c.isListed(ctx, room, user)
	}
	return false, err
}

// isListed looks for a user among a room's members.
func (c *Connection) isListed(ctx context.Context, room, user string) (bool, error) {
	r, err := c.room(ctx, event.ConversationID(room))
	if err != nil {
		return false, err
	}
	for u, err := range c.client.RoomMembers(ctx, r.Kind, r.ID, "") {
		if err != nil {
			return false, err
		}
		if u.ID == user {
			return true, nil
		}
	}
	return false, nil
}
