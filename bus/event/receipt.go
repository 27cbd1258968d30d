package event

import (
	"errors"
	"fmt"
	"time"
)

// Outcome says what became of an action.
type Outcome string

// The outcomes.
const (
	// Done: the platform has carried it out.
	Done Outcome = "done"
	// Failed: it was given up, and is a dead letter now. It may be replayed, and then another receipt follows.
	Failed Outcome = "failed"
	// Superseded: a later Edit of the same message was waiting already, and is carried out in its place.
	Superseded Outcome = "superseded"
)

// Receipt says what became of an action. A platform fills in Action, Message, Parts, Files and Time; the rest is the relay's.
type Receipt struct {
	Version int `json:"version"`
	// ID names the receipt: the same one has the same ID however often it comes. It may come again long after the first time.
	ID     string   `json:"id"`
	Action ActionID `json:"action"`
	// Type, Thread and Bot are those of the action.
	Type    ActionType `json:"type"`
	Outcome Outcome    `json:"outcome"`
	// Time is when the platform took it, by the platform's clock; where that is not told, and of what was not done, by ours.
	Time   time.Time `json:"time"`
	Thread ThreadRef `json:"thread"`
	Bot    string    `json:"bot"`
	// Message is what the action became, or the message that it changed.
	Message MessageID `json:"message,omitempty"`
	// Parts are the ids of all messages that the action became, in order, where one was not enough; Message is the first.
	Parts []MessageID `json:"parts,omitempty"`
	// Files are those of the Parts that carry a file and say nothing, behind the first: an Edit leaves them as they are.
	Files []MessageID `json:"files,omitempty"`
	// Root is the root of the thread in which a Reply is. It differs from Thread.Root where the Reply took it from the action
	// that it follows, and where there was a Fallback.
	Root MessageID `json:"root,omitempty"`
	// Fallback is set where a Reply's root was gone, and says what was done instead: "new-root" or "post-flat".
	Fallback string `json:"fallback,omitempty"`
	// Kind and Reason say why it failed: a word for programs, such as "root_gone", and a line for people.
	Kind   string `json:"kind,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Validate reports what makes the receipt unfit to be handed to bots.
func (r *Receipt) Validate() error {
	err := r.validateHead()
	if err == nil {
		err = r.Thread.Validate()
	}
	if err != nil {
		return fmt.Errorf("receipt %s: %w", r.ID, err)
	}
	return nil
}

func (r *Receipt) validateHead() error {
	switch {
	case r.ID == "":
		return errors.New("id is empty")
	case r.Action == "":
		return errors.New("action is empty")
	case r.Type == "":
		return errors.New("type is empty")
	case r.Bot == "":
		return errors.New("bot is empty")
	case r.Time.IsZero():
		return errors.New("time is missing")
	case r.Outcome == Failed && r.Kind == "":
		return errors.New("failed without a kind")
	}
	switch r.Outcome {
	case Done, Failed, Superseded:
		return nil
	}
	return fmt.Errorf("unknown outcome %q", r.Outcome)
}

// Encode returns the receipt's JSON form.
func (r Receipt) Encode() ([]byte, error) {
	r.Version = Version
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return encode(r)
}

// DecodeReceipt reads a receipt's JSON form and validates it.
func DecodeReceipt(data []byte) (Receipt, error) {
	var r Receipt
	if err := decode(data, &r, &r.Version); err != nil {
		return Receipt{}, fmt.Errorf("receipt: %w", err)
	}
	return r, r.Validate()
}
