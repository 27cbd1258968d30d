package cometchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// eventsOf returns the events of one message as the REST API (document "chat-apis") lists and gets it, oldest first. They
// have the ids and the content of the webhook's events for the same things:
//   - a message is its creation, and its latest edit as well if it was edited. Then the creation has the text of today, since
//     that of the day is gone; where the creation is known already, it is a duplicate;
//   - a deleted message (deletedAt) is its deletion alone;
//   - an action message is the edit or the deletion that it tells of, which is incomplete if it says too little of its message:
//     see [Connection.Complete];
//   - what moderation holds is Other, with the id of the webhook's call about it: see pendingID;
//   - calls, notes on members and the like are Other. Webhooks tell of them by triggers of their own, under other ids.
//
// A message that cannot be read is a [*relay.ShapeError].
func (c *Connection) eventsOf(m json.RawMessage) ([]event.Event, error) {
	if err := checkJSON(m); err != nil {
		return nil, err
	}
	return c.checked(m, func(body []byte) ([]event.Event, error) {
		r, err := readReport(body, stands())
		if err != nil {
			return nil, fmt.Errorf("message: %w", err)
		}
		if r.typ == event.Other {
			return c.note(body)
		}
		return c.tell(r, "", body)
	})
}

// pendingID returns the id of a message that moderation has yet to decide on, or of the one whose edit it has, and "" for any
// other. Whoever cannot rely on the call that tells of the decision asks for the message again until it is not pending.
func pendingID(m json.RawMessage) event.MessageID {
	r, err := readReport(m, stands())
	if err != nil || r.held != "pending" {
		return ""
	}
	id, err := messageID(r.place.ID)
	if err != nil {
		return ""
	}
	return event.MessageID(id)
}

// note returns the event of a message that says nothing: a call, a change of members, an agent's step.
func (c *Connection) note(body []byte) ([]event.Event, error) {
	var head wireHead
	var w wirePlace
	if err := errors.Join(decodeObject(body, &head), decodeObject(body, &w)); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	p, err := c.place(w)
	if err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	trigger := c.plain(strings.Trim(head.Category+"/"+head.Type, "/"))
	if trigger == "" {
		trigger = "unknown"
	}
	at := orEpoch(latest(body))
	return []event.Event{{
		Version: event.Version, ID: c.eventID(p.id, fmt.Sprintf("other:%s:%d", sanitise(trigger), at.Unix())),
		Type: event.Other, Time: at, Platform: platform, Thread: p.thread, Self: c.self,
		Trigger: triggerName(trigger), Payload: redact(body, c.key.literal()),
	}}, nil
}
