package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Type says what happened. Types are CloudEvents types.
type Type string

// The types of events.
const (
	MessageCreated Type = "chat.message.created"
	MessageEdited  Type = "chat.message.edited"
	MessageDeleted Type = "chat.message.deleted"
	// ReactionAdded and ReactionRemoved tell of one user's reaction to a message: see [Event.Reaction].
	ReactionAdded   Type = "chat.reaction.added"
	ReactionRemoved Type = "chat.reaction.removed"
	// Other is everything that a platform reports and threadrelay has no type for. Its Payload is what the platform sent,
	// less any credential in it.
	Other Type = "chat.other"
)

// Event is one thing that happened at a platform.
type Event struct {
	Version int `json:"version"`
	// ID is the same for every report of the same thing; see [ID].
	ID   ID   `json:"id"`
	Type Type `json:"type"`
	// Time is when it happened, by the platform's clock.
	Time time.Time `json:"time"`
	// Platform is the kind of platform, such as "cometchat".
	Platform string    `json:"platform"`
	Thread   ThreadRef `json:"thread"`
	// Self is the user as whom the connection answers, or empty if it has none.
	Self UserID `json:"self,omitempty"`
	// Trigger is the platform's own name of what happened.
	Trigger string `json:"trigger,omitempty"`
	// Message is the message that was created, edited (with its new text) or deleted (without text). Nil for Other.
	Message *Message `json:"message,omitempty"`
	// Reaction is set for ReactionAdded and ReactionRemoved alone.
	Reaction *Reaction `json:"reaction,omitempty"`
	// Incomplete is set while the platform's report does not tell where the event belongs. Such an event is stored apart, and
	// no bot sees it before the relay has found that out.
	Incomplete bool `json:"incomplete,omitempty"`
	// Payload is set for Other alone.
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Message is a chat message as its platform reported it.
type Message struct {
	ID MessageID `json:"id"`
	// Parent is the root of the thread that the message is a reply in; empty for a message that is not a reply.
	Parent MessageID `json:"parent,omitempty"`
	Sender User      `json:"sender"`
	// Recipient is the other side of a direct (1:1) message, and empty for a message to a group.
	Recipient UserID `json:"recipient,omitempty"`
	// Kind is the platform's content kind, such as "text" or "image".
	Kind        string     `json:"kind,omitempty"`
	Text        string     `json:"text,omitempty"`
	Mentions    []UserID   `json:"mentions,omitempty"`
	Attachments []MediaRef `json:"attachments,omitempty"`
	// Marker is what threadrelay wrote into a message that it sent itself; nil on everybody else's.
	Marker *Marker `json:"marker,omitempty"`
}

// Direct reports whether the message was said to one user instead of a group.
func (m *Message) Direct() bool { return m.Recipient != "" }

// Reaction is one user's reaction to a message.
type Reaction struct {
	// Message is the message that was reacted to.
	Message MessageID `json:"message"`
	// Emoji is the reaction as its platform wrote it: a Unicode emoji, or a name such as ":tada:".
	Emoji string `json:"emoji"`
	By    User   `json:"by"`
}

// User is somebody who says something.
type User struct {
	ID     UserID `json:"id"`
	Name   string `json:"name,omitempty"`
	Avatar string `json:"avatar,omitempty"`
	// System is set for the platform's own voice, which no bot talks to.
	System bool `json:"system,omitempty"`
}

// MediaRef points to a file that hangs on a message. Fetching it may need the connection's credentials.
type MediaRef struct {
	URL  string `json:"url"`
	Name string `json:"name,omitempty"`
	// MIMEType is what the platform says that it is.
	MIMEType string `json:"mimeType,omitempty"`
	// Size is in bytes; 0 if unknown.
	Size int64 `json:"size,omitempty"`
}

// Marker identifies a message as one that threadrelay sent.
type Marker struct {
	Action ActionID `json:"action"`
	Bot    string   `json:"bot,omitempty"`
}

func (t Type) tellsOfReaction() bool { return t == ReactionAdded || t == ReactionRemoved }

func (r *Reaction) validate() error {
	switch {
	case r == nil:
		return errors.New("without a reaction")
	case r.Message == "":
		return errors.New("without the id of its message")
	case r.Emoji == "":
		return errors.New("without an emoji")
	}
	return nil
}

// Validate reports what makes the event unfit to travel.
func (e *Event) Validate() error {
	switch {
	case e.ID == "":
		return fmt.Errorf("event: id is empty")
	case e.Type == "":
		return fmt.Errorf("event %s: type is empty", e.ID)
	case e.Time.IsZero():
		return fmt.Errorf("event %s: time is missing", e.ID)
	case e.Type.tellsOfReaction():
		if err := e.Reaction.validate(); err != nil {
			return fmt.Errorf("event %s: %s %w", e.ID, e.Type, err)
		}
	case e.Type != Other && e.Message == nil:
		return fmt.Errorf("event %s: %s without a message", e.ID, e.Type)
	case e.Message != nil && e.Message.ID == "":
		return fmt.Errorf("event %s: message without an id", e.ID)
	}
	if err := e.Thread.Validate(); err != nil {
		return fmt.Errorf("event %s: %w", e.ID, err)
	}
	return nil
}
