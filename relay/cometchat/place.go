package cometchat

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// The forms of a conversation's id. A 1:1 conversation is named by the other side if the bot takes part in it, and by both
// sides, sorted, if it does not.
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

// located is what could be found out about where and when something happened.
type located struct {
	thread event.ThreadRef
	time   time.Time
}

// locate looks into the data of a call that has no type of its own. It finds the thread of a message (data.message, the
// data.resource of a failed moderation, or the data itself), the message that a reaction belongs to, and the times that the
// documents show: sentAt, reactedAt, and the timestamp of receipts and of changes of presence.
func (c *Connection) locate(data json.RawMessage) located {
	l := located{thread: event.ThreadRef{Connection: c.id}}
	var fields map[string]json.RawMessage
	if decodeObject(data, &fields) != nil {
		return l
	}
	for _, raw := range []json.RawMessage{fields["message"], fields["resource"], data} {
		var w wirePlace
		if decodeObject(raw, &w) != nil {
			continue
		}
		if p, err := c.place(w); err == nil {
			return located{thread: p.thread, time: w.SentAt.Time}
		}
	}
	var reaction struct {
		MessageID text    `json:"messageId"`
		ReactedAt instant `json:"reactedAt"`
	}
	if decodeObject(fields["reaction"], &reaction) == nil {
		if id, err := messageID(reaction.MessageID); err == nil {
			l.thread.Conversation = event.ConversationID(messagePrefix + id)
		}
		l.time = reaction.ReactedAt.Time
		return l
	}
	l.time = timestamp(fields["body"])
	if l.time.IsZero() {
		l.time = timestamp(data)
	}
	return l
}

func timestamp(raw json.RawMessage) time.Time {
	var at struct {
		Timestamp instant `json:"timestamp"`
	}
	if decodeObject(raw, &at) != nil {
		return time.Time{}
	}
	return at.Timestamp.Time
}
