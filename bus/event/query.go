package event

import "time"

// MembershipQuery asks whether a user belongs to a conversation.
type MembershipQuery struct {
	Connection   ConnectionID   `json:"connection"`
	Conversation ConversationID `json:"conversation"`
	// User is the user asked about; empty for the one that the connection answers as.
	User UserID `json:"user,omitempty"`
}

// MembershipAnswer answers a [MembershipQuery].
type MembershipAnswer struct {
	Member bool `json:"member"`
}

// HistoryQuery asks a platform for a page of what was said in a thread, or in a conversation with its threads.
type HistoryQuery struct {
	// Thread names the thread, by its root, or the conversation, whatever the root.
	Thread ThreadRef `json:"thread"`
	// Limit is how many messages are wanted, at most; 0 is the relay's choice, which has also the last word.
	Limit int `json:"limit,omitempty"`
	// Cursor is the Next of the page before, in the same order; empty for the first page.
	Cursor string `json:"cursor,omitempty"`
	// OldestFirst goes from the first message on, instead of from the newest back.
	OldestFirst bool `json:"oldestFirst,omitempty"`
}

// HistoryAnswer answers a [HistoryQuery], in the order that was asked for. Deleted messages and the platform's own notes are
// left out, so that a page may be short, or empty though more follow.
type HistoryAnswer struct {
	Messages []Said `json:"messages"`
	// Next is the cursor of the next page; empty if this is the last.
	Next string `json:"next,omitempty"`
}

// Said is a message with what an event has besides.
type Said struct {
	Message `json:"message"`
	// Thread is where it was said.
	Thread ThreadRef `json:"thread"`
	// Time is when it was sent, and Edited when it was changed last; zero if it never was.
	Time   time.Time `json:"time"`
	Edited time.Time `json:"edited,omitzero"`
}

// UserQuery asks who a user is.
type UserQuery struct {
	Connection ConnectionID `json:"connection"`
	User       UserID       `json:"user"`
}

// UserAnswer answers a [UserQuery].
type UserAnswer struct {
	User User `json:"user"`
}
