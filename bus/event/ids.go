package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// The ids are opaque: they are compared and handed back, never taken apart outside the platform that made them.
type (
	// ID names an event. It is derived from the platform's own ids, so that a webhook, its retry and a poll of the same
	// thing carry the same ID.
	ID string
	// ActionID names an action. See [NewActionID].
	ActionID string
	// ConnectionID names one configured account at one platform, such as "cometchat" or "support".
	ConnectionID string
	// ConversationID names a conversation in the words of its platform, such as "group/engineering" or "user/ana".
	ConversationID string
	// MessageID is a message's id at its platform.
	MessageID string
	// UserID is a user's id at its platform.
	UserID string
)

// NewActionID derives the id of the n-th action (counted from 0) that a bot takes because of one event. The same three
// values always give the same id: a handler that runs twice says the same thing once.
func NewActionID(cause ID, bot string, n int) ActionID {
	h := sha256.New()
	for _, part := range []string{string(cause), bot, strconv.Itoa(n)} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part)) // the length keeps ("a", "bc") and ("ab", "c") apart
	}
	return ActionID(hex.EncodeToString(h.Sum(nil)[:16]))
}
