package relaytest

import (
	"context"
	"net/http"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Stage is a simulated platform with people on it. Its methods may be called by any number of goroutines.
type Stage interface {
	// Handler serves the platform's API, from the root of a server on.
	Handler() http.Handler
	// Scene returns who and what is there from the beginning; always the same.
	Scene() Scene
	// Say says something in a conversation, or in the thread of a root, as a person or as the scene's Self would in the
	// platform's own app.
	Say(by event.UserID, in event.ThreadRef, text string) (event.MessageID, error)
	// Edit and Delete change what somebody has said.
	Edit(by event.UserID, id event.MessageID, text string) error
	Delete(by event.UserID, id event.MessageID) error
	// React and Unreact change somebody's reaction to a message.
	React(by event.UserID, id event.MessageID, emoji string) error
	Unreact(by event.UserID, id event.MessageID, emoji string) error
	// Lines returns everything that was said, in the order in which it was said, deleted messages included.
	Lines() []Line
	// Reacted reports whether somebody's reaction is on a message.
	Reacted(by event.UserID, id event.MessageID, emoji string) bool
	// AwaitHooks returns nil once done holds for the webhook calls that the platform has made, with the credentials that
	// connections demand. It asks again after every further call, and returns an error when ctx ends or no call will follow.
	AwaitHooks(ctx context.Context, done func([]Call) bool) error
}

// StageConfig says what a stage is to be like.
type StageConfig struct {
	// PageSize is the most rows of a list that the server gives at once, whatever it is asked for; 0 leaves it to the server.
	PageSize int
	// NewestFirst has the server turn the rows of its pages round, where their order is not documented.
	NewestFirst bool
	// Now is the platform's clock; nil means the machine's.
	Now func() time.Time
}

// Scene is who and what is on a stage.
type Scene struct {
	// Self is the user as whom connections answer, a member of Group.
	Self event.UserID
	// People are two others, members of Group.
	People [2]event.UserID
	// Stranger exists and is no member of Group; Nobody does not exist.
	Stranger, Nobody event.UserID
	// Group has no messages at first.
	Group event.ConversationID
	// Direct is the conversation of Self with the first of the People.
	Direct event.ConversationID
	// NoMessage is a message's id that nothing has.
	NoMessage event.MessageID
	// Sources are what can be polled, other than threads.
	Sources []Source
}

// Source is something that can be polled.
type Source struct {
	Name string
	// Conversations are Group, Direct or both, as far as what is said there is in the source.
	Conversations []event.ConversationID
}

// Line is a message as it stands.
type Line struct {
	ID event.MessageID
	// Parent is the root of the thread that it is a reply in; empty outside threads.
	Parent       event.MessageID
	Conversation event.ConversationID
	Sender       event.UserID
	// Name is the sender's, as it is shown with the message.
	Name    string
	Text    string
	Deleted bool
}
