package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ActionType says what is to be done.
type ActionType string

// The types of actions.
const (
	// Reply says something in the thread of Action.Thread, and starts it if its root has no reply yet.
	Reply ActionType = "reply"
	// Post says something in the conversation of Action.Thread, outside of any thread.
	Post ActionType = "post"
	// Edit replaces what Action.Target says.
	Edit ActionType = "edit"
	// Delete takes Action.Target back.
	Delete ActionType = "delete"
	// React adds Action.Emoji to Action.Target, and Unreact takes it away again.
	React   ActionType = "react"
	Unreact ActionType = "unreact"
)

// Action is something that a bot wants done at a platform.
type Action struct {
	Version int        `json:"version"`
	ID      ActionID   `json:"id"`
	Type    ActionType `json:"type"`
	// Time is when the bot decided it.
	Time   time.Time `json:"time"`
	Thread ThreadRef `json:"thread"`
	// As is the user in whose name it is done; empty for the one that the connection answers as.
	As UserID `json:"as,omitempty"`
	// Identity describes As to a platform that may not know this user yet: the user is made, once, and kept up to date.
	// Platforms without users of our own making show it in another way, or not at all: see [Capabilities].
	Identity *Identity `json:"identity,omitempty"`
	// Text is what a Reply, a Post or an Edit says. A Reply or a Post may have attachments instead.
	Text string `json:"text,omitempty"`
	// Attachments are files that a Reply or a Post carries, by URL.
	Attachments []MediaRef `json:"attachments,omitempty"`
	// Mentions are the users that Text mentions.
	Mentions []UserID `json:"mentions,omitempty"`
	// Tags are labels that the platform keeps with the message and can be searched for.
	Tags []string `json:"tags,omitempty"`
	// Metadata is what the bot wants kept with the message, for programs; a JSON object.
	Metadata json.RawMessage `json:"metadata,omitempty"`
	// Custom makes a Reply or a Post a message of the bot's own kind instead of a text.
	Custom *Custom `json:"custom,omitempty"`
	// Also are further recipients of a Post, for platforms that send one message to several.
	Also *Recipients `json:"also,omitempty"`
	// Target is the message that an Edit, a Delete, a React or an Unreact is about, and TargetAction stands in its place where
	// the message is what another action sends: the action of that ID, at the same connection.
	Target       MessageID `json:"target,omitempty"`
	TargetAction ActionID  `json:"targetAction,omitempty"`
	// Follows is an action of the same connection that has to be done before this one. A Reply whose Thread has no root goes
	// into the thread of what that action sends. If that action fails, so does this one.
	Follows ActionID `json:"follows,omitempty"`
	// Emoji is what a React or an Unreact shows: a Unicode emoji, or a name such as ":tada:".
	Emoji string `json:"emoji,omitempty"`
	// Bot is the name of the bot that asks for it.
	Bot string `json:"bot"`
	// Cause is the event that made the bot ask, if there was one.
	Cause ID `json:"cause,omitempty"`
}

// Identity is how a user is shown.
type Identity struct {
	Name   string `json:"name"`
	Avatar string `json:"avatar,omitempty"`
}

// Custom is the content of a message of a kind that its sender defines.
type Custom struct {
	// Kind is the sender's name for it, such as "location".
	Kind string `json:"kind"`
	// Data is a JSON object.
	Data json.RawMessage `json:"data"`
}

// Recipients are users and groups.
type Recipients struct {
	Users  []UserID         `json:"users,omitempty"`
	Groups []ConversationID `json:"groups,omitempty"`
}

// Lane returns the key of the lane, within its connection, that the action belongs into: that of its thread. Actions for a
// thread whose root is yet to be sent by the action that they follow have a lane of their own.
func (a *Action) Lane() string {
	lane := a.Thread.Lane()
	if a.Thread.Root == "" && a.Follows != "" && a.Type != Post {
		lane += escapeToken(followMark + string(a.Follows))
	}
	return lane
}

// followMark keeps the ids of actions and those of messages apart in a lane's key.
const followMark = "+"

// Validate reports what makes the action unfit to be carried out.
func (a *Action) Validate() error {
	err := a.validateHead()
	if err == nil {
		err = a.validateContent()
	}
	if err == nil {
		err = a.Thread.Validate()
	}
	if err != nil {
		return fmt.Errorf("action %s: %w", a.ID, err)
	}
	return nil
}

func (t ActionType) known() bool {
	switch t {
	case Reply, Post, Edit, Delete, React, Unreact:
		return true
	}
	return false
}

func (a *Action) validateHead() error {
	switch {
	case a.ID == "":
		return errors.New("id is empty")
	case !a.Type.known():
		return fmt.Errorf("unknown type %q", a.Type)
	case a.Bot == "":
		return errors.New("bot is empty")
	case a.Thread.Conversation == "":
		return fmt.Errorf("%s without a conversation", a.Type)
	case a.Type == Reply && a.Thread.Root == "" && a.Follows == "":
		return errors.New("reply without a root, and no action that it follows")
	case len(a.Follows) > maxRefPart:
		return fmt.Errorf("the id of the action that it follows is %d bytes long, at most %d are allowed", len(a.Follows), maxRefPart)
	case a.Identity != nil && a.As == "":
		return errors.New("an identity, and no user whose it is")
	case a.Also != nil && a.Type != Post:
		return fmt.Errorf("%s with further recipients: only a post may have them", a.Type)
	case len(a.Metadata) > 0 && !isObject(a.Metadata):
		return fmt.Errorf("%s: metadata is not a JSON object", a.Type)
	}
	return nil
}

func (a *Action) validateContent() error {
	switch a.Type {
	case Reply, Post:
		return a.validateSaying()
	case Edit:
		if a.Text == "" {
			return errors.New("edit without text")
		}
	case Delete:
	case React, Unreact:
		if a.Emoji == "" {
			return fmt.Errorf("%s without an emoji", a.Type)
		}
	}
	switch {
	case a.Target == "" && a.TargetAction == "":
		return fmt.Errorf("%s without a target", a.Type)
	case a.Target != "" && a.TargetAction != "":
		return fmt.Errorf("%s with two targets", a.Type)
	}
	return nil
}

func (a *Action) validateSaying() error {
	switch {
	case a.Text == "" && len(a.Attachments) == 0 && a.Custom == nil:
		return fmt.Errorf("%s without text", a.Type)
	case a.Custom != nil && (a.Custom.Kind == "" || !isObject(a.Custom.Data)):
		return fmt.Errorf("%s: custom content wants a kind and a JSON object", a.Type)
	}
	for i, m := range a.Attachments {
		if m.URL == "" {
			return fmt.Errorf("%s: attachment %d has no URL", a.Type, i)
		}
	}
	return nil
}

func isObject(raw json.RawMessage) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal(raw, &fields) == nil && fields != nil
}
