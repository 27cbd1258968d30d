package cometchat

import (
	"encoding/json"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// isHeld reports a status that moderation has not let pass, or not yet. The others are "approved", "unmoderated" and none.
func isHeld(status string) bool { return status == "pending" || status == "disapproved" }

// passed returns the message of a moderation that came to no decision, if the app is set to let such messages pass and the
// call holds what the message says. That is inferred: the only documented call shows the outcome "approved", and the message
// without its data. Without it there is nothing to publish, and the message is seen by its other reports.
func passed(data json.RawMessage) json.RawMessage {
	var failed struct {
		Resource json.RawMessage `json:"resource"`
		Outcome  loose           `json:"outcome"`
	}
	if decodeObject(data, &failed) != nil || failed.Outcome != "approved" {
		return nil
	}
	var message struct {
		Data json.RawMessage `json:"data"`
	}
	var content map[string]json.RawMessage
	if decodeObject(failed.Resource, &message) != nil || decodeObject(message.Data, &content) != nil || len(content) == 0 {
		return nil
	}
	return failed.Resource
}

// heldEvent returns the event of a message, or of an edit, that moderation keeps from bots: it is Other. Its id is that of
// the creation or the edit with the status behind it, so that an approval still has the id that the event itself would have.
func (c *Connection) heldEvent(r report, e event.Event, body []byte) event.Event {
	e.ID = event.ID(strings.TrimSuffix(string(e.ID), incompleteSuffix) + ":" + r.held)
	e.Type, e.Message, e.Incomplete = event.Other, nil, false
	e.Payload = redact(body, c.key.literal())
	return e
}
