package sim

import (
	"bytes"
	"encoding/json"
	"time"
)

// The shapes follow the example objects of CometChat's REST API reference (chat-apis) and webhook reference (webhooks-events).
// Optional fields are left out rather than sent empty, as the examples do.

type wireUser struct {
	UID            string         `json:"uid"`
	Name           string         `json:"name"`
	Link           string         `json:"link,omitempty"`
	Avatar         string         `json:"avatar,omitempty"`
	Metadata       map[string]any `json:"metadata,omitempty"`
	Status         string         `json:"status"`
	Role           string         `json:"role"`
	Scope          string         `json:"scope,omitempty"`
	LastActiveAt   int64          `json:"lastActiveAt,omitempty"`
	JoinedAt       int64          `json:"joinedAt,omitempty"`
	CreatedAt      int64          `json:"createdAt,omitempty"`
	UpdatedAt      int64          `json:"updatedAt,omitempty"`
	DeactivatedAt  int64          `json:"deactivatedAt,omitempty"`
	HasBlockedMe   *bool          `json:"hasBlockedMe,omitempty"`
	BlockedByMe    *bool          `json:"blockedByMe,omitempty"`
	BlockedByMeAt  int64          `json:"blockedByMeAt,omitempty"`
	BlockedAt      int64          `json:"blockedAt,omitempty"`
	ConversationID string         `json:"conversationId,omitempty"`
	Tags           []string       `json:"tags,omitempty"`
	AuthToken      string         `json:"authToken,omitempty"`
}

type wireGroup struct {
	GUID           string         `json:"guid"`
	Name           string         `json:"name"`
	Description    string         `json:"description,omitempty"`
	Icon           string         `json:"icon,omitempty"`
	Type           string         `json:"type"`
	Scope          string         `json:"scope,omitempty"`
	MembersCount   int            `json:"membersCount"`
	JoinedAt       int64          `json:"joinedAt,omitempty"`
	ConversationID string         `json:"conversationId"`
	HasJoined      *bool          `json:"hasJoined,omitempty"`
	Metadata       map[string]any `json:"metadata,omitempty"`
	CreatedAt      int64          `json:"createdAt"`
	UpdatedAt      int64          `json:"updatedAt,omitempty"`
	Owner          string         `json:"owner,omitempty"`
	Tags           []string       `json:"tags,omitempty"`
}

type entity struct {
	Entity     any    `json:"entity"`
	EntityType string `json:"entityType"`
}

type wireReaction struct {
	ID        string   `json:"id"`
	MessageID string   `json:"messageId"`
	Reaction  string   `json:"reaction"`
	UID       string   `json:"uid"`
	ReactedAt int64    `json:"reactedAt"`
	ReactedBy wireUser `json:"reactedBy"`
}

type wireReactionCount struct {
	Reaction    string `json:"reaction"`
	Count       int    `json:"count"`
	ReactedByMe bool   `json:"reactedByMe,omitempty"`
}

// view is through whose eyes something is rendered, and for which channel.
type view struct {
	viewer             string // uid of onBehalfOf; empty is the app
	hook               bool   // for a webhook
	tagInfo, blockInfo bool   // mentioned users with their tags, and with who blocks whom
}

// encode gives the JSON of a value that is known to be encodable, with < > & left as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// renderUser renders a user; conversation, when not empty, is told as the user's conversation with the viewer.
func (s *CometChat) renderUser(p *person, conversation string, v view) wireUser {
	u := wireUser{
		UID: p.UID, Name: p.Name, Link: p.link, Avatar: p.Avatar, Metadata: p.metadata, Status: "offline", Role: p.role,
		CreatedAt: seconds(p.createdAt), UpdatedAt: seconds(p.updatedAt), DeactivatedAt: seconds(p.deactivatedAt),
		ConversationID: conversation, LastActiveAt: seconds(p.lastActive),
	}
	switch {
	case p.status != "":
		u.Status = p.status
	case !p.lastActive.IsZero():
		u.Status = "available"
	}
	if v.hook && u.LastActiveAt == 0 {
		u.LastActiveAt = u.CreatedAt
	}
	return u
}

func (s *CometChat) renderGroup(g *group, v view) wireGroup {
	w := wireGroup{
		GUID: g.guid, Name: g.name, Description: g.description, Icon: g.icon, Type: g.kind, MembersCount: len(g.members),
		ConversationID: groupConversation(g.guid), Metadata: g.metadata, CreatedAt: seconds(g.createdAt),
		UpdatedAt: seconds(g.updatedAt), Owner: g.owner, Tags: g.tags,
	}
	if v.viewer == "" || v.viewer == systemUID {
		return w
	}
	m := g.members[v.viewer]
	joined := m != nil
	w.HasJoined = &joined
	if joined {
		w.Scope, w.JoinedAt = m.scope, seconds(m.joinedAt)
	}
	return w
}

// userEntity renders someone by uid; a person who is unknown is rendered by uid alone.
func (s *CometChat) userEntity(uid, conversation string, v view) entity {
	p := s.people[uid] // also one who is deactivated
	if uid == systemUID {
		p, _ = s.user(uid)
	}
	if p == nil {
		p = &person{User: User{UID: uid, Name: uid}, role: "default"}
	}
	return entity{Entity: s.renderUser(p, conversation, v), EntityType: "user"}
}

func (s *CometChat) receiverEntity(m *message, v view) entity {
	if m.receiverType == "group" {
		if g := s.groups[m.receiver]; g != nil {
			return entity{Entity: s.renderGroup(g, v), EntityType: "group"}
		}
	}
	return s.userEntity(m.receiver, m.conversation, v)
}
