package event

import (
	"fmt"
	"strings"
)

// maxRefPart bounds a conversation or root id, in bytes. Platforms stay far below it (CometChat's ids have at most 100
// characters); more would not fit into a NATS subject.
const maxRefPart = 512

// ThreadRef says where a message belongs: a thread of a conversation of a connection. It is what one replies to.
type ThreadRef struct {
	Connection   ConnectionID   `json:"connection"`
	Conversation ConversationID `json:"conversation,omitempty"`
	// Root is the message that the thread hangs on. A message that stands alone is the root of a thread that has no reply
	// yet. Root is empty where nothing is known of it, and in an action that posts to the conversation itself.
	Root MessageID `json:"root,omitempty"`
}

// Lane returns the thread's key within its connection, as one subject token: events with equal lanes are handled one at a
// time, in order. Conversation and root stand side by side, each with all but letters, digits, "_" and "-" percent-encoded.
func (t ThreadRef) Lane() string {
	return escapeToken(string(t.Conversation)) + ":" + escapeToken(string(t.Root))
}

// String returns the thread for a log line.
func (t ThreadRef) String() string {
	return fmt.Sprintf("%s/%s#%s", t.Connection, t.Conversation, t.Root)
}

// Validate reports a reference that cannot be routed.
func (t ThreadRef) Validate() error {
	switch {
	case t.Connection == "":
		return fmt.Errorf("thread: connection is empty")
	case escapeToken(string(t.Connection)) != string(t.Connection):
		return fmt.Errorf("thread: connection %q: only letters, digits, _ and - are allowed", t.Connection)
	case len(t.Conversation) > maxRefPart:
		return fmt.Errorf("thread: conversation is %d bytes long, at most %d are allowed", len(t.Conversation), maxRefPart)
	case len(t.Root) > maxRefPart:
		return fmt.Errorf("thread: root is %d bytes long, at most %d are allowed", len(t.Root), maxRefPart)
	}
	return nil
}

func escapeToken(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}
