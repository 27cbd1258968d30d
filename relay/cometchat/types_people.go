package cometchat

import (
	"encoding/json"
	"fmt"
	"time"
)

// User is a user as the server API describes one.
type User struct {
	UID, Name, Avatar, Link, Role string
	// Status is "online", "available" or "offline".
	Status string
	// ConversationID is that of the 1:1 conversation with the user in whose name the call was made.
	ConversationID string
	// Metadata is a JSON object; nil if there is none.
	Metadata json.RawMessage
	// Tags are there if the list was asked for them ("withTags").
	Tags                               []string
	CreatedAt, UpdatedAt, LastActiveAt time.Time
	DeactivatedAt                      time.Time
	// HasBlockedMe and BlockedByMe are as the user in whose name the call was made sees it.
	HasBlockedMe, BlockedByMe bool
}

// Member is a user of a group.
type Member struct {
	User
	// Scope is "admin", "moderator" or "participant".
	Scope    string
	JoinedAt time.Time
}

// Group is a group as the server API describes one.
type Group struct {
	GUID, Name, Icon, Description string
	// Type is "public", "private" or "password".
	Type           string
	Owner          string
	ConversationID string
	MembersCount   int
	// HasJoined tells whether the user in whose name the call was made is a member, and Scope as what; nil if not told.
	HasJoined *bool
	Scope     string
	// Metadata is a JSON object; nil if there is none.
	Metadata json.RawMessage
	// Tags are there if the list was asked for them ("withTags").
	Tags                           []string
	JoinedAt, CreatedAt, UpdatedAt time.Time
}

// Conversation is a conversation as the user in whose name the call was made sees it.
type Conversation struct {
	ID string
	// Type is "user" or "group".
	Type                 string
	UnreadMessageCount   int
	CreatedAt, UpdatedAt time.Time
	// LastMessage is nil if there is none, or none that can be read.
	LastMessage *Message
	// WithUser or WithGroup is the other side.
	WithUser  *User
	WithGroup *Group
	Tags      []string
}

type wirePerson struct {
	UID            text              `json:"uid"`
	Name           loose             `json:"name"`
	Avatar         loose             `json:"avatar"`
	Link           loose             `json:"link"`
	Role           loose             `json:"role"`
	Status         loose             `json:"status"`
	ConversationID loose             `json:"conversationId"`
	Metadata       json.RawMessage   `json:"metadata"`
	Tags           lenient[[]string] `json:"tags"`
	CreatedAt      lenient[instant]  `json:"createdAt"`
	UpdatedAt      lenient[instant]  `json:"updatedAt"`
	LastActiveAt   lenient[instant]  `json:"lastActiveAt"`
	DeactivatedAt  lenient[instant]  `json:"deactivatedAt"`
	HasBlockedMe   flag              `json:"hasBlockedMe"`
	BlockedByMe    flag              `json:"blockedByMe"`
}

// UnmarshalJSON reads a user. It fails only if the value is no object or has no uid.
func (u *User) UnmarshalJSON(b []byte) error {
	var w wirePerson
	if err := decodeObject(b, &w); err != nil {
		return fmt.Errorf("user: %w", err)
	}
	id, err := uid(string(w.UID))
	if err != nil {
		return fmt.Errorf("user: uid: %w", err)
	}
	*u = User{
		UID: id, Name: string(w.Name), Avatar: string(w.Avatar), Link: string(w.Link), Role: string(w.Role), Status: string(w.Status),
		ConversationID: string(w.ConversationID), Metadata: objectOrNil(w.Metadata), Tags: w.Tags.v,
		CreatedAt: timeOf(w.CreatedAt), UpdatedAt: timeOf(w.UpdatedAt), LastActiveAt: timeOf(w.LastActiveAt), DeactivatedAt: timeOf(w.DeactivatedAt),
		HasBlockedMe: isTrue(w.HasBlockedMe), BlockedByMe: isTrue(w.BlockedByMe),
	}
	return nil
}

// UnmarshalJSON reads a member.
func (m *Member) UnmarshalJSON(b []byte) error {
	var w struct {
		Scope    loose            `json:"scope"`
		JoinedAt lenient[instant] `json:"joinedAt"`
	}
	if err := decodeObject(b, &w); err != nil {
		return fmt.Errorf("member: %w", err)
	}
	m.Scope, m.JoinedAt = string(w.Scope), timeOf(w.JoinedAt)
	return m.User.UnmarshalJSON(b)
}

type wireGroup struct {
	GUID           text              `json:"guid"`
	Name           loose             `json:"name"`
	Icon           loose             `json:"icon"`
	Description    loose             `json:"description"`
	Type           loose             `json:"type"`
	Owner          loose             `json:"owner"`
	ConversationID loose             `json:"conversationId"`
	MembersCount   number            `json:"membersCount"`
	HasJoined      flag              `json:"hasJoined"`
	Scope          loose             `json:"scope"`
	Metadata       json.RawMessage   `json:"metadata"`
	Tags           lenient[[]string] `json:"tags"`
	JoinedAt       lenient[instant]  `json:"joinedAt"`
	CreatedAt      lenient[instant]  `json:"createdAt"`
	UpdatedAt      lenient[instant]  `json:"updatedAt"`
}

// UnmarshalJSON reads a group. It fails only if the value is no object or has no guid.
func (g *Group) UnmarshalJSON(b []byte) error {
	var w wireGroup
	if err := decodeObject(b, &w); err != nil {
		return fmt.Errorf("group: %w", err)
	}
	id, err := uid(string(w.GUID))
	if err != nil {
		return fmt.Errorf("group: guid: %w", err)
	}
	*g = Group{
		GUID: id, Name: string(w.Name), Icon: string(w.Icon), Description: string(w.Description), Type: string(w.Type),
		Owner: string(w.Owner), ConversationID: string(w.ConversationID), MembersCount: int(w.MembersCount),
		HasJoined: w.HasJoined.v, Scope: string(w.Scope), Metadata: objectOrNil(w.Metadata), Tags: w.Tags.v,
		JoinedAt: timeOf(w.JoinedAt), CreatedAt: timeOf(w.CreatedAt), UpdatedAt: timeOf(w.UpdatedAt),
	}
	return nil
}

// UnmarshalJSON reads a conversation. It fails only if the value is no object or has no id.
func (c *Conversation) UnmarshalJSON(b []byte) error {
	var w struct {
		ID          loose             `json:"conversationId"`
		Type        loose             `json:"conversationType"`
		Unread      number            `json:"unreadMessageCount"`
		CreatedAt   lenient[instant]  `json:"createdAt"`
		UpdatedAt   lenient[instant]  `json:"updatedAt"`
		LastMessage lenient[*Message] `json:"lastMessage"`
		With        json.RawMessage   `json:"conversationWith"`
		Tags        lenient[[]string] `json:"tags"`
	}
	if err := decodeObject(b, &w); err != nil {
		return fmt.Errorf("conversation: %w", err)
	}
	if w.ID == "" {
		return fmt.Errorf("conversation: conversationId is missing")
	}
	*c = Conversation{
		ID: string(w.ID), Type: string(w.Type), UnreadMessageCount: int(w.Unread),
		CreatedAt: timeOf(w.CreatedAt), UpdatedAt: timeOf(w.UpdatedAt), LastMessage: w.LastMessage.v, Tags: w.Tags.v,
	}
	var user User
	var group Group
	if json.Unmarshal(w.With, &user) == nil {
		c.WithUser = &user
	} else if json.Unmarshal(w.With, &group) == nil {
		c.WithGroup = &group
	}
	return nil
}

func isTrue(f flag) bool { return f.v != nil && *f.v }
