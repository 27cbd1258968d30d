package cometchat

import (
	"context"
	"errors"
	"fmt"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// markerKey is the key of our marker in data.metadata.
const markerKey = "threadrelay"

// Send carries out an action, in the name of its As or of the bot.
//
//   - A Reply goes into the thread of its root (POST /messages/{id}/thread), a Post into the conversation (POST /messages). Text,
//     attachments by URL and custom content become one message; a text too long for one becomes several, each with the number
//     of its part in its marker. These are preceded by a look for the parts that an earlier attempt has left.
//   - An Edit, a Delete, a React and an Unreact change the target. A target that is gone is deleted already.
//
// An action with an Identity makes its user before, or brings it up to date, once per process; and if the platform says that
// this user is no member of the group, it is taken in and the call is made again. Apart from that no call is repeated here:
// whether the platform drops a repeated message is not documented.
//
// Every error is a [*relay.Failure]; an answer that cannot be read is Temporary. The receipt's time is zero if the platform
// does not tell it.
func (c *Connection) Send(ctx context.Context, a event.Action) (event.Receipt, error) {
	s, err := c.sending(a)
	if err != nil {
		return event.Receipt{}, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: %w", err)}
	}
	var r event.Receipt
	if err = s.embody(ctx); err == nil {
		r, err = s.do(ctx)
	}
	if err == nil {
		return r, nil
	}
	return event.Receipt{}, failure(fmt.Errorf("cometchat: send %s: %w", a.ID, err), a.Type == event.Reply)
}

// sending is an action on its way out.
type sending struct {
	c      *Connection
	a      event.Action
	as     string
	client *Client // in the name of as
	// receiver and kind are who is spoken to; of a Reply or a Post alone.
	receiver, kind string
	// root and target are message ids, where the action has them.
	root, target string
	// parts are the messages that the action becomes; of a Reply or a Post alone.
	parts []Draft
	// text is what an Edit says.
	text string
}

// sending checks an action, and prepares all that needs no call.
func (c *Connection) sending(a event.Action) (*sending, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	as, err := c.actor(a.As)
	if err != nil {
		return nil, fmt.Errorf("action %s: %w", a.ID, err)
	}
	s := &sending{c: c, a: a, as: as, client: c.client.As(as)}
	switch a.Type {
	case event.Reply, event.Post:
		err = s.prepareSaying()
	default:
		err = s.prepareChange()
	}
	if err != nil {
		return nil, fmt.Errorf("action %s: %w", a.ID, err)
	}
	return s, nil
}

func (s *sending) do(ctx context.Context) (event.Receipt, error) {
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

// try makes a call; if the platform says that a user of our making lacks what the call needs, it sees to that and makes the
// call again.
func (s *sending) try(ctx context.Context, call func() error) error {
	err := call()
	for range 2 { // there are two things that may be lacking
		var refused *APIError
		if s.a.Identity == nil || !errors.As(err, &refused) {
			return err
		}
		mended, fault := s.mend(ctx, refused.Code)
		if fault != nil {
			return fault
		}
		if !mended {
			return err
		}
		err = call()
	}
	return err
}

// actor returns the user in whose name something is done. Without one the platform would do it as app_system.
func (c *Connection) actor(as event.UserID) (string, error) {
	if as == "" {
		as = c.self
	}
	if as == "" {
		return "", fmt.Errorf("connection %q has no BotUID, and no user is named to act as", c.id)
	}
	user, err := uid(string(as))
	if err != nil {
		return "", fmt.Errorf("user %q: %w", as, err)
	}
	return user, nil
}
