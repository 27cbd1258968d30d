package cometchat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Group returns a group as the client's user sees it (GET /groups/{guid}).
func (c *Client) Group(ctx context.Context, guid string) (Group, error) {
	var g Group
	err := c.call(ctx, Request{Method: http.MethodGet, Path: []string{"groups", guid}}, &g)
	return g, err
}

// CreateGroup makes a group (POST /groups), which needs a guid, a name and a type.
func (c *Client) CreateGroup(ctx context.Context, d GroupDraft) (Group, error) {
	var g Group
	err := c.call(ctx, Request{Method: http.MethodPost, Path: []string{"groups"}, Body: d}, &g)
	return g, err
}

// UpdateGroup changes a group (PUT /groups/{guid}); the draft's GUID is not sent.
func (c *Client) UpdateGroup(ctx context.Context, guid string, d GroupDraft) (Group, error) {
	d.GUID = ""
	var g Group
	err := c.call(ctx, Request{Method: http.MethodPut, Path: []string{"groups", guid}, Body: d}, &g)
	return g, err
}

// ListGroups returns a page of groups (GET /groups).
func (c *Client) ListGroups(ctx context.Context, o GroupOptions) (Page[Group], error) {
	return listPage[Group](ctx, c, o.Values(), "groups")
}

// ListMembers returns a page of a group's members (GET /groups/{guid}/members).
func (c *Client) ListMembers(ctx context.Context, guid string, o MemberOptions) (Page[Member], error) {
	return listPage[Member](ctx, c, o.Values(), "groups", guid, "members")
}

// AddMembers takes users into a group (POST /groups/{guid}/members), all in one call. It returns why some were not taken, by
// uid; a user who was a member already is not among them. The map is nil if all went well.
func (c *Client) AddMembers(ctx context.Context, guid string, d NewMembers) (map[string]*APIError, error) {
	var data json.RawMessage
	err := c.call(ctx, Request{Method: http.MethodPost, Path: []string{"groups", guid, "members"}, Body: d}, &data)
	if err != nil {
		return nil, err
	}
	var scopes map[string]lenient[map[string]lenient[memberResult]]
	if err := decodeObject(data, &scopes); err != nil {
		return nil, fmt.Errorf("POST /groups/%s/members: answer: data: %w", guid, err)
	}
	var refused map[string]*APIError
	for _, scope := range scopes {
		for uid, result := range scope.v {
			if e := c.memberRefusal(result.v); e != nil {
				if refused == nil {
					refused = make(map[string]*APIError)
				}
				refused[uid] = e
			}
		}
	}
	return refused, nil
}

// memberResult is what became of one user.
type memberResult struct {
	Success flag            `json:"success"`
	Error   json.RawMessage `json:"error"`
}

func (c *Client) memberRefusal(r memberResult) *APIError {
	if r.Success.v == nil || *r.Success.v {
		return nil
	}
	e := &APIError{Status: http.StatusOK}
	c.readRefusal(r.Error, e)
	if e.Code == "ERR_ALREADY_JOINED" {
		return nil
	}
	return e
}

// RemoveMember takes a user out of a group (DELETE /groups/{guid}/members/{uid}).
func (c *Client) RemoveMember(ctx context.Context, guid, uid string) error {
	return c.call(ctx, Request{Method: http.MethodDelete, Path: []string{"groups", guid, "members", uid}}, nil)
}
