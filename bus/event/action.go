package event

import (
	"fmt"
	"time"
)

// ActionType says what is to be done.
type ActionType string

// The types of actions.
const (
	// Reply says something in the thread of Action.Thread, and starts it if its root has no reply yet.
	Reply ActionType = "reply"
	// Post says something in the conversation of Action.Thread, outside of any thread.
	Post ActionType = "post"
)

// Action is something that a bot wants done at a platform.
type Action struct {
	Version int        `json:"version"`
	ID      ActionID   `json:"id"`
	Type    ActionType `json:"type"`
	// Time is when the bot decided it.
	Time   time.Time `json:"time"`
	Thread ThreadRef `json:"thread"`
	// As is the user in whose name it is done; empty for the one that the connection answers as.
	As   UserID `json:"as,omitempty"`
	Text string `json:"text,omitempty"`
	// Bot is the name of the bot that asks for it.
	Bot string `json:"bot"`
	// Cause is the event that made the bot ask, if there was one.
	Cause ID `json:"cause,omitempty"`
}

// Validate reports what makes the action unfit to be carried out.
func (a *Action) Validate() error {
	switch {
	case a.ID == "":
		return fmt.Errorf("action: id is empty")
	case a.Type != Reply && a.Type != Post:
		return fmt.Errorf("action %s: unknown type %q", a.ID, a.Type)
	case a.Bot == "":
		return fmt.Errorf("action %s: bot is empty", a.ID)
	case a.Thread.Conversation == "":
		return fmt.Errorf("action %s: %s without a conversation", a.ID, a.Type)
	case a.Type == Reply && a.Thread.Root == "":
		return fmt.Errorf("action %s: reply without a root", a.ID)
	case a.Text == "":
		return fmt.Errorf("action %s: %s without text", a.ID, a.Type)
	}
	if err := a.Thread.Validate(); err != nil {
		return fmt.Errorf("action %s: %w", a.ID, err)
	}
	return nil
}

// Receipt is what a platform said of an action that was carried out.
type Receipt struct {
	Action  ActionID  `json:"action"`
	Message MessageID `json:"message"`
	// Time is when the platform took it, by the platform's clock.
	Time time.Time `json:"time"`
}
