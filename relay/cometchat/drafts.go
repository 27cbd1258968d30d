package cometchat

import "encoding/json"

// Draft is a message to be sent (document "chat-apis": Send Message, Send Threaded Message, Send Bot Message).
type Draft struct {
	// Receiver is a uid or a guid, by ReceiverType "user" or "group".
	Receiver     string `json:"receiver,omitempty"`
	ReceiverType string `json:"receiverType,omitempty"`
	// Category is "message" if empty, and Type "text".
	Category string    `json:"category"`
	Type     string    `json:"type"`
	Data     DraftData `json:"data"`
	// Multiple are further receivers; nil for none.
	Multiple *Receivers `json:"multipleReceivers,omitempty"`
	Tags     []string   `json:"tags,omitempty"`
	// MUID is an id of the sender's own, which the platform keeps. It does not keep a repeated message from being sent twice.
	MUID string `json:"muid,omitempty"`
}

// DraftData is what a message says: at most 10 KB as JSON.
type DraftData struct {
	Text        string       `json:"text,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	// CustomData is a JSON object, for the category "custom".
	CustomData json.RawMessage `json:"customData,omitempty"`
	// Metadata is kept with the message.
	Metadata map[string]json.RawMessage `json:"metadata,omitempty"`
}

// Receivers are several users and groups.
type Receivers struct {
	UIDs  []string `json:"uids,omitempty"`
	GUIDs []string `json:"guids,omitempty"`
}

// MessageChange is an edit of a message (document "chat-apis": Update Message). What is empty stays as it is.
type MessageChange struct {
	Text string
	// Metadata replaces what the message had.
	Metadata map[string]json.RawMessage
	// Tags replace those that the message had, if not nil.
	Tags []string
}

// MarshalJSON writes the body of the call.
func (c MessageChange) MarshalJSON() ([]byte, error) {
	var w struct {
		Data *DraftData `json:"data,omitempty"`
		Tags *[]string  `json:"tags,omitempty"`
	}
	if c.Text != "" || c.Metadata != nil {
		w.Data = &DraftData{Text: c.Text, Metadata: c.Metadata}
	}
	if c.Tags != nil {
		w.Tags = &c.Tags
	}
	return json.Marshal(w)
}

// UserDraft is a user to be made, or what is to be changed of one. What is empty stays as it is.
type UserDraft struct {
	UID      string          `json:"uid,omitempty"`
	Name     string          `json:"name,omitempty"`
	Avatar   string          `json:"avatar,omitempty"`
	Link     string          `json:"link,omitempty"`
	Role     string          `json:"role,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
	Tags     []string        `json:"tags,omitempty"`
}

// GroupDraft is a group to be made, or what is to be changed of one. What is empty stays as it is.
type GroupDraft struct {
	GUID string `json:"guid,omitempty"`
	Name string `json:"name,omitempty"`
	// Type is "public", "private" or "password".
	Type        string          `json:"type,omitempty"`
	Password    string          `json:"password,omitempty"`
	Icon        string          `json:"icon,omitempty"`
	Description string          `json:"description,omitempty"`
	Owner       string          `json:"owner,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
}

// NewMembers are users to be taken into a group, by scope, or to be kept out of it.
type NewMembers struct {
	Admins       []string `json:"admins,omitempty"`
	Moderators   []string `json:"moderators,omitempty"`
	Participants []string `json:"participants,omitempty"`
	UsersToBan   []string `json:"usersToBan,omitempty"`
}
