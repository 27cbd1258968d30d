package cometchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// systemUID is the platform's own voice, and the sender of messages that were sent without "onBehalfOf".
const systemUID = "app_system"

// tell returns the events of a report, oldest first. The trigger may be empty: then it is the one that the platform has for
// what happened. body is what the report was read from.
func (c *Connection) tell(r report, trigger string, body []byte) ([]event.Event, error) {
	base, err := c.event(r)
	if err != nil {
		return nil, err
	}
	var events []event.Event
	switch {
	case r.typ == event.MessageDeleted:
		events = append(events, c.deleted(r, base))
	case r.typ == event.MessageEdited:
		events = append(events, c.edited(r, base))
	case r.held != "" && r.edited(): // what it was created with is not there any more
		events = append(events, c.edited(r, base))
	case r.edited():
		events = append(events, c.created(r, base), c.edited(r, base))
	default:
		events = append(events, c.created(r, base))
	}
	for i := range events {
		e := &events[i]
		e.Trigger = usualTrigger(e.Type)
		if trigger != "" {
			e.Trigger = triggerName(trigger)
		}
		if r.held != "" {
			*e = c.heldEvent(r, *e, body)
		}
	}
	return events, nil
}

// event returns what all events of a report have in common.
func (c *Connection) event(r report) (event.Event, error) {
	m, thread, err := c.message(r)
	if err != nil {
		return event.Event{}, err
	}
	e := event.Event{Version: event.Version, Platform: platform, Thread: thread, Self: c.self, Message: &m, Incomplete: r.partial}
	if r.partial {
		e.Thread.Root = ""
	}
	return e, nil
}

func (c *Connection) created(r report, e event.Event) event.Event {
	e.Type, e.Time = event.MessageCreated, orEpoch(r.sent())
	return c.named(e, "created")
}

func (c *Connection) edited(r report, e event.Event) event.Event {
	e.Type, e.Time = event.MessageEdited, orEpoch(r.changed())
	return c.named(e, editVersion(e.Time, r.message.Data.v.Text))
}

func (c *Connection) deleted(r report, e event.Event) event.Event {
	e.Type, e.Time = event.MessageDeleted, orEpoch(r.gone())
	e = c.named(e, "deleted")
	e.Message.Text, e.Message.Mentions, e.Message.Attachments = "", nil, nil
	return e
}

// named gives an event its id, and a message of its own.
func (c *Connection) named(e event.Event, what string) event.Event {
	m := *e.Message
	e.Message, e.ID = &m, c.eventID(m.ID, what)
	if e.Incomplete {
		e.ID += incompleteSuffix
	}
	return e
}

// usualTrigger is the platform's name for what most often makes an event of the type.
func usualTrigger(t event.Type) string {
	switch t {
	case event.MessageEdited:
		return "message_edited"
	case event.MessageDeleted:
		return "message_deleted"
	}
	return "message_sent"
}

// message returns the message and the thread that it belongs to.
func (c *Connection) message(r report) (event.Message, event.ThreadRef, error) {
	p, err := c.place(r.place)
	if err != nil {
		return event.Message{}, event.ThreadRef{}, fmt.Errorf("message: %w", err)
	}
	kind, d := r.message.Type, r.message.Data.v
	m := event.Message{
		ID: p.id, Parent: p.parent, Sender: c.author(p.sender, d.Entities.v.Sender), Recipient: p.recipient,
		Kind: c.plain(kind), Text: c.plain(d.Text), Mentions: mentions(d.Mentions.v), Attachments: c.attachments(kind, d),
		Marker: c.marker(d.Metadata),
	}
	return m, p.thread, nil
}

// plain returns a text of the platform without the API key, should somebody have written it there.
func (c *Connection) plain(s string) string {
	if key := c.key.literal(); key != "" {
		s = strings.ReplaceAll(s, key, removed)
	}
	return s
}

// link returns a URL without the API key and without the credentials of its own.
func (c *Connection) link(s string) string { return cleanText(s, c.key.literal()) }

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
	if isMessage(w.ParentID) {
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
	p.thread.Conversation = c.conversation(w.ReceiverType, from, to)
	if p.thread.Conversation == "" {
		return placed{}, errors.New("receiverType: neither user nor group")
	}
	if w.ReceiverType == "user" {
		p.recipient = event.UserID(to)
	}
	return p, nil
}

// conversation names where one says something to another, who may be a group; it is empty for an unknown kind of receiver.
func (c *Connection) conversation(receiverType, from, to string) event.ConversationID {
	switch receiverType {
	case "group":
		return groupConversation(to)
	case "user":
		return userConversation(string(c.self), from, to)
	}
	return ""
}

// author returns a user, with the name and the picture of the entity if they are there.
func (c *Connection) author(id event.UserID, entity json.RawMessage) event.User {
	var s wireSender
	if decodeObject(entity, &s) != nil {
		s = wireSender{}
	}
	return c.user(id, s.Entity.v)
}

func (c *Connection) user(id event.UserID, w wireUser) event.User {
	return event.User{ID: id, Name: c.plain(w.Name), Avatar: c.link(w.Avatar), System: id == systemUID}
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

// attachments returns data.attachments, or the older data.url of a media message. Access tokens in the URLs are removed:
// whoever fetches the file asks for one.
func (c *Connection) attachments(kind string, d wireData) []event.MediaRef {
	var refs []event.MediaRef
	for _, a := range d.Attachments {
		if a.v.URL != "" {
			refs = append(refs, event.MediaRef{
				URL: c.link(a.v.URL), Name: c.plain(a.v.Name), MIMEType: c.plain(a.v.MIMEType), Size: int64(a.v.Size),
			})
		}
	}
	switch kind {
	case "image", "video", "audio", "file":
		if len(refs) == 0 && d.URL != "" {
			refs = []event.MediaRef{{URL: c.link(d.URL)}}
		}
	}
	return refs
}

// marker returns what Send wrote into the metadata of its messages, or nil.
func (c *Connection) marker(metadata json.RawMessage) *event.Marker {
	var keys map[string]json.RawMessage
	if decodeObject(metadata, &keys) != nil {
		return nil
	}
	var w wireMarker
	if decodeObject(keys[markerKey], &w) != nil || w.Action == "" {
		return nil
	}
	return &event.Marker{Action: event.ActionID(c.plain(w.Action)), Bot: c.plain(w.Bot)}
}
