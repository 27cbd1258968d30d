package rocketchat

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// Me returns the user as whom the client acts (me), which is what the token is good for.
func (c *Client) Me(ctx context.Context) (User, error) {
	var u User
	err := c.get(ctx, "me", nil, &u)
	return u, err
}

// User returns a user by id (users.info).
func (c *Client) User(ctx context.Context, id string) (User, error) {
	return c.userInfo(ctx, url.Values{"userId": {id}})
}

// UserByName returns a user by username, without "@" (users.info).
func (c *Client) UserByName(ctx context.Context, username string) (User, error) {
	return c.userInfo(ctx, url.Values{"username": {username}})
}

func (c *Client) userInfo(ctx context.Context, q url.Values) (User, error) {
	var a struct {
		User *User `json:"user"`
	}
	err := c.get(ctx, "users.info", q, &a)
	if err == nil && a.User == nil {
		err = errors.New("users.info: answer: without a user")
	}
	if err != nil {
		return User{}, err
	}
	return *a.User, nil
}

// IsNoUser reports whether an error is the refusal of a user that does not exist, or is not active.
func IsNoUser(err error) bool {
	var refused *APIError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case "error-invalid-user", "error-user-not-found", "invalid-user":
		return true
	}
	return refused.Code == "" && strings.EqualFold(strings.TrimRight(refused.Text, "."), "User not found")
}

// Info is what a server tells of itself.
type Info struct {
	// Version is such as "8.8" or, to whom is privileged, "8.8.1"; empty if the server does not tell.
	Version string
}

// Major returns the first number of the version; 0 if it is not known.
func (i Info) Major() int {
	major, _, _ := strings.Cut(i.Version, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

// Info returns what the server tells of itself (info).
func (c *Client) Info(ctx context.Context) (Info, error) {
	var a struct {
		Version loose `json:"version"`
		Info    struct {
			Version loose `json:"version"`
		} `json:"info"`
	}
	err := c.get(ctx, "info", nil, &a)
	if a.Info.Version != "" {
		a.Version = a.Info.Version
	}
	return Info{Version: string(a.Version)}, err
}
