// Package bottest tests a bot by talking to it: people say things in threads, and the test says what the bot has to answer.
//
//	chat := bottest.New(t, greeter())
//	th := chat.Thread("support")
//	th.Say("ana", "hi")
//	th.WantReply("Hello Ana!")
//	th.WantNoReply()
//
// [New] needs no network and no NATS, and takes microseconds. [Live] runs the same lines on a [Stage] of real parts.
package bottest

import "github.com/threadrelay/threadrelay/bus/event"

// Line is what somebody says.
type Line struct {
	// From is a user's id. Their name is the id with an upper-case first letter.
	From event.UserID
	// Text is what they say.
	Text string
	// Root is the thread that it is a reply in; empty for what may start one.
	Root event.MessageID
	// Direct says it to the bot alone, and not to the group.
	Direct bool
	// Mentions are the users that it mentions. [Bot] is the bot's.
	Mentions []event.UserID
	// Attachments are the files that it carries.
	Attachments []event.MediaRef
}

// Shown is a message of a thread as people see it.
type Shown struct {
	ID   event.MessageID
	From event.UserID
	// Text is the newest one.
	Text    string
	Deleted bool
	// Reactions are who reacted, by emoji.
	Reactions map[string][]event.UserID
	// Attachments are the files that it carries.
	Attachments []event.MediaRef
}

// Bot is the user as whom the bot answers unless it says otherwise.
const Bot event.UserID = "helper"

// Stage is where people and a bot talk. Its bot is the member of a group, and whom people can write to directly.
type Stage interface {
	// Say has somebody say something, and returns the message's id.
	Say(l Line) (event.MessageID, error)
	// Edit has its sender change a message, and Delete has them take it back.
	Edit(id event.MessageID, text string) error
	Delete(id event.MessageID) error
	// React has somebody react to a message, and Unreact has them take that away.
	React(id event.MessageID, by event.UserID, emoji string) error
	Unreact(id event.MessageID, by event.UserID, emoji string) error
	// Shown returns a thread: its root, and the replies in order. With an empty root it is what was posted to the group or the
	// direct conversation, outside of threads.
	Shown(root event.MessageID, direct bool) ([]Shown, error)
	// Await waits until a condition holds, and returns why it does not. The condition asks the stage.
	Await(holds func() error) error
	// Settle returns once the bot has done all that it will do because of what was said so far.
	Settle() error
}
