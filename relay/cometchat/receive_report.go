package cometchat

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// report is what a call, or a row of a list, says of one message.
type report struct {
	// typ is MessageCreated for a message as it stands, which may have been edited since. Other means that nothing is said.
	typ     event.Type
	place   wirePlace
	message wireMessage
	// action is when the action message around the original was written; zero if there was none.
	action time.Time
	// held is the moderation status that keeps the text from bots, "pending" or "disapproved"; empty if none does.
	held string
	// partial: the original is named, and not described. In which thread it stood is not known.
	partial bool
}

// edited reports whether the message's text is another than it was sent with.
func (r *report) edited() bool {
	return r.typ == event.MessageEdited || r.typ == event.MessageCreated && !r.message.EditedAt.IsZero()
}

// sent, changed and gone are when the message was sent, edited and deleted, or the zero time if the payload does not tell.
func (r *report) sent() time.Time { return first(r.message.SentAt, r.message.UpdatedAt) }
func (r *report) changed() time.Time {
	return first(r.message.EditedAt, r.message.UpdatedAt, instant{r.action})
}
func (r *report) gone() time.Time {
	return first(r.message.DeletedAt, r.message.UpdatedAt, instant{r.action})
}

// readReport reads a message, or the action message around one. The documents (webhooks/overview) show edits and deletes as
// action messages, and so do the lists of the REST API; live webhooks have been seen to send the original itself.
func readReport(raw json.RawMessage, what triggerMeaning) (report, error) {
	var head wireHead
	if err := decodeObject(raw, &head); err != nil {
		return report{}, err
	}
	r := report{typ: what.typ}
	var err error
	switch {
	case head.Category == "action" && head.Type == "message":
		err = r.readAction(raw)
	case isSpeech(head.Category):
		err = r.read(raw)
	default:
		r.typ = event.Other
	}
	if err != nil {
		return report{}, err
	}
	if !r.message.DeletedAt.IsZero() && r.typ != event.Other {
		r.typ = event.MessageDeleted // whatever was to be said of it: it holds no text any more
	}
	if r.typ != event.MessageDeleted && r.typ != event.Other && !what.approved && isHeld(r.message.Data.v.Moderation.v.Status) {
		r.held = r.message.Data.v.Moderation.v.Status
	}
	return r, nil
}

func (r *report) read(raw json.RawMessage) error {
	if err := decodeObject(raw, &r.place); err != nil {
		return err
	}
	return decodeObject(raw, &r.message)
}

// readAction reads the message that an action message is about.
func (r *report) readAction(raw json.RawMessage) error {
	var a wireAction
	if err := decodeObject(raw, &a); err != nil {
		return fmt.Errorf("action: %w", err)
	}
	if r.typ == event.MessageCreated {
		r.typ = actionType(a.Data.Action)
	}
	if r.typ == event.Other {
		return nil
	}
	r.action = first(a.UpdatedAt, a.SentAt)
	var head wireHead
	original := a.Data.Entities.On.Entity
	if err := decodeObject(original, &head); err != nil {
		return fmt.Errorf("data.entities.on.entity: %w", err)
	}
	if head.Category != "" && !isSpeech(head.Category) {
		r.typ = event.Other
		return nil
	}
	if err := r.read(original); err != nil {
		return err
	}
	return r.complete(raw)
}

// complete takes from the action message what its original leaves out. The documents of October 2026 show a deleted message
// with nothing but its id: it was said where the action message was written, by the same user as far as that can be told.
func (r *report) complete(action json.RawMessage) error {
	if r.place.ReceiverType != "" {
		return nil
	}
	var around wirePlace
	if err := decodeObject(action, &around); err != nil {
		return fmt.Errorf("action: %w", err)
	}
	if r.place.Sender == "" {
		r.place.Sender = around.Sender
	}
	if !isMessage(r.place.ParentID) {
		r.place.ParentID = around.ParentID
	}
	r.place.Receiver, r.place.ReceiverType = around.Receiver, around.ReceiverType
	r.partial = !isMessage(r.place.ParentID)
	return nil
}

// isMessage reports whether an optional message id names one: 0 and the empty text do not.
func isMessage(id text) bool { return strings.Trim(string(id), "0") != "" }

func actionType(action string) event.Type {
	switch action {
	case "edited":
		return event.MessageEdited
	case "deleted":
		return event.MessageDeleted
	}
	return event.Other
}

// isSpeech reports whether messages of the category say something. The others (call, action, agentic and whatever is
// invented next) are notes of what went on.
func isSpeech(category string) bool {
	switch category {
	case "message", "custom", "interactive", "card":
		return true
	}
	return false
}
