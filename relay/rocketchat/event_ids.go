package rocketchat

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// The ids of events are made of the platform's own ids, so that a webhook, its repeat, a poll and the realtime stream tell of
// one thing under one id. They begin with the connection, not with the workspace: two connections to one workspace see it as
// two users, and each needs all events that its own user may see.
//
//	rocketchat:<connection>:<message>:created
//	rocketchat:<connection>:<message>:edited:<editedAt in ms>
//	rocketchat:<connection>:<message>:deleted
//	rocketchat:<connection>:<message>:reaction-added:<emoji and user>[:<when in ms>]
//	rocketchat:<connection>:<message>:reaction-removed:<emoji and user>:<when in ms>
//	rocketchat:<connection>:<message>:other:<type of a note>
//	rocketchat:<connection>:other:<digest of the call>

// The kinds of events in their ids.
const (
	idCreated = "created"
	idEdited  = "edited"
	idDeleted = "deleted"
)

// incompleteSuffix ends the id of an event that is incomplete: whole, the same event has another one.
const incompleteSuffix = ":incomplete"

// The platform's names of what happens, as triggers: its methods.
const (
	triggerSent     = "sendMessage"
	triggerEdited   = "updateMessage"
	triggerDeleted  = "deleteMessage"
	triggerReacted  = "setReaction"
	triggerUploaded = "fileUploaded"
	triggerRoom     = "room-event"
	triggerNote     = "note/"
)

// eventID returns the id of something that happened to a message. Ids of messages are chosen by who sends them: one that
// looks like another message's event must not have its id.
func (c *Connection) eventID(message, what string) event.ID {
	return event.ID(platform + ":" + string(c.id) + ":" + strings.ReplaceAll(message, ":", "%3A") + ":" + what)
}

// editID returns the id of an edit.
func (c *Connection) editID(message string, at time.Time) event.ID {
	return c.eventID(message, idEdited+":"+strconv.FormatInt(at.UnixMilli(), 10))
}

// bodyID returns the id of what has none but the call itself, so that a repeat of the call has the same id.
func (c *Connection) bodyID(body []byte) event.ID {
	sum := sha256.Sum256(body)
	return event.ID(platform + ":" + string(c.id) + ":other:" + hex.EncodeToString(sum[:16]))
}

// digest returns a short name of some texts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// sanitise makes the name of a note's type fit for an id: at most 64 of a-z, 0-9, _ and -.
func sanitise(s string) string {
	const most = 64
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, s)
	return s[:min(len(s), most)]
}

func orEpoch(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return t
}
