package cometchat

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// maxName bounds what becomes part of an event id: the app id and the trigger.
const maxName = 64

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
// one event, or one of the errors that [relay.Receiver] names. A [relay.ErrNotJSON] says at which byte.
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
	e, err := c.decode(body)
	if err == nil {
		err = e.Validate()
	}
	if err != nil {
		return nil, &relay.ShapeError{Payload: redact(body, c.key.literal()), Err: fmt.Errorf("cometchat: %w", err)}
	}
	return []event.Event{e}, nil
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

// decode turns the body of a call into its event. An error means that the shape is unknown.
func (c *Connection) decode(body []byte) (event.Event, error) {
	var env envelope
	if err := decodeObject(body, &env); err != nil {
		return event.Event{}, fmt.Errorf("body: %w", err)
	}
	if env.Trigger == "" {
		return event.Event{}, errors.New("trigger: missing")
	}
	what := meaning(env.Trigger)
	if what.typ == event.Other {
		return c.other(env, body), nil
	}
	raw := env.Data
	if !what.bare {
		var h holder
		if err := decodeObject(env.Data, &h); err != nil {
			return event.Event{}, fmt.Errorf("data: %w", err)
		}
		raw = h.Message
	}
	r, err := readReport(raw, what)
	if err != nil {
		return event.Event{}, fmt.Errorf("message: %w", err)
	}
	if r.typ == event.Other {
		return c.other(env, body), nil
	}
	return c.event(env, r)
}

// triggerMeaning is what a trigger says of its message.
type triggerMeaning struct {
	typ event.Type
	// bare: the data is the message itself.
	bare bool
	// approved: a moderator has let the message pass, whatever its status says.
	approved bool
}

// meaning knows the triggers that tell of a message. All others are Other.
func meaning(trigger string) triggerMeaning {
	switch trigger {
	case "message_sent", "user_mentioned": // both fire for one message
		return triggerMeaning{typ: event.MessageCreated}
	case "moderation_engine_approved", "moderation_manual_approved":
		return triggerMeaning{typ: event.MessageCreated, approved: true}
	case "after_message": // legacy webhooks and classic bots
		return triggerMeaning{typ: event.MessageCreated, bare: true}
	case "message_edited":
		return triggerMeaning{typ: event.MessageEdited}
	case "message_deleted":
		return triggerMeaning{typ: event.MessageDeleted}
	}
	return triggerMeaning{typ: event.Other}
}

// event returns the event of a report on a message.
func (c *Connection) event(env envelope, r report) (event.Event, error) {
	m, thread, err := c.message(r)
	if err != nil {
		return event.Event{}, err
	}
	e := event.Event{
		Version: event.Version, Type: r.typ, Time: orEpoch(r.at()), Platform: platform,
		Thread: thread, Self: c.self, Trigger: triggerName(env.Trigger), Message: &m,
	}
	id := c.idPrefix(env) + string(m.ID)
	switch r.typ {
	case event.MessageEdited:
		sum := sha256.Sum256([]byte(m.Text)) // two edits within one second are told apart by the text
		id += fmt.Sprintf(":edited:%d-%s", e.Time.Unix(), hex.EncodeToString(sum[:4]))
	case event.MessageDeleted:
		m.Text, m.Mentions, m.Attachments = "", nil, nil
		id += ":deleted"
	default:
		id += ":created"
	}
	e.ID = event.ID(id)
	return e, nil
}

// other returns the event of a call that threadrelay has no type for. Its id is made of the body, so that a retry of the
// same call carries the same id.
func (c *Connection) other(env envelope, body []byte) event.Event {
	sum := sha256.Sum256(body)
	place := c.locate(env.Data)
	return event.Event{
		Version:  event.Version,
		ID:       event.ID(c.idPrefix(env) + "other:" + sanitise(env.Trigger) + ":" + hex.EncodeToString(sum[:16])),
		Type:     event.Other,
		Time:     orEpoch(place.time),
		Platform: platform,
		Thread:   place.thread,
		Self:     c.self,
		Trigger:  triggerName(env.Trigger),
		Payload:  redact(body, c.key.literal()),
	}
}

// idPrefix starts every id of an event. It names the app of the payload, or the configured one if that is none.
func (c *Connection) idPrefix(env envelope) string {
	app := string(env.AppID)
	if !isAppID(app) {
		app = c.appID
	}
	return platform + ":" + app + ":"
}

// isAppID accepts what stands in live and in documented payloads, where an app id may be masked ("167*****1529").
func isAppID(s string) bool {
	return s != "" && len(s) <= maxName && strings.Trim(s, alphanumeric+"_*<>-") == ""
}

// triggerName returns the trigger as the platform wrote it, if that is something one can print.
func triggerName(s string) string {
	if len(s) <= maxName && strings.Trim(s, alphanumeric+"_-.:/") == "" {
		return s
	}
	return sanitise(s)
}

// sanitise makes a trigger fit for an id: at most 64 of a-z, 0-9 and _.
func sanitise(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, s)
	return s[:min(len(s), maxName)]
}

func orEpoch(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return t
}
