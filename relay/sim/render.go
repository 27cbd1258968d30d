package sim

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
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

type wireMessage struct {
	ID             string         `json:"id"`
	MUID           string         `json:"muid,omitempty"`
	ConversationID string         `json:"conversationId"`
	Sender         string         `json:"sender"`
	ReceiverType   string         `json:"receiverType"`
	Receiver       string         `json:"receiver"`
	Category       string         `json:"category"`
	Type           string         `json:"type"`
	Data           map[string]any `json:"data"`
	SentAt         int64          `json:"sentAt"`
	EditedAt       int64          `json:"editedAt,omitempty"`
	EditedBy       string         `json:"editedBy,omitempty"`
	DeletedAt      int64          `json:"deletedAt,omitempty"`
	DeletedBy      string         `json:"deletedBy,omitempty"`
	UpdatedAt      int64          `json:"updatedAt"`
	ParentID       string         `json:"parentId,omitempty"`
	ReplyCount     int            `json:"replyCount,omitempty"`
	Tags           []string       `json:"tags,omitempty"`
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
	viewer string // uid of onBehalfOf; empty is the app
	hook   bool   // for a webhook
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
		CreatedAt: seconds(p.createdAt), ConversationID: conversation, LastActiveAt: seconds(p.lastActive),
	}
	if !p.lastActive.IsZero() {
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
	p, err := s.user(uid)
	if err != nil {
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

// renderMessage renders a message as it stands; the caller holds s.mu.
func (s *CometChat) renderMessage(m *message, v view) wireMessage {
	if v.hook && v.viewer == "" {
		v.viewer = m.sender
	}
	w := wireMessage{
		ID: m.key(), MUID: m.muid, ConversationID: m.conversation, Sender: m.sender, ReceiverType: m.receiverType,
		Receiver: m.receiver, Category: m.category, Type: m.kind, SentAt: seconds(m.sentAt), UpdatedAt: seconds(m.updatedAt),
		EditedAt: seconds(m.editedAt), EditedBy: m.editedBy, DeletedAt: seconds(m.deletedAt), DeletedBy: m.deletedBy,
		ReplyCount: len(s.store.replies[m.id]), Tags: m.tags,
	}
	if m.parent != 0 {
		w.ParentID = strconv.FormatInt(m.parent, 10)
	}
	if m.act != nil {
		w.Data = s.renderAction(m, v)
		return w
	}
	w.Data = make(map[string]any, len(m.data)+3)
	for k, val := range m.data {
		w.Data[k] = val
	}
	w.Data["entities"] = map[string]entity{"sender": s.userEntity(m.sender, "", v), "receiver": s.receiverEntity(m, v)}
	if mentions := s.mentions(m, v); len(mentions) > 0 {
		w.Data["mentions"] = mentions
	}
	if counts := reactionCounts(m, v.viewer); len(counts) > 0 {
		w.Data["reactions"] = counts
	}
	return w
}

func (s *CometChat) renderAction(m *message, v view) map[string]any {
	var on entity
	if m.act.on != nil {
		on = entity{Entity: s.renderMessage(m.act.on, v), EntityType: "message"}
	} else {
		on = s.userEntity(m.act.whom, "", v)
	}
	return map[string]any{
		"action":   m.act.name,
		"entities": map[string]entity{"by": s.userEntity(m.act.by, "", v), "for": s.receiverEntity(m, v), "on": on},
	}
}

func (s *CometChat) renderReaction(m *message, r reaction, v view) wireReaction {
	by, _ := s.userEntity(r.uid, "", v).Entity.(wireUser)
	return wireReaction{
		ID: strconv.FormatInt(r.id, 10), MessageID: m.key(), Reaction: r.emoji, UID: r.uid, ReactedAt: seconds(r.at), ReactedBy: by,
	}
}

func reactionCounts(m *message, viewer string) []wireReactionCount {
	var counts []wireReactionCount
	at := map[string]int{}
	for _, r := range m.reactions {
		i, ok := at[r.emoji]
		if !ok {
			i = len(counts)
			at[r.emoji] = i
			counts = append(counts, wireReactionCount{Reaction: r.emoji})
		}
		counts[i].Count++
		counts[i].ReactedByMe = counts[i].ReactedByMe || viewer != "" && r.uid == viewer
	}
	return counts
}

// mentions gives the existing users that a text names as <@uid:UID>, by uid.
func (s *CometChat) mentions(m *message, v view) map[string]wireUser {
	found := map[string]wireUser{}
	rest := m.text()
	for {
		_, after, ok := strings.Cut(rest, "<@uid:")
		if !ok {
			return found
		}
		rest = after
		uid, _, ok := strings.Cut(after, ">")
		if !ok {
			return found
		}
		p, err := s.user(uid)
		if err != nil {
			continue
		}
		conversation := ""
		if p.UID != m.sender {
			conversation = userConversation(p.UID, m.sender)
		}
		found[p.UID] = s.renderUser(p, conversation, v)
	}
}
