package cometchat

import (
	"net/url"
	"time"
)

// MessageFilter has the parameters that the lists of messages have in common (document "chat-apis": List Messages, List User
// Messages, List Group Messages). What is empty is not sent; a *bool is, whether it is true or false (new(true), new(false)).
type MessageFilter struct {
	// SearchKey is to occur in the message.
	SearchKey string
	// HasAttachments, HasMentions, HasLinks and HasReactions ask for messages with such.
	HasAttachments, HasMentions, HasLinks, HasReactions *bool
	// AttachmentTypes are "image", "video", "audio" and "file".
	AttachmentTypes []string
	// MentionedUIDs asks for messages that mention one of these users.
	MentionedUIDs []string
	// Sender asks for a user's messages; in a user's name, for those of common conversations.
	Sender string
	// Category and Categories are "message", "custom", "action" and so on; Type and Types the types within them.
	Category, Type    string
	Categories, Types []string
	// HideReplies leaves out what was said in threads.
	HideReplies *bool
	// Unread asks for messages that the user in whose name the call is made has not read.
	Unread *bool
	// Count asks for numbers instead of messages: the calls that count set it, and those that list refuse it.
	Count *bool
	// MentionsWithBlockedInfo and MentionsWithTagInfo ask for more about the mentioned users.
	MentionsWithBlockedInfo, MentionsWithTagInfo *bool
	// WithTags asks for the messages' tags, and Tags for messages with one of these.
	WithTags *bool
	Tags     []string
	// From and To bound the time of sending, in seconds. The platform ignores To without From.
	From, To time.Time
}

func (f MessageFilter) set(q query) {
	q.text("searchKey", f.SearchKey)
	q.flag("hasAttachments", f.HasAttachments)
	q.list("attachmentTypes", f.AttachmentTypes)
	q.flag("hasMentions", f.HasMentions)
	q.flag("hasLinks", f.HasLinks)
	q.list("mentionedUids", f.MentionedUIDs)
	q.flag("hasReactions", f.HasReactions)
	q.text("sender", f.Sender)
	q.text("category", f.Category)
	q.list("categories", f.Categories)
	q.text("type", f.Type)
	q.list("types", f.Types)
	q.flag("hideReplies", f.HideReplies)
	q.flag("unread", f.Unread)
	q.flag("count", f.Count)
	q.flag("mentionsWithBlockedInfo", f.MentionsWithBlockedInfo)
	q.flag("mentionsWithTagInfo", f.MentionsWithTagInfo)
	q.flag("mentionswithTagInfo", f.MentionsWithTagInfo) // as List User Messages spells it
	q.flag("withTags", f.WithTags)
	q.list("tags", f.Tags)
	q.time("fromTimestamp", f.From)
	q.time("toTimestamp", f.To)
}

func (f MessageFilter) counts() bool { return f.Count != nil && *f.Count }

// MessageOptions are the parameters of GET /messages.
type MessageOptions struct {
	Cursor
	MessageFilter
	// ReceiverType is "user" or "group".
	ReceiverType string
	// ConversationID is the platform's name of a conversation, "group_<guid>" or "<uid>_user_<uid>".
	ConversationID string
	// HideDeleted leaves deleted messages out, and OnlyDeleted all others.
	HideDeleted, OnlyDeleted *bool
	// HideMessagesFromBlockedUsers is for calls in a user's name.
	HideMessagesFromBlockedUsers *bool
}

// Values encodes the parameters.
func (o MessageOptions) Values() url.Values {
	q := query{}
	o.Cursor.set(q)
	o.MessageFilter.set(q)
	q.text("receiverType", o.ReceiverType)
	q.text("conversationId", o.ConversationID)
	q.flag("hideDeleted", o.HideDeleted)
	q.flag("onlyDeleted", o.OnlyDeleted)
	q.flag("hideMessagesFromBlockedUsers", o.HideMessagesFromBlockedUsers)
	return url.Values(q)
}

// UserMessageOptions are the parameters of GET /users/{uid}/messages.
type UserMessageOptions struct {
	Cursor
	MessageFilter
	// PerPage is the number of rows, 1 to 1,000, of calls in the app's name; in a user's name it is Limit.
	PerPage int
	// Undelivered asks for messages that have not reached the user.
	Undelivered *bool
	// MyMentionsOnly asks for messages that mention the user in whose name the call is made.
	MyMentionsOnly *bool
}

// Values encodes the parameters.
func (o UserMessageOptions) Values() url.Values {
	q := query{}
	o.Cursor.set(q)
	o.MessageFilter.set(q)
	q.count("perPage", o.PerPage)
	q.flag("undelivered", o.Undelivered)
	q.flag("myMentionsOnly", o.MyMentionsOnly)
	return url.Values(q)
}

// GroupMessageOptions are the parameters of GET /groups/{guid}/messages.
type GroupMessageOptions struct {
	Cursor
	MessageFilter
	// Undelivered, MyMentionsOnly and HideMessagesFromBlockedUsers are for calls in a user's name.
	Undelivered, MyMentionsOnly, HideMessagesFromBlockedUsers *bool
}

// Values encodes the parameters.
func (o GroupMessageOptions) Values() url.Values {
	q := query{}
	o.Cursor.set(q)
	o.MessageFilter.set(q)
	q.flag("undelivered", o.Undelivered)
	q.flag("myMentionsOnly", o.MyMentionsOnly)
	q.flag("hideMessagesFromBlockedUsers", o.HideMessagesFromBlockedUsers)
	return url.Values(q)
}

// ThreadOptions are the parameters of GET /messages/{id}/thread. The document names Page and PerPage alone, and shows an
// answer in the style of a cursor, which the vendor's own client uses.
type ThreadOptions struct {
	Cursor
	// PerPage is the number of rows, by default 100, and Page which page, from 1.
	PerPage, Page int
}

// Values encodes the parameters.
func (o ThreadOptions) Values() url.Values {
	q := query{}
	o.set(q)
	q.count("perPage", o.PerPage)
	q.count("page", o.Page)
	return url.Values(q)
}

// ReactionOptions are the parameters of GET /messages/{id}/reactions.
type ReactionOptions struct {
	Cursor
	// Emoji asks for the reactions with this one.
	Emoji string
}

// Values encodes the parameters.
func (o ReactionOptions) Values() url.Values {
	q := query{}
	o.set(q)
	return url.Values(q)
}
