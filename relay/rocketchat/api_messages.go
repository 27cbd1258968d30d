package rocketchat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Draft is a message to be sent.
type Draft struct {
	// ID is the message's id, chosen by who sends; empty has the server choose one. There is at most one message of an id, so
	// that sending it again does no harm.
	ID     string `json:"_id,omitempty"`
	RoomID string `json:"rid"`
	Text   string `json:"msg"`
	// ThreadID is the root of the thread to reply in; that of a reply leads to the thread of that reply. InChannel shows the
	// reply in the room as well.
	ThreadID  string `json:"tmid,omitempty"`
	InChannel bool   `json:"tshow,omitempty"`
	// Alias and Avatar, a URL, take the place of the sender's name and picture. They need the permission
	// "message-impersonate", which the roles bot and app have. Emoji takes the place of the picture, and needs none.
	Alias       string       `json:"alias,omitempty"`
	Avatar      string       `json:"avatar,omitempty"`
	Emoji       string       `json:"emoji,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	// Bot marks the message as a program's, for others to see; nil does not.
	Bot *BotMark `json:"bot,omitempty"`
	// Stamp is kept with the message.
	Stamp *Stamp `json:"threadrelay,omitempty"`
}

// BotMark says which program has sent a message. Outgoing webhooks tell that there is one, and nothing else of it.
type BotMark struct {
	Program string `json:"i"`
}

// messageAnswer is an answer with one message.
type messageAnswer struct {
	Message *Message `json:"message"`
}

// one returns the message, which has to be there.
func (a messageAnswer) one(route string) (Message, error) {
	if a.Message == nil {
		return Message{}, fmt.Errorf("%s: answer: without a message", route)
	}
	return *a.Message, nil
}

// Message returns a message (chat.getMessage). One that does not exist and one that the user may not see are refused alike:
// see [IsNoMessage].
func (c *Client) Message(ctx context.Context, id string) (Message, error) {
	var a messageAnswer
	if err := c.get(ctx, "chat.getMessage", url.Values{"msgId": {id}}, &a); err != nil {
		return Message{}, err
	}
	return a.one("chat.getMessage")
}

// IsNoMessage reports whether an error is the refusal of a message that is not there, or that the user may not see.
func IsNoMessage(err error) bool {
	var refused *APIError
	if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
		return false
	}
	switch refused.Code {
	case "":
		return refused.bare || hasPrefixFold(refused.Text, textNoMessage)
	case "error-invalid-message", "error-message-not-found", "invalid-message":
		return true
	}
	return false
}

// SendMessage sends a message (chat.sendMessage) and returns it. A message of its id that is there already is refused with a
// text that does not say so: see [IsRepeat].
func (c *Client) SendMessage(ctx context.Context, d Draft) (Message, error) {
	var a messageAnswer
	if err := c.post(ctx, "chat.sendMessage", map[string]Draft{"message": d}, &a); err != nil {
		return Message{}, err
	}
	return a.one("chat.sendMessage")
}

// Post is a message for [Client.PostMessage].
type Post struct {
	// RoomID is a room's id, "#name" or "@username".
	RoomID      string       `json:"roomId"`
	ThreadID    string       `json:"tmid,omitempty"`
	Text        string       `json:"text,omitempty"`
	Alias       string       `json:"alias,omitempty"`
	Avatar      string       `json:"avatar,omitempty"`
	Emoji       string       `json:"emoji,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
}

// PostMessage sends a message (chat.postMessage) and returns it. The server chooses its id: sending it again says it twice.
func (c *Client) PostMessage(ctx context.Context, p Post) (Message, error) {
	var a messageAnswer
	if err := c.post(ctx, "chat.postMessage", p, &a); err != nil {
		return Message{}, err
	}
	return a.one("chat.postMessage")
}

// UpdateMessage changes what a message says (chat.update) and returns it. The text that it has already changes nothing.
func (c *Client) UpdateMessage(ctx context.Context, room, id, text string) (Message, error) {
	var a messageAnswer
	if err := c.post(ctx, "chat.update", map[string]string{"roomId": room, "msgId": id, "text": text}, &a); err != nil {
		return Message{}, err
	}
	return a.one("chat.update")
}

// DeleteMessage deletes a message (chat.delete), and returns when that was by the server's clock; zero if it does not tell.
func (c *Client) DeleteMessage(ctx context.Context, room, id string) (time.Time, error) {
	var a struct {
		Time instant `json:"ts"`
	}
	err := c.post(ctx, "chat.delete", map[string]string{"roomId": room, "msgId": id}, &a)
	return a.Time.Time, err
}

// React sets (on) or takes away the user's reaction to a message (chat.react). The emoji is a name, with or without colons.
// Doing it again changes nothing.
func (c *Client) React(ctx context.Context, id, emoji string, on bool) error {
	return c.post(ctx, "chat.react", map[string]any{"messageId": id, "emoji": emoji, "shouldReact": on}, nil)
}

// FollowMessage has the user be told of replies in the thread of a message (chat.followMessage), and UnfollowMessage not any
// more (chat.unfollowMessage).
func (c *Client) FollowMessage(ctx context.Context, id string) error {
	return c.post(ctx, "chat.followMessage", map[string]string{"mid": id}, nil)
}

// UnfollowMessage is the reverse of [Client.FollowMessage].
func (c *Client) UnfollowMessage(ctx context.Context, id string) error {
	return c.post(ctx, "chat.unfollowMessage", map[string]string{"mid": id}, nil)
}
