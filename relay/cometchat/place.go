package cometchat

import (
	"fmt"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// The forms of a conversation's id. A 1:1 conversation is named by the other side if the bot takes part in it, and by both
// sides, sorted, if it does not. "message/<id>" stands for the unknown conversation of a message, and can only be waited in.
const (
	groupPrefix   = "group/"
	userPrefix    = "user/"
	usersPrefix   = "users/"
	usersSep      = "+"
	messagePrefix = "message/"
)

func groupConversation(guid string) event.ConversationID {
	return event.ConversationID(groupPrefix + guid)
}

// userConversation names the 1:1 conversation of a and b as the bot self sees it.
func userConversation(self, a, b string) event.ConversationID {
	switch {
	case self != "" && a == self:
		return event.ConversationID(userPrefix + b)
	case self != "" && b == self:
		return event.ConversationID(userPrefix + a)
	}
	return event.ConversationID(usersPrefix + min(a, b) + usersSep + max(a, b))
}

// otherSide returns who talks to user in "users/a+b", or "" if user is neither of the two.
func otherSide(pair, user string) string {
	if other, ok := strings.CutPrefix(pair, user+usersSep); ok {
		return other
	}
	if other, ok := strings.CutSuffix(pair, usersSep+user); ok {
		return other
	}
	return ""
}

// receiver returns to whom a message of sender in the conversation is addressed: an id, and "user" or "group".
func receiver(conversation event.ConversationID, sender string) (id, kind string, err error) {
	s := string(conversation)
	if guid, ok := strings.CutPrefix(s, groupPrefix); ok {
		id, kind = guid, "group"
	} else if other, ok := strings.CutPrefix(s, userPrefix); ok {
		id, kind = other, "user"
	} else if pair, ok := strings.CutPrefix(s, usersPrefix); ok {
		id, kind = otherSide(pair, sender), "user"
		if id == "" {
			return "", "", fmt.Errorf("conversation %q: sender %q is neither of its sides", s, sender)
		}
	} else {
		return "", "", fmt.Errorf("conversation %q: want group/<guid>, user/<uid> or users/<uid>+<uid>", s)
	}
	id, err = uid(id)
	if err != nil {
		return "", "", fmt.Errorf("conversation %q: %w", s, err)
	}
	return id, kind, nil
}

// conversationOf reads the platform's own name of a conversation, "group_<guid>" or "<uid>_user_<uid>". It returns "" for
// anything else, and where uids that hold "_user_" leave open who the two sides are.
func conversationOf(self, platformID string) event.ConversationID {
	if guid, ok := strings.CutPrefix(platformID, "group_"); ok {
		if guid, err := uid(guid); err == nil {
			return groupConversation(guid)
		}
		return ""
	}
	sides := strings.Split(platformID, "_user_")
	if len(sides) != 2 {
		return ""
	}
	a, errA := uid(sides[0])
	b, errB := uid(sides[1])
	if errA != nil || errB != nil {
		return ""
	}
	return userConversation(self, a, b)
}
