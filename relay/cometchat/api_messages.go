package cometchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// SendMessage sends a message (POST /messages) and returns it. With several receivers it returns the first one's.
func (c *Client) SendMessage(ctx context.Context, d Draft) (Message, error) {
	return c.send(ctx, d, "messages")
}

// SendThreaded sends a reply in the thread of a message that is none itself (POST /messages/{id}/thread). The client has to
// act in a user's name. The receiver is that of the thread's root.
func (c *Client) SendThreaded(ctx context.Context, root string, d Draft) (Message, error) {
	if err := c.wantsUser("a threaded message"); err != nil {
		return Message{}, err
	}
	return c.send(ctx, d, "messages", root, "thread")
}

// SendAsBot sends a message of a bot's (POST /bots/{uid}/messages): the sender is the bot, whoever the client acts as.
func (c *Client) SendAsBot(ctx context.Context, bot string, d Draft) (Message, error) {
	return c.send(ctx, d, "bots", bot, "messages")
}

func (c *Client) send(ctx context.Context, d Draft, path ...string) (Message, error) {
	if d.Category == "" {
		d.Category = "message"
	}
	if d.Type == "" {
		d.Type = "text"
	}
	r := Request{Method: http.MethodPost, Path: path, Body: d}
	var sent Message
	if d.Multiple == nil {
		err := c.call(ctx, r, &sent)
		return sent, err
	}
	var data json.RawMessage // with several receivers the answer is not documented: it may be one message, or one for each
	if err := c.call(ctx, r, &data); err != nil {
		return Message{}, err
	}
	var all []json.RawMessage
	if json.Unmarshal(data, &all) == nil && len(all) > 0 {
		data = all[0]
	}
	if err := decodeData(data, &sent); err != nil {
		return Message{}, fmt.Errorf("POST /%s: answer: %w", strings.Join(path, "/"), err)
	}
	return sent, nil
}

// Message returns a message (GET /messages/{id}).
func (c *Client) Message(ctx context.Context, id string) (Message, error) {
	var m Message
	err := c.call(ctx, Request{Method: http.MethodGet, Path: []string{"messages", id}}, &m)
	return m, err
}

// EditMessage changes a message (PUT /messages/{id}) and returns it as it is now. In a user's name that is for its sender.
func (c *Client) EditMessage(ctx context.Context, id string, change MessageChange) (Message, error) {
	var m Message
	err := c.call(ctx, Request{Method: http.MethodPut, Path: []string{"messages", id}, Body: change}, &m)
	return m.original(), err
}

// DeleteMessage deletes a message (DELETE /messages/{id}) and returns it as it is now. If permanent, nothing of it is left;
// else it stays as one without content, with the time of its deletion.
func (c *Client) DeleteMessage(ctx context.Context, id string, permanent bool) (Message, error) {
	r := Request{Method: http.MethodDelete, Path: []string{"messages", id}}
	if permanent {
		r.Body = map[string]bool{"permanent": true}
	}
	var m Message
	err := c.call(ctx, r, &m)
	return m.original(), err
}

// original returns the message that an action message is about, and any other message itself.
func (m Message) original() Message {
	if m.Data.On != nil {
		return *m.Data.On
	}
	return m
}

// PinMessage pins a message in its conversation (POST /messages/{id}/pin), for all to see.
func (c *Client) PinMessage(ctx context.Context, id string) (Message, error) {
	return c.pin(ctx, http.MethodPost, id)
}

// UnpinMessage is the reverse of [Client.PinMessage].
func (c *Client) UnpinMessage(ctx context.Context, id string) (Message, error) {
	return c.pin(ctx, http.MethodDelete, id)
}

func (c *Client) pin(ctx context.Context, method, id string) (Message, error) {
	var m Message
	err := c.call(ctx, Request{Method: method, Path: []string{"messages", id, "pin"}}, &m)
	return m, err
}

// ListMessages returns a page of the messages of all conversations that the client may see (GET /messages).
func (c *Client) ListMessages(ctx context.Context, o MessageOptions) (Page[Message], error) {
	if err := wantsRows(o.MessageFilter); err != nil {
		return Page[Message]{}, err
	}
	return listPage[Message](ctx, c, o.Values(), "messages")
}

// ListUserMessages returns a page of a user's 1:1 messages: in the app's name all of them, in another user's those between
// the two (GET /users/{uid}/messages).
func (c *Client) ListUserMessages(ctx context.Context, uid string, o UserMessageOptions) (Page[Message], error) {
	if err := wantsRows(o.MessageFilter); err != nil {
		return Page[Message]{}, err
	}
	return listPage[Message](ctx, c, o.Values(), "users", uid, "messages")
}

// ListGroupMessages returns a page of a group's messages (GET /groups/{guid}/messages).
func (c *Client) ListGroupMessages(ctx context.Context, guid string, o GroupMessageOptions) (Page[Message], error) {
	if err := wantsRows(o.MessageFilter); err != nil {
		return Page[Message]{}, err
	}
	return listPage[Message](ctx, c, o.Values(), "groups", guid, "messages")
}

// ListThread returns a page of the replies to a message, without that itself (GET /messages/{id}/thread).
func (c *Client) ListThread(ctx context.Context, root string, o ThreadOptions) (Page[Message], error) {
	return listPage[Message](ctx, c, o.Values(), "messages", root, "thread")
}

// UnreadCount is how many messages of a conversation a user has not read.
type UnreadCount struct {
	// EntityType is "user" or "group", and EntityID the uid or guid of the other side.
	EntityType, EntityID string
	Count                int
}

// UnmarshalJSON reads a count.
func (u *UnreadCount) UnmarshalJSON(b []byte) error {
	var w struct {
		EntityType loose  `json:"entityType"`
		EntityID   loose  `json:"entityId"`
		Count      number `json:"count"`
	}
	if err := decodeObject(b, &w); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	*u = UnreadCount{EntityType: string(w.EntityType), EntityID: string(w.EntityID), Count: int(w.Count)}
	return nil
}

// CountMessages counts instead of listing (GET /messages with "count"): with Unread, the unread messages per conversation.
func (c *Client) CountMessages(ctx context.Context, o MessageOptions) ([]UnreadCount, error) {
	o.Count = new(true)
	return c.count(ctx, o.Values(), "messages")
}

// CountUserMessages counts what [Client.ListUserMessages] would list.
func (c *Client) CountUserMessages(ctx context.Context, uid string, o UserMessageOptions) ([]UnreadCount, error) {
	o.Count = new(true)
	return c.count(ctx, o.Values(), "users", uid, "messages")
}

// CountGroupMessages counts what [Client.ListGroupMessages] would list.
func (c *Client) CountGroupMessages(ctx context.Context, guid string, o GroupMessageOptions) ([]UnreadCount, error) {
	o.Count = new(true)
	return c.count(ctx, o.Values(), "groups", guid, "messages")
}

func (c *Client) count(ctx context.Context, q url.Values, path ...string) ([]UnreadCount, error) {
	page, err := listPage[UnreadCount](ctx, c, q, path...)
	return page.Rows, err
}

// wantsUser refuses a call that has to be made in a user's name.
func (c *Client) wantsUser(what string) error {
	if c.as == "" {
		return fmt.Errorf("cometchat: %s has to be in a user's name (Client.As)", what)
	}
	return nil
}

func wantsRows(f MessageFilter) error {
	if f.counts() {
		return errors.New("cometchat: a list was asked to count: there are calls that do")
	}
	return nil
}
