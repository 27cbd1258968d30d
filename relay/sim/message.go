package sim

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// Message is one message as it stands now. Action messages, which record edits, deletions and membership changes in the stream,
// have the category "action". Times are zero where they do not apply.
type Message struct {
	ID, MUID, ParentID, ConversationID, Sender, ReceiverType, Receiver, Category, Type, Text string

	Tags                        []string
	Moderation                  string          // data.moderation.status; empty when no engine has seen the message
	Metadata                    json.RawMessage // data.metadata; nil when there is none
	SentAt, EditedAt, DeletedAt time.Time
}

type message struct {
	id, parent          int64 // parent is 0 outside threads
	muid, conversation  string
	sender, receiver    string
	receiverType        string // user or group
	category, kind      string
	data                map[string]any  // as sent, never with what the server computes
	first               json.RawMessage // data of the webhook message_sent; nil for action and filled messages
	tags                []string
	act                 *act // of action messages
	reactions           []reaction
	rest                bool           // made through REST
	filled              bool           // made by Fill
	removed             bool           // deleted for good; only the times are still of use
	announced           bool           // its message_sent has been fired
	moderation          string         // status; empty without an engine
	fault               *DeliveryFault // asked for by the text, for its webhooks
	pins                pins
	saved               map[string]time.Time // by uid
	sentAt, updatedAt   time.Time
	editedAt, deletedAt time.Time
	editedBy, deletedBy string
}

// pins tells by whom a message was pinned or last unpinned, and when.
type pins struct {
	at, offAt time.Time
	by, offBy string
}

// act is what an action message tells: who did what, on a message as it was then or on a person.
type act struct {
	name               string // edited, deleted, added, joined, left, kicked, banned, unbanned, scopeChanged
	by                 string
	on                 *message // of edits and deletions
	whom               string   // uid, of membership changes
	oldScope, newScope string   // of scopeChanged
}

type reaction struct {
	id    int64
	emoji string
	uid   string
	at    time.Time
}

func (m *message) key() string { return strconv.FormatInt(m.id, 10) }

// root is the id of the message that starts the thread, which is the message's own outside threads.
func (m *message) root() int64 {
	if m.parent != 0 {
		return m.parent
	}
	return m.id
}

func (m *message) text() string {
	text, _ := m.data["text"].(string)
	return text
}

func (m *message) public() Message {
	p := Message{
		ID: m.key(), MUID: m.muid, ConversationID: m.conversation, Sender: m.sender, ReceiverType: m.receiverType,
		Receiver: m.receiver, Category: m.category, Type: m.kind, Text: m.text(), Tags: slices.Clone(m.tags), Moderation: m.moderation,
		SentAt: m.sentAt, EditedAt: m.editedAt, DeletedAt: m.deletedAt,
	}
	if m.parent != 0 {
		p.ParentID = strconv.FormatInt(m.parent, 10)
	}
	if meta, ok := m.data["metadata"]; ok {
		p.Metadata = encode(meta)
	}
	return p
}
