package cometchat

import (
	"context"
	"net/http"
)

// Peer is the other side of a conversation: a user or a group.
type Peer struct{ path []string }

// UserPeer is the 1:1 conversation with a user.
func UserPeer(uid string) Peer { return Peer{[]string{"users", uid, "conversation"}} }

// GroupPeer is the conversation of a group.
func GroupPeer(guid string) Peer { return Peer{[]string{"groups", guid, "conversation"}} }

// ListConversations returns a page of the conversations of the user that the client acts as, or of all users' (GET
// /conversations).
func (c *Client) ListConversations(ctx context.Context, o ConversationOptions) (Page[Conversation], error) {
	return listPage[Conversation](ctx, c, o.Values(), "conversations")
}

// Conversation returns the user's conversation with another or with a group (GET /users/{uid}/conversation, GET
// /groups/{guid}/conversation). The client has to act in a user's name. A conversation in which nothing has been said yet is
// refused with ERR_CONVERSATION_NOT_ACCESSIBLE.
func (c *Client) Conversation(ctx context.Context, with Peer) (Conversation, error) {
	return c.conversation(ctx, with.path)
}

// ConversationByID returns a conversation by the platform's name of it, "group_<guid>" or "<uid>_user_<uid>" (GET
// /conversations/{conversationId}). The client has to act in a user's name.
//
// Deprecated: the platform has deprecated this call in favour of those of [Client.Conversation].
func (c *Client) ConversationByID(ctx context.Context, id string) (Conversation, error) {
	return c.conversation(ctx, []string{"conversations", id})
}

func (c *Client) conversation(ctx context.Context, path []string) (Conversation, error) {
	if err := c.wantsUser("a conversation"); err != nil {
		return Conversation{}, err
	}
	var v Conversation
	err := c.call(ctx, Request{Method: http.MethodGet, Path: path}, &v)
	return v, err
}

// MarkRead marks all of a conversation as read by the user that the client acts as (POST …/conversation/read). There is no
// call that marks a single message.
func (c *Client) MarkRead(ctx context.Context, with Peer) error { return c.mark(ctx, with, "read") }

// MarkDelivered marks all of a conversation as delivered to the user that the client acts as (POST …/conversation/delivered).
func (c *Client) MarkDelivered(ctx context.Context, with Peer) error {
	return c.mark(ctx, with, "delivered")
}

func (c *Client) mark(ctx context.Context, with Peer, as string) error {
	if err := c.wantsUser("marking a conversation"); err != nil {
		return err
	}
	path := append(append([]string{}, with.path...), as)
	return c.call(ctx, Request{Method: http.MethodPost, Path: path}, nil)
}
