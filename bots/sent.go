package bots

import "github.com/threadrelay/threadrelay/bus/event"

// Sent is a message of the bot: one that it has asked for, whether the platform has it yet or not, or one that is there. What
// is done to it waits for it to be there, and fails with it.
type Sent struct {
	thread  *Thread
	ref     event.ThreadRef // where it was said
	kind    event.ActionType
	as      event.UserID
	action  event.ActionID  // what says it,
	message event.MessageID // or what it is
	follows event.ActionID  // what opens its thread, if that is an action; it is part of the lane
}

// Action is the id of the action that says it, to be kept for [Thread.Sent]; empty for what is there already.
func (s *Sent) Action() event.ActionID { return s.action }

// Edit replaces what it says. Arguments are handled as by fmt.Sprintf. Of several edits that wait one behind the other, the
// last is made.
func (s *Sent) Edit(format string, args ...any) {
	s.change(event.Action{Type: event.Edit, Text: sentence(format, args)})
}

// Delete takes it back.
func (s *Sent) Delete() { s.change(event.Action{Type: event.Delete}) }

// React adds a reaction: a Unicode emoji, or a name such as ":tada:".
func (s *Sent) React(emoji string) { s.change(event.Action{Type: event.React, Emoji: emoji}) }

// Unreact takes the bot's reaction away.
func (s *Sent) Unreact(emoji string) { s.change(event.Action{Type: event.Unreact, Emoji: emoji}) }

func (s *Sent) change(a event.Action) {
	a.Thread, a.As, a.Target, a.TargetAction, a.Follows = s.ref, s.as, s.message, s.action, s.follows
	s.thread.out.add(a)
}

// Reply says something in its thread, which it starts if it is a [Thread.Post].
func (s *Sent) Reply(format string, args ...any) *Sent {
	return s.ReplyWith(Saying{Text: sentence(format, args)})
}

// ReplyWith says something in its thread, which it starts if it is a [Thread.Post].
func (s *Sent) ReplyWith(what Saying) *Sent {
	a := what.action(event.Reply, s.ref)
	a.Follows = s.follows
	if s.kind == event.Post {
		a.Follows = s.action
	}
	return s.thread.say(a)
}
