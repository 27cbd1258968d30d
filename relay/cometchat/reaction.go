package cometchat

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxEmoji bounds a reaction, in bytes. The longest emoji of Unicode have 35; custom ones have names.
const maxEmoji = 256

// wireReaction is data.reaction (documents "webhooks/overview" and "chat-apis"). It names the message, and not where that is.
type wireReaction struct {
	ID        loose           `json:"id"`
	MessageID text            `json:"messageId"`
	Reaction  string          `json:"reaction"`
	UID       text            `json:"uid"`
	ReactedAt instant         `json:"reactedAt"`
	ReactedBy json.RawMessage `json:"reactedBy"`
}

// wireReactor is who reacted.
type wireReactor struct {
	UID text `json:"uid"`
	wireUser
}

// reactions returns the event of a reaction that was added or removed. It is incomplete, and waits in the lane of its message.
func (c *Connection) reactions(env envelope, typ event.Type) ([]event.Event, error) {
	var data struct {
		Reaction json.RawMessage `json:"reaction"`
	}
	var w wireReaction
	if err := decodeObject(env.Data, &data); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if err := decodeObject(data.Reaction, &w); err != nil {
		return nil, fmt.Errorf("reaction: %w", err)
	}
	id, err := messageID(w.MessageID)
	if err != nil {
		return nil, fmt.Errorf("reaction: messageId: %w", err)
	}
	if w.Reaction == "" || len(w.Reaction) > maxEmoji {
		return nil, fmt.Errorf("reaction: reaction: %d bytes long, want 1 to %d", len(w.Reaction), maxEmoji)
	}
	by, err := c.reactor(w)
	if err != nil {
		return nil, err
	}
	e := event.Event{
		Version: event.Version, Type: typ, Time: orEpoch(w.ReactedAt.Time), Platform: platform, Self: c.self,
		Thread:  event.ThreadRef{Connection: c.id, Conversation: event.ConversationID(messagePrefix + id)},
		Trigger: triggerName(env.Trigger), Incomplete: true,
		Reaction: &event.Reaction{Message: event.MessageID(id), Emoji: c.plain(w.Reaction), By: by},
	}
	e.ID = c.eventID(e.Reaction.Message, reactionVersion(w, e)) + incompleteSuffix
	return []event.Event{e}, nil
}

// reactor returns who reacted.
func (c *Connection) reactor(w wireReaction) (event.User, error) {
	var by wireReactor
	if decodeObject(w.ReactedBy, &by) != nil {
		by = wireReactor{}
	}
	named := w.UID
	if named == "" {
		named = by.UID
	}
	if named == "" {
		return event.User{}, errors.New("reaction: uid: missing")
	}
	id, err := uid(string(named))
	if err != nil {
		return event.User{}, fmt.Errorf("reaction: uid: %w", err)
	}
	return c.user(event.UserID(id), by.wireUser), nil
}

// reactionVersion tells the reactions to one message apart: by the platform's id of the reaction, or by who used which emoji
// if it has none, and by its second, since the same user may take it away and add it again.
func reactionVersion(w wireReaction, e event.Event) string {
	kind := "reaction-added"
	if e.Type == event.ReactionRemoved {
		kind = "reaction-removed"
	}
	key, err := messageID(text(w.ID)) // ids of reactions look like those of messages
	if err != nil {
		sum := sha256.Sum256([]byte(string(e.Reaction.By.ID) + "\n" + w.Reaction))
		key = hex.EncodeToString(sum[:8])
	}
	return fmt.Sprintf("%s:%s-%d", kind, key, e.Time.Unix())
}
