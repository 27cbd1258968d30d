package cometchat

import (
	"net/url"
	"time"
)

// Paging is the page of a list that has numbered pages.
type Paging struct {
	// PerPage is the number of rows, 1 to 1,000; 0 is the platform's default, 100.
	PerPage int
	// Page counts from 1; 0 is the first.
	Page int
}

func (p Paging) set(q query) {
	q.count("perPage", p.PerPage)
	q.count("page", p.Page)
}

// ConversationOptions are the parameters of GET /conversations.
type ConversationOptions struct {
	Paging
	SearchKey string
	// ConversationType is "user" or "group".
	ConversationType string
	// WithTags asks for the conversations' tags, and Tags for conversations with one of these.
	WithTags *bool
	Tags     []string
	// WithUserAndGroupTags asks for the tags of the other side, and UserTags and GroupTags for such with one of these.
	WithUserAndGroupTags *bool
	UserTags, GroupTags  []string
	// Unread asks for conversations with something that has not been read.
	Unread *bool
}

// Values encodes the parameters.
func (o ConversationOptions) Values() url.Values {
	q := query{}
	o.set(q)
	q.text("searchKey", o.SearchKey)
	q.text("conversationType", o.ConversationType)
	q.flag("withTags", o.WithTags)
	q.list("tags", o.Tags)
	q.flag("withUserAndGroupTags", o.WithUserAndGroupTags)
	q.list("userTags", o.UserTags)
	q.list("groupTags", o.GroupTags)
	q.flag("unread", o.Unread)
	return url.Values(q)
}

// UserOptions are the parameters of GET /users.
type UserOptions struct {
	Paging
	// SearchKey is looked for in SearchIn, such as "uid" and "name".
	SearchKey string
	SearchIn  []string
	// Status is "online", "available" or "offline".
	Status string
	Role   string
	Roles  []string
	// WithTags asks for the users' tags, and Tags for users with one of these.
	WithTags *bool
	Tags     []string
	// OnlyDeactivated and WithDeactivated ask for users that cannot do anything any more.
	OnlyDeactivated, WithDeactivated *bool
}

// Values encodes the parameters.
func (o UserOptions) Values() url.Values {
	q := query{}
	o.set(q)
	q.text("searchKey", o.SearchKey)
	q.list("searchIn", o.SearchIn)
	q.text("status", o.Status)
	q.text("role", o.Role)
	q.list("roles", o.Roles)
	q.flag("withTags", o.WithTags)
	q.list("tags", o.Tags)
	q.flag("onlyDeactivated", o.OnlyDeactivated)
	q.flag("withDeactivated", o.WithDeactivated)
	return url.Values(q)
}

// GroupOptions are the parameters of GET /groups.
type GroupOptions struct {
	Paging
	// SearchKey is looked for in SearchIn, such as "guid" and "name".
	SearchKey string
	SearchIn  []string
	// SortBy is a field, and SortOrder "asc" or "desc".
	SortBy, SortOrder string
	// Affix and UpdatedAt ask for groups that were changed before or after a time.
	Affix     Affix
	UpdatedAt time.Time
	// WithTags asks for the groups' tags, and Tags for groups with one of these.
	WithTags *bool
	Tags     []string
	// Type and Types are "public", "private" and "password".
	Type  string
	Types []string
	// HasJoined is for calls in a user's name.
	HasJoined *bool
}

// Values encodes the parameters.
func (o GroupOptions) Values() url.Values {
	q := query{}
	o.set(q)
	q.text("searchKey", o.SearchKey)
	q.list("searchIn", o.SearchIn)
	q.text("sortBy", o.SortBy)
	q.text("sortOrder", o.SortOrder)
	q.text("affix", string(o.Affix))
	q.time("updatedAt", o.UpdatedAt)
	q.flag("withTags", o.WithTags)
	q.list("tags", o.Tags)
	q.text("type", o.Type)
	q.list("types", o.Types)
	q.flag("hasJoined", o.HasJoined)
	return url.Values(q)
}

// MemberOptions are the parameters of GET /groups/{guid}/members.
type MemberOptions struct {
	Paging
	// Scopes are "admin", "moderator" and "participant".
	Scopes []string
}

// Values encodes the parameters.
func (o MemberOptions) Values() url.Values {
	q := query{}
	o.set(q)
	q.list("scopes", o.Scopes)
	return url.Values(q)
}
