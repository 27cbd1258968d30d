package bots

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Thread is a thread of a conversation, or the message that one may start from. What is said in it leaves when its handler
// returns nil, or with [Message.Flush].
type Thread struct {
	// Ref names it.
	Ref event.ThreadRef

	out *outbox
}

// Saying is what a message says, and how.
type Saying struct {
	Text string
	// Attachments are files, by URL. With them the text may be empty.
	Attachments []event.MediaRef
	// Mentions are the users that the text mentions.
	Mentions []event.UserID
	// Tags are labels that platforms with tags keep with the message.
	Tags []string
	// Metadata is a JSON object that the platform keeps with the message, for programs.
	Metadata json.RawMessage
	// Custom makes it a message of the bot's own kind, for platforms that know such ones.
	Custom *event.Custom
	// As is the user in whose name it is said, in place of the bot's own; see [As]. Identity describes that user to a platform
	// that may not know it.
	As       event.UserID
	Identity *event.Identity
}

func (s Saying) action(t event.ActionType, in event.ThreadRef) event.Action {
	return event.Action{
		Type: t, Thread: in, Text: s.Text, Attachments: s.Attachments, Mentions: s.Mentions, Tags: s.Tags, Metadata: s.Metadata,
		Custom: s.Custom, As: s.As, Identity: s.Identity,
	}
}

// sentence formats as fmt.Sprintf does; a format without arguments stays as it is.
func sentence(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// Reply says something in the thread. Arguments are handled as by fmt.Sprintf; without any, the format is the text as it is.
func (t *Thread) Reply(format string, args ...any) *Sent {
	return t.ReplyWith(Saying{Text: sentence(format, args)})
}

// ReplyWith says something in the thread.
func (t *Thread) ReplyWith(s Saying) *Sent { return t.say(s.action(event.Reply, t.Ref)) }

// Post says something in the thread's conversation, outside of any thread. Arguments are handled as by fmt.Sprintf.
func (t *Thread) Post(format string, args ...any) *Sent {
	return t.PostWith(Saying{Text: sentence(format, args)})
}

// PostWith says something in the thread's conversation, outside of any thread.
func (t *Thread) PostWith(s Saying) *Sent {
	in := t.Ref
	in.Root = ""
	return t.say(s.action(event.Post, in))
}

func (t *Thread) say(a event.Action) *Sent {
	a = t.out.add(a)
	return &Sent{thread: t, ref: a.Thread, action: a.ID, kind: a.Type, as: a.As, follows: a.Follows}
}

// Message is a message of the thread that is there already, so that it can be edited, deleted and reacted to. The platform
// has the last word about whether the bot may.
func (t *Thread) Message(id event.MessageID) *Sent {
	return &Sent{thread: t, ref: t.Ref, message: id, kind: event.Reply}
}

// Sent is what an earlier action of the bot, of this run or of another one, has said in the thread.
func (t *Thread) Sent(id event.ActionID) *Sent {
	return &Sent{thread: t, ref: t.Ref, action: id, kind: event.Reply}
}

// NewThread returns a thread to speak in from outside of any handler, such as from a timer or another program. What is said
// there goes the way of all that bots say, in the order of its thread, and leaves with [Thread.Flush]. The key names the
// occasion: who says the same again under the same key, perhaps after a crash, is heard once.
func NewThread(w World, bot *Bot, key string, ref event.ThreadRef) *Thread {
	return &Thread{Ref: ref, out: &outbox{bot: bot, world: w, cause: event.ID("key:" + key)}}
}

// Flush has what was said so far leave now, and returns once it is stored. Within a handler it is for what people shall see
// while the handler runs on: it has left even if the handler fails.
func (t *Thread) Flush(ctx context.Context) error { return t.out.flush(ctx) }
