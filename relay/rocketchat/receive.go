package rocketchat

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var (
	_ relay.Receiver = (*Connection)(nil)
	_ relay.Decoder  = (*Connection)(nil)
	_ relay.Redactor = (*Connection)(nil)
)

// Receive decodes one call of an outgoing webhook (server source, lib/integrations/lib/triggerHandler.ts), whose body must
// carry the configured token. It returns the call's events, or one of the errors that [relay.Receiver] names.
//
// A new message is whole if the call says all of it. It is [event.Event.Incomplete] where something is missing that
// [Connection.Complete] can look up: an edit has no time; a call without a text is about attachments; a text that mentions
// somebody does not say whom by id; a message of our own does not show by which action it came to be; and some direct rooms do
// not show who else is in there. That a file hangs on a message that has a text as well shows in no way, unless the call is for
// the event "fileUploaded".
//
// The events of rooms and of new users (roomCreated, userCreated and so on) hold nothing but the token, as the servers of
// today send them: they are Other, all of one id.
func (c *Connection) Receive(_ http.Header, body []byte) ([]event.Event, error) {
	if c.hook == nil {
		return nil, relay.ErrHookClosed
	}
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	if !c.admits(body) {
		return nil, relay.ErrUnauthorized
	}
	return c.Decode(body)
}

// admits compares the token of a body in constant time: digests have one length.
func (c *Connection) admits(body []byte) bool {
	var w struct {
		Token json.RawMessage `json:"token"`
	}
	var token string
	ok := decodeObject(body, &w) == nil && json.Unmarshal(w.Token, &token) == nil
	got := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(got[:], c.hook[:]) == 1 && ok
}

// Decode is [Connection.Receive] for the body of a call whose token was verified before.
func (c *Connection) Decode(body []byte) ([]event.Event, error) {
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	events, err := c.decode(body)
	for i := range events {
		if err == nil {
			err = events[i].Validate()
		}
	}
	if err != nil {
		return nil, &relay.ShapeError{Payload: redact(body, c.token.literal()), Err: fmt.Errorf("rocketchat: %w", err)}
	}
	return events, nil
}

// checkJSON reports a body that is not JSON. The error holds the offset and nothing of the body.
func checkJSON(body []byte) error {
	var whole json.RawMessage
	err := json.Unmarshal(body, &whole)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return fmt.Errorf("rocketchat: %w: at byte %d of %d", relay.ErrNotJSON, syntax.Offset, len(body))
	}
	return fmt.Errorf("rocketchat: %w", relay.ErrNotJSON)
}

// decode turns the body of a call into its events.
func (c *Connection) decode(body []byte) ([]event.Event, error) {
	var w wireHook
	if err := decodeObject(body, &w); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if w.isBare() {
		return []event.Event{c.bare(body)}, nil
	}
	if len(w.Message) > 0 {
		return c.uploaded(w)
	}
	return c.spoken(w)
}

// wireHook is the body of a call. Which keys there are tells what the call is about: it does not name its event.
type wireHook struct {
	Room      text            `json:"channel_id"`
	RoomName  loose           `json:"channel_name"` // of direct rooms there is none
	ID        text            `json:"message_id"`
	Time      instant         `json:"timestamp"`
	User      text            `json:"user_id"`
	Username  loose           `json:"user_name"`
	Text      text            `json:"text"`
	Thread    text            `json:"tmid"`
	Alias     loose           `json:"alias"`
	Bot       truth           `json:"bot"` // older servers send an object
	IsEdited  truth           `json:"isEdited"`
	Message   json.RawMessage `json:"message"` // of fileUploaded, with the next one
	RoomWhole json.RawMessage `json:"room"`
	others    int
}

// UnmarshalJSON reads a body, and counts what is beyond the token and what every call has.
func (w *wireHook) UnmarshalJSON(b []byte) error {
	type plain wireHook
	if err := json.Unmarshal(b, (*plain)(w)); err != nil {
		return err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(b, &keys); err != nil {
		return err
	}
	delete(keys, "token")
	delete(keys, "bot")
	w.others = len(keys)
	return nil
}

// isBare reports a call that says nothing.
func (w *wireHook) isBare() bool { return w.others == 0 }

// bare returns the event of a call that says nothing.
func (c *Connection) bare(body []byte) event.Event {
	clean := redact(body, c.token.literal())
	return event.Event{
		Version: event.Version, ID: c.bodyID(clean), Type: event.Other, Time: orEpoch(instant{}.Time), Platform: platform,
		Thread: event.ThreadRef{Connection: c.id}, Self: c.self, Trigger: triggerRoom, Payload: clean,
	}
}

// text is a JSON string, and nothing else; null is the empty one.
type text string

// UnmarshalJSON reads a string. The error names no value.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	if string(b) == "null" {
		return nil
	}
	if len(b) == 0 || b[0] != '"' {
		return errors.New("not a string")
	}
	return json.Unmarshal(b, (*string)(t))
}
