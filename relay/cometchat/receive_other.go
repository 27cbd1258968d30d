package cometchat

import (
	"encoding/json"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// other returns the event of a call that threadrelay has no type for, with the best place and time that its data tells.
func (c *Connection) other(env envelope, body []byte) event.Event {
	at := c.locate(env.Data)
	return event.Event{
		Version: event.Version, ID: c.bodyID(env.Trigger, body), Type: event.Other, Time: orEpoch(at.time), Platform: platform,
		Thread: at.thread, Self: c.self, Trigger: triggerName(env.Trigger), Payload: redact(body, c.key.literal()),
	}
}

// located is what could be found out about where and when something happened.
type located struct {
	thread event.ThreadRef
	time   time.Time
}

// locate looks into the data of a call that has no type of its own, for what the documents (webhooks/overview and its
// pages for calls, moderation and campaigns) show in one or another of them:
//   - the thread of a message: data.message, data.call, data.resource, or the data itself in the legacy shapes;
//   - the conversation of a receipt, of a message that has no id yet, or of a group;
//   - the latest of the times that are told of it. Presence is in milliseconds, and stays so.
func (c *Connection) locate(data json.RawMessage) located {
	l := located{thread: event.ThreadRef{Connection: c.id}}
	var fields map[string]json.RawMessage
	if decodeObject(data, &fields) != nil {
		return l
	}
	l.time = latest(data)
	for _, key := range []string{"message", "call", "resource", "conversation", "group", "body", "occupant"} {
		if at := latest(fields[key]); at.After(l.time) {
			l.time = at
		}
	}
	for _, raw := range []json.RawMessage{fields["message"], fields["call"], fields["resource"], data} {
		if thread := c.threadOf(raw); thread.Conversation != "" {
			l.thread = thread
			return l
		}
	}
	l.thread.Conversation = c.conversationIn(fields)
	return l
}

// threadOf returns where something like a message was said: its thread, the conversation alone if it has no id, or nothing.
func (c *Connection) threadOf(raw json.RawMessage) event.ThreadRef {
	var w wirePlace
	if decodeObject(raw, &w) != nil {
		return event.ThreadRef{}
	}
	if p, err := c.place(w); err == nil {
		return p.thread
	}
	from, errFrom := uid(string(w.Sender))
	to, errTo := uid(string(w.Receiver))
	if errFrom != nil || errTo != nil {
		return event.ThreadRef{}
	}
	return event.ThreadRef{Connection: c.id, Conversation: c.conversation(w.ReceiverType, from, to)}
}

// conversationIn returns the conversation that the data of a call names, or "".
func (c *Connection) conversationIn(fields map[string]json.RawMessage) event.ConversationID {
	var group struct {
		GUID text `json:"guid"`
	}
	if decodeObject(fields["group"], &group) == nil {
		if guid, err := uid(string(group.GUID)); err == nil {
			return groupConversation(guid)
		}
	}
	ids := []json.RawMessage{fields["conversationId"]}
	for _, key := range []string{"message", "conversation"} {
		var holder struct {
			ID json.RawMessage `json:"conversationId"`
		}
		if decodeObject(fields[key], &holder) == nil {
			ids = append(ids, holder.ID)
		}
	}
	for _, raw := range ids {
		var id string
		if json.Unmarshal(raw, &id) == nil {
			if found := conversationOf(string(c.self), id); found != "" {
				return found
			}
		}
	}
	return ""
}

// latest returns the latest time among the fields of an object that tell when something happened. Times that were only
// planned ("scheduledAt") or are about somebody else ("lastActiveAt", "joinedAt") do not count, and neither does what is no
// time at all.
func latest(raw json.RawMessage) time.Time {
	var fields map[string]json.RawMessage
	if decodeObject(raw, &fields) != nil {
		return time.Time{}
	}
	var last time.Time
	for _, key := range []string{
		"sentAt", "updatedAt", "createdAt", "editedAt", "deletedAt", "pinnedAt", "unpinnedAt", "reactedAt", "timestamp",
		"completedAt", "failedAt", "deliveredAt", "readAt", "engagedAt", "interactedAt", "clickedAt", // moderation, campaigns
		"created_at", "destroyed_at", "joined_at", "left_at", "startTime", "endTime", // calls
	} {
		var at instant
		if value := fields[key]; value != nil && at.UnmarshalJSON(value) == nil && at.After(last) {
			last = at.Time
		}
	}
	return last
}
