package cometchat

import (
	"context"
	"net/http"
)

// ListReactions returns a page of the reactions to a message (GET /messages/{id}/reactions, or /{emoji} below it).
func (c *Client) ListReactions(ctx context.Context, message string, o ReactionOptions) (Page[Reaction], error) {
	path := []string{"messages", message, "reactions"}
	if o.Emoji != "" {
		path = append(path, o.Emoji)
	}
	return listPage[Reaction](ctx, c, o.Values(), path...)
}

// AddReaction reacts to a message in the user's name that the client acts in (POST /messages/{id}/reactions/{emoji}), and
// returns the message.
func (c *Client) AddReaction(ctx context.Context, message, emoji string) (Message, error) {
	return c.react(ctx, http.MethodPost, message, emoji)
}

// RemoveReaction is the reverse of [Client.AddReaction].
func (c *Client) RemoveReaction(ctx context.Context, message, emoji string) (Message, error) {
	return c.react(ctx, http.MethodDelete, message, emoji)
}

func (c *Client) react(ctx context.Context, method, message, emoji string) (Message, error) {
	if err := c.wantsUser("a reaction"); err != nil {
		return Message{}, err
	}
	var m Message
	err := c.call(ctx, Request{Method: method, Path: []string{"messages", message, "reactions", emoji}}, &m)
	return m, err
}
