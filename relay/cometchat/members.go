package cometchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Member reports whether a user belongs to a conversation. For a group it asks the platform (GET /groups/{guid} in the
// user's name, whose hasJoined is the answer); the parties of a 1:1 conversation stand in its name. It returns an error if
// the platform did not answer or the answer does not tell; a refusal is a [*relay.Failure] in it.
func (c *Connection) Member(ctx context.Context, q event.MembershipQuery) (bool, error) {
	user, err := c.actor(q.User)
	if err != nil {
		return false, fmt.Errorf("cometchat: member: %w", err)
	}
	s := string(q.Conversation)
	if other, ok := strings.CutPrefix(s, userPrefix); ok {
		return strings.EqualFold(other, user) || user == string(c.self), nil
	}
	if pair, ok := strings.CutPrefix(s, usersPrefix); ok {
		return otherSide(strings.ToLower(pair), user) != "", nil
	}
	guid, ok := strings.CutPrefix(s, groupPrefix)
	if !ok {
		return false, fmt.Errorf("cometchat: member: conversation %q: want group/<guid>, user/<uid> or users/<uid>+<uid>", s)
	}
	if guid, err = uid(guid); err != nil {
		return false, fmt.Errorf("cometchat: member: conversation %q: %w", s, err)
	}
	return c.joined(ctx, guid, user)
}

func (c *Connection) joined(ctx context.Context, guid, user string) (bool, error) {
	var data json.RawMessage
	err := c.client.As(user).call(ctx, Request{Method: http.MethodGet, Path: []string{"groups", guid}}, &data)
	var refused *APIError
	if errors.As(err, &refused) && (isNotMember(refused.Code) || refused.Code == "ERR_MESSAGE_NO_ACCESS") {
		return false, nil
	}
	if err != nil {
		return false, failure(fmt.Errorf("cometchat: member %q of group %q: %w", user, guid, err), false)
	}
	var group struct {
		HasJoined json.RawMessage `json:"hasJoined"`
	}
	if err := decodeData(data, &group); err != nil {
		return false, fmt.Errorf("cometchat: member %q of group %q: %w", user, guid, err)
	}
	switch string(group.HasJoined) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, fmt.Errorf("cometchat: member %q of group %q: the answer does not tell", user, guid)
}
