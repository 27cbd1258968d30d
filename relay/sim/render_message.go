package sim

import (
	"strconv"
	"strings"
)

type wireMessage struct {
	ID              string         `json:"id"`
	MUID            string         `json:"muid,omitempty"`
	ConversationID  string         `json:"conversationId"`
	Sender          string         `json:"sender"`
	ReceiverType    string         `json:"receiverType"`
	Receiver        string         `json:"receiver"`
	Category        string         `json:"category"`
	Type            string         `json:"type"`
	Data            map[string]any `json:"data"`
	SentAt          int64          `json:"sentAt"`
	DeliveredAt     int64          `json:"deliveredAt,omitempty"`
	ReadAt          int64          `json:"readAt,omitempty"`
	DeliveredToMeAt int64          `json:"deliveredToMeAt,omitempty"`
	ReadByMeAt      int64          `json:"readByMeAt,omitempty"`
	EditedAt        int64          `json:"editedAt,omitempty"`
	EditedBy        string         `json:"editedBy,omitempty"`
	DeletedAt       int64          `json:"deletedAt,omitempty"`
	DeletedBy       string         `json:"deletedBy,omitempty"`
	PinnedAt        int64          `json:"pinnedAt,omitempty"`
	PinnedBy        string         `json:"pinnedBy,omitempty"`
	UnpinnedAt      int64          `json:"unpinnedAt,omitempty"`
	UnpinnedBy      string         `json:"unpinnedBy,omitempty"`
	SavedAt         int64          `json:"savedAt,omitempty"`
	UpdatedAt       int64          `json:"updatedAt"`
	ParentID        string         `json:"parentId,omitempty"`
	ReplyCount      int            `json:"replyCount,omitempty"`
	Tags            []string       `json:"tags,omitempty"`
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
		PinnedAt: seconds(m.pins.at), PinnedBy: m.pins.by, UnpinnedAt: seconds(m.pins.offAt), UnpinnedBy: m.pins.offBy,
		SavedAt: seconds(m.saved[v.viewer]), ReplyCount: len(s.store.replies[m.id]), Tags: m.tags,
	}
	if !v.hook {
		s.renderReceipts(&w, m, v.viewer)
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
	if m.moderation != "" {
		w.Data["moderation"] = map[string]string{"status": m.moderation}
	}
	if !m.rest && !m.filled {
		w.Data["resource"] = "WEB-sim-" + m.sender // the SDK session; messages of the REST API have none
	}
	return w
}

// renderReceipts tells how far the receiver of a one-to-one message is, and how far the viewer.
func (s *CometChat) renderReceipts(w *wireMessage, m *message, viewer string) {
	if m.act != nil {
		return
	}
	upTo := func(r receipt) int64 {
		if r.id < m.id {
			return 0
		}
		return seconds(r.at)
	}
	if m.receiverType == "user" {
		mark := s.markOf(m.receiver, m.conversation)
		w.DeliveredAt, w.ReadAt = upTo(mark.delivered), upTo(mark.read)
	}
	if viewer != "" && viewer != m.sender {
		mark := s.markOf(viewer, m.conversation)
		w.DeliveredToMeAt, w.ReadByMeAt = upTo(mark.delivered), upTo(mark.read)
	}
}

func (s *CometChat) renderAction(m *message, v view) map[string]any {
	var on entity
	if m.act.on != nil {
		on = entity{Entity: s.renderMessage(m.act.on, v), EntityType: "message"}
	} else {
		on = s.userEntity(m.act.whom, "", v)
	}
	data := map[string]any{
		"action":   m.act.name,
		"entities": map[string]entity{"by": s.userEntity(m.act.by, "", v), "for": s.receiverEntity(m, v), "on": on},
	}
	if m.act.name == "scopeChanged" {
		data["extras"] = map[string]any{"scope": map[string]string{"old": m.act.oldScope, "new": m.act.newScope}}
	}
	return data
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

// mentionStart begins a mention in a text; the uid and > follow.
const mentionStart = "<@uid:"

// mentions gives the existing users that a text names as <@uid:UID>, by uid.
func (s *CometChat) mentions(m *message, v view) map[string]wireUser {
	found := map[string]wireUser{}
	rest := m.text()
	for {
		_, after, ok := strings.Cut(rest, mentionStart)
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
		w := s.renderUser(p, conversation, v)
		if v.tagInfo {
			w.Tags = p.tags
		}
		if v.blockInfo && v.viewer != "" {
			theirs, mine := s.blocks(p.UID, v.viewer), s.blocks(v.viewer, p.UID)
			w.HasBlockedMe, w.BlockedByMe = &theirs, &mine
		}
		found[p.UID] = w
	}
}
