package cometchat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// envelope is what every webhook call has in common.
type envelope struct {
	Trigger string          `json:"trigger"`
	AppID   loose           `json:"appId"`
	Data    json.RawMessage `json:"data"`
}

// holder is the data of a trigger that wraps a message. The legacy and bot triggers have the message in its place.
type holder struct {
	Message json.RawMessage `json:"message"`
}

// wireHead tells what the rest of a message looks like.
type wireHead struct {
	Category string `json:"category"`
	Type     string `json:"type"`
}

// wirePlace is the part of a message that every category has: which it is and where it was said.
type wirePlace struct {
	ID           text    `json:"id"`
	ParentID     text    `json:"parentId"`
	Sender       text    `json:"sender"`
	ReceiverType string  `json:"receiverType"`
	Receiver     text    `json:"receiver"`
	SentAt       instant `json:"sentAt"`
}

// wireMessage is what a message of the categories that say something has besides.
type wireMessage struct {
	Type      string           `json:"type"`
	Data      object[wireData] `json:"data"`
	SentAt    instant          `json:"sentAt"`
	UpdatedAt instant          `json:"updatedAt"`
	EditedAt  instant          `json:"editedAt"`
	DeletedAt instant          `json:"deletedAt"`
}

// wireData keeps raw what a message can do without: its author's name and what others wrote into the metadata.
type wireData struct {
	Text        string                             `json:"text"`
	URL         string                             `json:"url"`
	Mentions    object[map[string]json.RawMessage] `json:"mentions"`
	Metadata    json.RawMessage                    `json:"metadata"`
	Attachments []object[wireAttachment]           `json:"attachments"`
	Moderation  object[wireModeration]             `json:"moderation"`
	Entities    object[wireEntities]               `json:"entities"`
}

// wireAction is an action message (category "action", type "message"): somebody did something to another message, which is
// the entity of "on".
type wireAction struct {
	Data struct {
		Action   string `json:"action"`
		Entities struct {
			On struct {
				Entity json.RawMessage `json:"entity"`
			} `json:"on"`
		} `json:"entities"`
	} `json:"data"`
	SentAt    instant `json:"sentAt"`
	UpdatedAt instant `json:"updatedAt"`
}

type wireModeration struct {
	Status string `json:"status"`
}

type wireAttachment struct {
	URL      string `json:"url"`
	Name     string `json:"name"`
	MIMEType string `json:"mimeType"`
	Size     size   `json:"size"`
}

type wireEntities struct {
	Sender json.RawMessage `json:"sender"`
}

type wireSender struct {
	Entity object[wireUser] `json:"entity"`
}

type wireUser struct {
	Name   string `json:"name"`
	Avatar string `json:"avatar"`
}

// wireMarker is what Send writes into data.metadata and Receive finds again.
type wireMarker struct {
	Action string `json:"action"`
	Bot    string `json:"bot"`
	// Part counts from 1 the messages of an action that became several; 0 on the message of one that did not.
	Part int `json:"part,omitempty"`
}

// decodeObject reads a JSON object into a struct. Its errors name the field and the kind of what stands there, and hold
// nothing of the payload.
func decodeObject(b []byte, into any) error {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || string(b) == "null" {
		return errors.New("missing")
	}
	if b[0] != '{' {
		return errors.New("not an object")
	}
	err := json.Unmarshal(b, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		kind, _, _ := strings.Cut(wrong.Value, " ") // "number 1e999" holds the value
		return fmt.Errorf("field %q: unfit %s", wrong.Field, kind)
	}
	if err != nil {
		return errors.New("undecodable")
	}
	return nil
}

// rawMessage is a message as it came.
type rawMessage json.RawMessage

// UnmarshalJSON keeps the bytes.
func (m *rawMessage) UnmarshalJSON(b []byte) error {
	*m = bytes.Clone(b)
	return nil
}
