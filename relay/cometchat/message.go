package cometchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// systemUID is the platform's own voice, and the sender of messages that were sent without "onBehalfOf".
const systemUID = "app_system"

// report is what a call says of one message.
type report struct {
	typ     event.Type
	place   wirePlace
	message wireMessage
	// action is when the action message around the original was written; zero if there was none.
	action time.Time
}

// at returns when the reported thing happened, or the zero time if the payload does not tell.
func (r report) at() time.Time {
	m := r.message
	switch r.typ {
	case event.MessageEdited:
		return first(m.EditedAt, m.UpdatedAt, instant{r.action})
	case event.MessageDeleted:
		return first(m.DeletedAt, m.UpdatedAt, instant{r.action})
	}
	return first(m.SentAt, m.UpdatedAt)
}

// readReport reads a message, or the action message around one. The documents (webhooks/overview) show edits and deletes as
// action messages; the live service has been seen to send the original itself.
func readReport(raw json.RawMessage, what triggerMeaning) (report, error) {
	var head wireHead
	if err := decodeObject(raw, &head); err != nil {
		return report{}, err
	}
	r := report{typ: what.typ}
	if head.Category == "action" && head.Type == "message" {
		var a wireAction
		if err := decodeObject(raw, &a); err != nil {
			return report{}, fmt.Errorf("action: %w", err)
		}
		if r.typ == event.MessageCreated {
			r.typ = actionType(a.Data.Action)
		}
		if r.typ == event.Other {
			return r, nil
		}
		r.action = first(a.UpdatedAt, a.SentAt)
		raw, head = a.Data.Entities.On.Entity, wireHead{}
		if err := decodeObject(raw, &head); err != nil {
			return report{}, fmt.Errorf("data.entities.on.entity: %w", err)
		}
	}
	if !isSpeech(head.Category) {
		return report{typ: event.Other}, nil
	}
	if err := decodeObject(raw, &r.place); err != nil {
		return report{}, err
	}
	if err := decodeObject(raw, &r.message); err != nil {
		return report{}, err
	}
	if r.typ != event.MessageDeleted && !what.approved && isHeld(r.message.Data.v.Moderation.v.Status) {
		r.typ = event.Other
	}
	return r, nil
}

func actionType(action string) event.Type {
	switch action {
	case "edited":
		return event.MessageEdited
	case "deleted":
		return event.MessageDeleted
	}
	return event.Other
}

// isSpeech reports whether messages of the category say something. The others (call, action, agentic and whatever is
// invented next) are notes of what went on.
func isSpeech(category string) bool {
	switch category {
	case "message", "custom", "interactive", "card":
		return true
	}
	return false
}

// isHeld reports a message that moderation has not let pass, or not yet.
func isHeld(status string) bool { return status == "pending" || status == "disapproved" }

// message returns the message and the thread that it belongs to.
func (c *Connection) message(r report) (event.Message, event.ThreadRef, error) {
	p, err := c.place(r.place)
	if err != nil {
		return event.Message{}, event.ThreadRef{}, fmt.Errorf("message: %w", err)
	}
	kind, d := r.message.Type, r.message.Data.v
	m := event.Message{
		ID: p.id, Parent: p.parent, Sender: sender(p.sender, d.Entities.v.Sender), Recipient: p.recipient,
		Kind: kind, Text: d.Text, Mentions: mentions(d.Mentions.v), Attachments: attachments(kind, d), Marker: marker(d.Metadata),
	}
	return m, p.thread, nil
}

// placed is where a message was said.
type placed struct {
	id, parent event.MessageID
	sender     event.UserID
	recipient  event.UserID
	thread     event.ThreadRef
}

func (c *Connection) place(w wirePlace) (placed, error) {
	id, err := messageID(w.ID)
	if err != nil {
		return placed{}, err
	}
	p := placed{id: event.MessageID(id)}
	if strings.Trim(string(w.ParentID), "0") != "" {
		parent, err := messageID(w.ParentID)
		if err != nil {
			return placed{}, fmt.Errorf("parentId: %w", err)
		}
		p.parent = event.MessageID(parent)
	}
	from, err := uid(string(w.Sender))
	if err != nil {
		return placed{}, fmt.Errorf("sender: %w", err)
	}
	to, err := uid(string(w.Receiver))
	if err != nil {
		return placed{}, fmt.Errorf("receiver: %w", err)
	}
	p.sender = event.UserID(from)
	p.thread = event.ThreadRef{Connection: c.id, Root: p.id}
	if p.parent != "" {
		p.thread.Root = p.parent
	}
	switch w.ReceiverType {
	case "group":
		p.thread.Conversation = groupConversation(to)
	case "user":
		p.recipient = event.UserID(to)
		p.thread.Conversation = userConversation(string(c.self), from, to)
	default:
		return placed{}, errors.New("receiverType: neither user nor group")
	}
	return p, nil
}

// sender returns the author, with the name and the picture of data.entities.sender if they are there.
func sender(id event.UserID, entity json.RawMessage) event.User {
	u := event.User{ID: id, System: id == systemUID}
	var s wireSender
	if decodeObject(entity, &s) == nil {
		u.Name, u.Avatar = s.Entity.v.Name, cleanText(s.Entity.v.Avatar, "")
	}
	return u
}

// mentions returns the mentioned users in order. A key that is no uid mentions nobody.
func mentions(keys map[string]json.RawMessage) []event.UserID {
	var ids []event.UserID
	for key := range keys {
		if id, err := uid(key); err == nil {
			ids = append(ids, event.UserID(id))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// attachments returns data.attachments, or the older data.url of a media message. Access tokens in the URLs are removed.
func attachments(kind string, d wireData) []event.MediaRef {
	var refs []event.MediaRef
	for _, a := range d.Attachments {
		if a.v.URL != "" {
			refs = append(refs, event.MediaRef{
				URL: cleanText(a.v.URL, ""), Name: a.v.Name, MIMEType: a.v.MIMEType, Size: int64(a.v.Size),
			})
		}
	}
	switch kind {
	case "image", "video", "audio", "file":
		if len(refs) == 0 && d.URL != "" {
			refs = []event.MediaRef{{URL: cleanText(d.URL, "")}}
		}
	}
	return refs
}

// marker returns what Send wrote into the metadata of its messages, or nil.
func marker(metadata json.RawMessage) *event.Marker {
	var keys map[string]json.RawMessage
	if decodeObject(metadata, &keys) != nil {
		return nil
	}
	var w wireMarker
	if decodeObject(keys[markerKey], &w) != nil || w.Action == "" {
		return nil
	}
	return &event.Marker{Action: event.ActionID(w.Action), Bot: w.Bot}
}
