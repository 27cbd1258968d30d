package cometchat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Message is a message as the server API describes it (document "chat-apis"). What the platform left out is empty or zero.
type Message struct {
	// ID is a decimal number. ParentID is the root of the thread that the message is a reply in.
	ID, ParentID string
	// MUID is the id that the sender's program gave it.
	MUID           string
	ConversationID string
	Sender         string
	// ReceiverType is "user" or "group", and Receiver the uid or guid.
	ReceiverType, Receiver string
	// Category is such as "message", "custom" or "action", and Type such as "text" or "image".
	Category, Type     string
	Data               MessageData
	SentAt, UpdatedAt  time.Time
	EditedAt           time.Time
	EditedBy           string
	DeletedAt          time.Time
	DeletedBy          string
	DeliveredAt        time.Time
	ReadAt             time.Time
	PinnedAt           time.Time
	PinnedBy           string
	ReplyCount         int
	UnreadRepliesCount int
	// Tags are there if the list was asked for them ("withTags").
	Tags []string
	// Raw is the message as it came.
	Raw json.RawMessage
}

// MessageData is what a message says.
type MessageData struct {
	Text string
	// Attachments are the files of a media message, and URL the older form of the same.
	Attachments []Attachment
	URL         string
	// Metadata and CustomData are JSON objects; nil if there are none.
	Metadata, CustomData json.RawMessage
	// Mentions has the uids that the text mentions.
	Mentions []string
	// Reactions counts them per emoji.
	Reactions []ReactionCount
	// Moderation is "pending", "approved", "disapproved" or "unmoderated"; empty if the platform does not tell.
	Moderation string
	// Action is what an action or call message tells of, such as "edited" or "joined", and On the message that it happened to,
	// if it was one.
	Action string
	On     *Message
}

// Attachment is a file of a message.
type Attachment struct {
	URL       string `json:"url"`
	Name      string `json:"name,omitempty"`
	MIMEType  string `json:"mimeType,omitempty"`
	Extension string `json:"extension,omitempty"`
	// Size is in bytes; 0 if unknown.
	Size int64 `json:"size,omitempty"`
}

// ReactionCount is how often an emoji was used on a message.
type ReactionCount struct {
	Reaction string
	Count    int
	// ByMe is set if the user in whose name the call was made is among them.
	ByMe bool
}

// Reaction is one user's reaction to a message.
type Reaction struct {
	ID, MessageID, Reaction, UID string
	ReactedAt                    time.Time
	ReactedBy                    User
}

// Metadata returns one entry of the message's metadata, or nil.
func (m *Message) Metadata(key string) json.RawMessage {
	var keys map[string]json.RawMessage
	if decodeObject(m.Data.Metadata, &keys) != nil {
		return nil
	}
	return keys[key]
}

// wireRow is a message of a list. Only its id has to be right.
type wireRow struct {
	ID                 text              `json:"id"`
	ParentID           loose             `json:"parentId"`
	MUID               loose             `json:"muid"`
	ConversationID     loose             `json:"conversationId"`
	Sender             loose             `json:"sender"`
	ReceiverType       loose             `json:"receiverType"`
	Receiver           loose             `json:"receiver"`
	Category           loose             `json:"category"`
	Type               loose             `json:"type"`
	Data               lenient[wireSaid] `json:"data"`
	SentAt             lenient[instant]  `json:"sentAt"`
	UpdatedAt          lenient[instant]  `json:"updatedAt"`
	EditedAt           lenient[instant]  `json:"editedAt"`
	EditedBy           loose             `json:"editedBy"`
	DeletedAt          lenient[instant]  `json:"deletedAt"`
	DeletedBy          loose             `json:"deletedBy"`
	DeliveredAt        lenient[instant]  `json:"deliveredAt"`
	ReadAt             lenient[instant]  `json:"readAt"`
	PinnedAt           lenient[instant]  `json:"pinnedAt"`
	PinnedBy           loose             `json:"pinnedBy"`
	ReplyCount         number            `json:"replyCount"`
	UnreadRepliesCount number            `json:"unreadRepliesCount"`
	Tags               lenient[[]string] `json:"tags"`
}

// wireSaid is the data of a message of a list.
type wireSaid struct {
	Text        loose                                         `json:"text"`
	URL         loose                                         `json:"url"`
	Attachments lenient[[]wireFile]                           `json:"attachments"`
	Metadata    json.RawMessage                               `json:"metadata"`
	CustomData  json.RawMessage                               `json:"customData"`
	Mentions    lenient[object[map[string]json.RawMessage]]   `json:"mentions"`
	Reactions   lenient[[]lenient[wireReactionCount]]         `json:"reactions"`
	Moderation  lenient[wireModeration]                       `json:"moderation"`
	Action      loose                                         `json:"action"`
	Entities    lenient[map[string]lenient[wireEntityHolder]] `json:"entities"`
}

type wireFile struct {
	URL       loose         `json:"url"`
	Name      loose         `json:"name"`
	MIMEType  loose         `json:"mimeType"`
	Extension loose         `json:"extension"`
	Size      lenient[size] `json:"size"`
}

type wireReactionCount struct {
	Reaction loose  `json:"reaction"`
	Count    number `json:"count"`
	ByMe     flag   `json:"reactedByMe"`
}

type wireEntityHolder struct {
	Entity     json.RawMessage `json:"entity"`
	EntityType loose           `json:"entityType"`
}

// UnmarshalJSON reads a message. It fails only if the value is no object or its id is no message's.
func (m *Message) UnmarshalJSON(b []byte) error { return m.unmarshal(b, true) }

func (m *Message) unmarshal(b []byte, outer bool) error {
	var w wireRow
	if err := decodeObject(b, &w); err != nil {
		return fmt.Errorf("message: %w", err)
	}
	id, err := messageID(w.ID)
	if err != nil {
		return err
	}
	*m = Message{
		ID: id, MUID: string(w.MUID), ConversationID: string(w.ConversationID),
		Sender: string(w.Sender), ReceiverType: string(w.ReceiverType), Receiver: string(w.Receiver),
		Category: string(w.Category), Type: string(w.Type), Data: w.Data.v.data(outer),
		SentAt: timeOf(w.SentAt), UpdatedAt: timeOf(w.UpdatedAt), EditedAt: timeOf(w.EditedAt), EditedBy: string(w.EditedBy),
		DeletedAt: timeOf(w.DeletedAt), DeletedBy: string(w.DeletedBy), DeliveredAt: timeOf(w.DeliveredAt), ReadAt: timeOf(w.ReadAt),
		PinnedAt: timeOf(w.PinnedAt), PinnedBy: string(w.PinnedBy),
		ReplyCount: int(w.ReplyCount), UnreadRepliesCount: int(w.UnreadRepliesCount), Tags: w.Tags.v, Raw: bytes.Clone(b),
	}
	if parent, err := messageID(text(w.ParentID)); err == nil { // 0 and the empty text are none
		m.ParentID = parent
	}
	return nil
}

// data returns what the message says. The message of an action is read, and that of an action on an action is not.
func (w wireSaid) data(outer bool) MessageData {
	d := MessageData{
		Text: string(w.Text), URL: string(w.URL), Metadata: objectOrNil(w.Metadata), CustomData: objectOrNil(w.CustomData),
		Moderation: w.Moderation.v.Status, Action: string(w.Action),
	}
	for _, f := range w.Attachments.v {
		d.Attachments = append(d.Attachments, Attachment{
			URL: string(f.URL), Name: string(f.Name), MIMEType: string(f.MIMEType), Extension: string(f.Extension), Size: int64(f.Size.v),
		})
	}
	for _, id := range mentions(w.Mentions.v.v) {
		d.Mentions = append(d.Mentions, string(id))
	}
	for _, r := range w.Reactions.v {
		d.Reactions = append(d.Reactions, ReactionCount{
			Reaction: string(r.v.Reaction), Count: int(r.v.Count), ByMe: isTrue(r.v.ByMe),
		})
	}
	if on := w.Entities.v["on"].v; outer && on.EntityType == "message" {
		original := new(Message)
		if original.unmarshal(on.Entity, false) == nil {
			d.On = original
		}
	}
	return d
}

// objectOrNil returns a JSON object, and nil for anything else.
func objectOrNil(raw json.RawMessage) json.RawMessage {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	return raw
}

// UnmarshalJSON reads a reaction.
func (r *Reaction) UnmarshalJSON(b []byte) error {
	var w struct {
		ID        loose            `json:"id"`
		MessageID loose            `json:"messageId"`
		Reaction  loose            `json:"reaction"`
		UID       loose            `json:"uid"`
		ReactedAt lenient[instant] `json:"reactedAt"`
		ReactedBy lenient[User]    `json:"reactedBy"`
	}
	if err := decodeObject(b, &w); err != nil {
		return fmt.Errorf("reaction: %w", err)
	}
	*r = Reaction{
		ID: string(w.ID), MessageID: string(w.MessageID), Reaction: string(w.Reaction), UID: string(w.UID),
		ReactedAt: timeOf(w.ReactedAt), ReactedBy: w.ReactedBy.v,
	}
	if r.UID == "" {
		r.UID = r.ReactedBy.UID
	}
	return nil
}
