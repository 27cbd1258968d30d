package cometchat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Bounds of the platform's values. Ids of users and groups have at most 100 characters and are forced to lower case by the
// server (document "articles/properties-and-constraints"); message ids are decimal numbers that rise app-wide.
const (
	maxMessageID = 20
	maxUID       = 100
)

// lastSecond is the end of the year 9999, beyond which a time has no JSON form. firstMillis is where a number is taken for
// milliseconds, as in user_connection_status_changed; in seconds it would be the year 5138.
const (
	lastSecond  = 253402300799
	firstMillis = 100_000_000_000
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
}

// object is a JSON object that may also be null, absent or, as PHP writes an empty one, an empty array.
type object[T any] struct{ v T }

// UnmarshalJSON reads an object, null or an empty array.
func (o *object[T]) UnmarshalJSON(b []byte) error {
	*o = object[T]{}
	switch {
	case string(b) == "null", isEmptyArray(b):
		return nil
	case b[0] != '{':
		return wrongType[T](b)
	}
	return json.Unmarshal(b, &o.v)
}

// text is an id: a JSON string, or a number that is kept digit by digit.
type text string

// UnmarshalJSON reads a string, a number or null.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch c := b[0]; {
	case string(b) == "null":
		return nil
	case c == '"':
		return json.Unmarshal(b, (*string)(t))
	case c == '-' || c >= '0' && c <= '9':
		*t = text(b)
		return nil
	}
	return wrongType[text](b)
}

// loose is a text that is empty when the value is of any other type.
type loose string

// UnmarshalJSON reads anything.
func (l *loose) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		t = "" // the value is an extra: without it there is a default
	}
	*l = loose(t)
	return nil
}

// size is a number of bytes, as a number or as a string; a string that is no number means unknown.
type size int64

// UnmarshalJSON reads a number, a string or null.
func (s *size) UnmarshalJSON(b []byte) error {
	*s = 0
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return wrongType[size](b)
	}
	n, err := strconv.ParseInt(string(t), 10, 64)
	switch {
	case err == nil && n >= 0:
		*s = size(n)
	case b[0] != '"' && string(b) != "null":
		return wrongType[size](b)
	}
	return nil
}

// instant is a time in unix seconds, or milliseconds where the number is too large for seconds. The zero time means that
// the payload does not tell.
type instant struct{ time.Time }

// UnmarshalJSON reads a whole number, as a number or as a string, or null. 0 and the empty string tell nothing.
func (i *instant) UnmarshalJSON(b []byte) error {
	i.Time = time.Time{}
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return wrongType[instant](b)
	}
	if t == "" {
		return nil
	}
	n, err := strconv.ParseInt(string(t), 10, 64)
	switch {
	case err != nil || n < 0 || n > lastSecond*1000:
		return wrongType[instant](b)
	case n >= firstMillis:
		i.Time = time.UnixMilli(n).UTC()
	case n > 0:
		i.Time = time.Unix(n, 0).UTC()
	}
	return nil
}

// first returns the first time that is told.
func first(times ...instant) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t.Time
		}
	}
	return time.Time{}
}

func isEmptyArray(b []byte) bool {
	return b[0] == '[' && len(bytes.TrimSpace(b[1:len(b)-1])) == 0
}

// wrongType returns the error for a value that is no T. It names the kind of the value and never the value; the decoder
// adds the field.
func wrongType[T any](b []byte) error {
	kind := "number"
	switch b[0] {
	case '{':
		kind = "object"
	case '[':
		kind = "array"
	case '"':
		kind = "string"
	case 't', 'f':
		kind = "bool"
	}
	return &json.UnmarshalTypeError{Value: kind, Type: reflect.TypeFor[T]()}
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

// messageID returns a message id, or an error if it is none.
func messageID(t text) (string, error) {
	s := string(t)
	switch {
	case s == "":
		return "", errors.New("message id is missing")
	case len(s) > maxMessageID:
		return "", fmt.Errorf("message id has %d digits, at most %d are allowed", len(s), maxMessageID)
	case strings.Trim(s, "0123456789") != "":
		return "", errors.New("message id is not a decimal number")
	case strings.Trim(s, "0") == "":
		return "", errors.New("message id is zero")
	}
	return s, nil
}

// uid returns the id of a user or a group in lower case, or an error if it is none.
func uid(t string) (string, error) {
	s := strings.ToLower(t)
	switch {
	case s == "":
		return "", errors.New("id is missing")
	case len(s) > maxUID:
		return "", fmt.Errorf("id is %d bytes long, at most %d are allowed", len(s), maxUID)
	case s == "." || s == "..":
		return "", errors.New("id would change a path")
	case strings.ContainsFunc(s, unfitForID):
		return "", errors.New("id has white space or control characters")
	}
	return s, nil
}

func unfitForID(r rune) bool {
	return r <= ' ' || r >= 0x7f && r <= 0xa0 || r == '\u2028' || r == '\u2029'
}
