package cometchat

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

// hook holds the digests of the credentials that a webhook call must carry.
type hook struct{ user, password [sha256.Size]byte }

// admits compares in constant time: the digests have one length, and both are always compared.
func (k *hook) admits(h http.Header) bool {
	user, password, ok := (&http.Request{Header: h}).BasicAuth()
	gotUser, gotPassword := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	same := subtle.ConstantTimeCompare(gotUser[:], k.user[:]) & subtle.ConstantTimeCompare(gotPassword[:], k.password[:])
	return ok && same == 1
}

// Receive decodes one webhook call (document "webhooks/overview"), which must carry the configured basic auth. It returns
// the call's events, or one of the errors that [relay.Receiver] names. A [relay.ErrNotJSON] says at which byte.
//
// Most calls are one event. A message that was edited before the call about it was made, such as one whose edit moderation
// held and then approved, is two: the creation, which most often is known, and the edit; both have the ids that every other
// report gives them. A reaction, and a delete that says nothing but the message's id, are [event.Event.Incomplete]: see
// [Connection.Complete].
//
// The time of an event is the platform's, in whole seconds; where the payload tells none it is 1970-01-01T00:00:00Z.
func (c *Connection) Receive(h http.Header, body []byte) ([]event.Event, error) {
	if c.hook == nil {
		return nil, relay.ErrHookClosed
	}
	if !c.hook.admits(h) {
		return nil, relay.ErrUnauthorized
	}
	return c.Decode(body)
}

// Decode is [Connection.Receive] for the body of a call whose credentials were verified before.
func (c *Connection) Decode(body []byte) ([]event.Event, error) {
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	return c.checked(body, c.decode)
}

// checked returns the events that decode makes of a valid JSON text. An error means that the shape is unknown.
func (c *Connection) checked(body []byte, decode func([]byte) ([]event.Event, error)) ([]event.Event, error) {
	events, err := decode(body)
	for i := range events {
		if err == nil {
			err = events[i].Validate()
		}
	}
	if err != nil {
		return nil, &relay.ShapeError{Payload: redact(body, c.key.literal()), Err: fmt.Errorf("cometchat: %w", err)}
	}
	return events, nil
}

// checkJSON reports a body that is not JSON. The error holds the offset and nothing of the body.
func checkJSON(body []byte) error {
	var whole json.RawMessage
	err := json.Unmarshal(body, &whole)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("cometchat: %w: at byte %d of %d", relay.ErrNotJSON, syntax.Offset, len(body))
	}
	return fmt.Errorf("cometchat: %w", relay.ErrNotJSON)
}

// decode turns the body of a call into its events.
func (c *Connection) decode(body []byte) ([]event.Event, error) {
	var env envelope
	if err := decodeObject(body, &env); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if env.Trigger == "" {
		return nil, errors.New("trigger: missing")
	}
	if err := c.checkApp(string(env.AppID)); err != nil {
		return nil, fmt.Errorf("appId: %w", err)
	}
	env.Trigger = c.plain(env.Trigger)
	what := meaning(env.Trigger)
	switch what.typ {
	case event.Other:
		return []event.Event{c.other(env, body)}, nil
	case event.ReactionAdded, event.ReactionRemoved:
		return c.reactions(env, what.typ)
	}
	raw, seen, err := what.message(env.Data)
	if err != nil {
		return nil, err
	}
	if !seen {
		return []event.Event{c.other(env, body)}, nil
	}
	r, err := readReport(raw, what)
	if err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	if r.typ == event.Other {
		return []event.Event{c.other(env, body)}, nil
	}
	return c.tell(r, env.Trigger, body)
}

// triggerMeaning is what a trigger says of its message.
type triggerMeaning struct {
	typ event.Type
	// bare: the data is the message itself.
	bare bool
	// approved: a moderator has let the message pass, whatever its status says.
	approved bool
	// undecided: moderation came to no decision. The data says what holds instead.
	undecided bool
}

// stands is the meaning of a message as it stands, without a word of what has happened to it.
func stands() triggerMeaning { return triggerMeaning{typ: event.MessageCreated} }

// meaning knows the triggers that tell of a message or a reaction. All others are Other.
func meaning(trigger string) triggerMeaning {
	switch trigger {
	case "message_sent", "user_mentioned": // both fire for one message
		return stands()
	case "moderation_engine_approved", "moderation_manual_approved":
		return triggerMeaning{typ: event.MessageCreated, approved: true}
	case "moderation_engine_failed":
		return triggerMeaning{typ: event.MessageCreated, approved: true, undecided: true}
	case "after_message": // legacy webhooks and classic bots
		return triggerMeaning{typ: event.MessageCreated, bare: true}
	case "message_edited":
		return triggerMeaning{typ: event.MessageEdited}
	case "message_deleted":
		return triggerMeaning{typ: event.MessageDeleted}
	case "message_reaction_added":
		return triggerMeaning{typ: event.ReactionAdded}
	case "message_reaction_removed":
		return triggerMeaning{typ: event.ReactionRemoved}
	}
	return triggerMeaning{typ: event.Other}
}

// message returns the message in a call's data, and false if the call does not let it be seen.
func (m triggerMeaning) message(data json.RawMessage) (raw json.RawMessage, seen bool, err error) {
	if m.bare {
		return data, true, nil
	}
	if m.undecided {
		raw = passed(data)
		return raw, raw != nil, nil
	}
	var h holder
	if err := decodeObject(data, &h); err != nil {
		return nil, false, fmt.Errorf("data: %w", err)
	}
	return h.Message, true, nil
}
