package cometchat

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxName bounds what becomes part of an event id: the app id and the trigger.
const maxName = 64

// incompleteSuffix ends the id of an event that is incomplete: whole, the same event has the id before it.
const incompleteSuffix = ":incomplete"

// checkApp refuses a call that names another app than the connection's. Message ids count within an app: taken for ours,
// another app's message 42 would have the id of our own message 42, and one of the two would be lost as a duplicate of the
// other. A call that names no app, or a masked one as the documents do ("167*****1529", "<appId>"), is taken.
//
// So the ids of events always name the configured app, as the poller's do, which sees no other.
func (c *Connection) checkApp(named string) error {
	masked := named == "" || len(named) > maxName || strings.Trim(named, alphanumeric+"_-") != ""
	if masked || strings.EqualFold(named, c.appID) {
		return nil
	}
	return fmt.Errorf("the call is about another app than the connection's, which is %q", c.appID)
}

// eventID returns the id of something that happened to a message: platform, app, message and what it was, with its version
// where it can happen more than once.
func (c *Connection) eventID(message event.MessageID, what string) event.ID {
	return event.ID(platform + ":" + c.appID + ":" + string(message) + ":" + what)
}

// bodyID returns the id of what has none but the payload itself, so that a retry of the same call carries the same id.
func (c *Connection) bodyID(trigger string, body []byte) event.ID {
	sum := sha256.Sum256(body)
	return event.ID(platform + ":" + c.appID + ":other:" + sanitise(trigger) + ":" + hex.EncodeToString(sum[:16]))
}

// editVersion tells the edits of one message apart: by their second, and within it by their text.
func editVersion(at time.Time, text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("edited:%d-%s", at.Unix(), hex.EncodeToString(sum[:4]))
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
