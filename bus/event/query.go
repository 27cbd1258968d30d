package event

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
