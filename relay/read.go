package relay

import (
	"context"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Reader looks up what was said before, and who said it.
type Reader interface {
	// Thread returns a page of a thread: its root, and the replies to it. The reference needs its conversation and root. A
	// [*Failure] of the kind RootGone means that the root does not exist any more.
	Thread(ctx context.Context, t event.ThreadRef, p PageRequest) (History, error)
	// Conversation returns a page of a conversation, with what was said in its threads. The reference's root makes no
	// difference.
	Conversation(ctx context.Context, t event.ThreadRef, p PageRequest) (History, error)
	// User returns a user. A [*Failure] of the kind Denied means that there is none of this id.
	User(ctx context.Context, id event.UserID) (event.User, error)
}

// PageRequest asks for a page of history.
type PageRequest struct {
	// Limit is how many messages are wanted, at most; 0 is the platform's choice.
	Limit int
	// Cursor is the Next of the page before, in the same order; empty for the first page.
	Cursor string
	// OldestFirst goes from the first message on, instead of from the newest back.
	OldestFirst bool
}

// History is a page of what was said, in the order that was asked for. Deleted messages, messages that moderation holds, and
// notes such as of calls and of changes of members are left out, so that a page may be short, or empty though more follow.
type History struct {
	Messages []Said
	// Next is the cursor of the next page; empty if this is the last.
	Next string
}

// Said is a message with what an event has besides.
type Said = event.Said
