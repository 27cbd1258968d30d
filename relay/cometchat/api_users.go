package cometchat

import (
	"context"
	"net/http"
)

// User returns a user (GET /users/{uid}). One who was deactivated is not found.
func (c *Client) User(ctx context.Context, uid string) (User, error) {
	var u User
	err := c.call(ctx, Request{Method: http.MethodGet, Path: []string{"users", uid}}, &u)
	return u, err
}

// CreateUser makes a user (POST /users), who needs a uid and a name.
func (c *Client) CreateUser(ctx context.Context, d UserDraft) (User, error) {
	var u User
	err := c.call(ctx, Request{Method: http.MethodPost, Path: []string{"users"}, Body: d}, &u)
	return u, err
}

// UpdateUser changes a user (PUT /users/{uid}); the draft's UID is not sent.
func (c *Client) UpdateUser(ctx context.Context, uid string, d UserDraft) (User, error) {
	d.UID = ""
	var u User
	err := c.call(ctx, Request{Method: http.MethodPut, Path: []string{"users", uid}, Body: d}, &u)
	return u, err
}

// ListUsers returns a page of users (GET /users).
func (c *Client) ListUsers(ctx context.Context, o UserOptions) (Page[User], error) {
	return listPage[User](ctx, c, o.Values(), "users")
}
