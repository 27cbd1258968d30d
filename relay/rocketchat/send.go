package rocketchat

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Sender = (*Connection)(nil)

// Send carries out an action, as the user of the connection.
//
//   - A Reply goes into the thread of its root, a Post into the room (chat.sendMessage). A text too long for one message becomes
//     several. Each has an id that is derived from the action's, so that the platform takes none twice; what it answers to a
//     repeat does not say so, and the message is looked at (chat.getMessage). Attachments follow as messages of their own: see
//     below. Tags, metadata and custom content are kept with the first message, which has to say something besides.
//   - An Edit, a Delete, a React and an Unreact change the target; each of them may be repeated. A target that is gone is
//     deleted already. An Edit makes one message out of its text, however many it was before; tags and metadata it cannot change.
//
// An Identity is the name and the picture that a message is shown with. If the account may not do that, its name stands before
// the text, and the account is tried again after an hour. Whoever else a text would mention, it mentions the action's Mentions
// alone: their "@<user id>" becomes "@<username>".
//
// An unknown root is no error to the platform, so it is looked up before, and what is known of it is gone by for five minutes.
//
// Attachments are fetched and uploaded (rooms.media, rooms.mediaConfirm). One that cannot be had or is not taken becomes a
// message with a link. These messages have ids of the platform's choice: before an action is carried out again, those that are
// there are looked for, by the names of the files, among what was said since its text or its time.
//
// Every error is a [*relay.Failure]; an answer that cannot be read is Temporary. The receipt's time is zero if the platform
// does not tell it.
func (c *Connection) Send(ctx context.Context, a event.Action) (event.Receipt, error) {
	s, err := c.sending(a)
	if err != nil {
		return event.Receipt{}, rejected(err)
	}
	r, err := s.do(ctx)
	if err != nil {
		return event.Receipt{}, failure(fmt.Errorf("rocketchat: send %s: %w", a.ID, err))
	}
	return r, nil
}

func rejected(err error) *relay.Failure {
	return &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("rocketchat: %w", err)}
}

// sending is an action on its way out.
type sending struct {
	c *Connection
	a event.Action
	// text is what a Reply, a Post or an Edit says, its mentions not yet written as the platform wants them.
	text  string
	face  face
	stamp Stamp // of a Reply or a Post
	// emoji are the names of what a React or an Unreact shows, the best first.
	emoji []string
	// room and root are ids, known once they were looked up.
	room, root string
}

// sending checks an action, and prepares all that needs no call.
func (c *Connection) sending(a event.Action) (*sending, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	s := &sending{c: c, a: a, text: clean(a.Text), face: faceOf(a.Identity)}
	err := s.prepare()
	if err != nil {
		return nil, fmt.Errorf("action %s: %w", a.ID, err)
	}
	return s, nil
}

func (s *sending) prepare() error {
	if err := checkRoomName(string(s.a.Thread.Conversation)); err != nil {
		return fmt.Errorf("conversation %q: %w", s.a.Thread.Conversation, err)
	}
	if s.a.As != "" && s.a.As != s.c.self && s.a.Identity == nil {
		return fmt.Errorf("nothing can be done as the user %q: give an identity to be shown with", s.a.As)
	}
	switch s.a.Type {
	case event.Reply, event.Post:
		return s.prepareSaying()
	default:
		return s.prepareChange()
	}
}

// clean returns a text as the platform keeps it.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
}

func (s *sending) do(ctx context.Context) (event.Receipt, error) {
	var err error
	if s.room, err = s.c.roomID(ctx, s.a.Thread.Conversation); err != nil {
		return event.Receipt{}, err
	}
	switch s.a.Type {
	case event.Reply, event.Post:
		return s.say(ctx)
	case event.Edit:
		return s.edit(ctx)
	case event.Delete:
		return s.remove(ctx)
	case event.React, event.Unreact:
		return s.react(ctx)
	}
	return event.Receipt{}, fmt.Errorf("unknown type %q", s.a.Type) // which Validate has seen to
}

// refusalOf returns the refusal that an error is, or nil.
func refusalOf(err error) *APIError {
	var refused *APIError
	if errors.As(err, &refused) {
		return refused
	}
	return nil
}
