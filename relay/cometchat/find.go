package cometchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Finder = (*Connection)(nil)

// Find looks for what an action has left: for a Reply or a Post, messages with its marker, from the newest back to since; for
// an Edit, a Delete, a React or an Unreact, whether the target is as the action wants it. Of a text of several parts all have
// to be there. Only what the action's own user said is looked at where the platform can tell it apart.
func (c *Connection) Find(ctx context.Context, a event.Action, since time.Time) (event.Receipt, bool, error) {
	s, err := c.sending(a)
	if err != nil {
		return event.Receipt{}, false, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: %w", err)}
	}
	var r event.Receipt
	var found bool
	switch a.Type {
	case event.Reply, event.Post:
		r, found, err = s.findSaid(ctx, since)
	case event.Edit, event.Delete:
		r, found, err = s.findChanged(ctx, since)
	default:
		r, found, err = s.findReaction(ctx)
	}
	if err != nil {
		return event.Receipt{}, false, failure(fmt.Errorf("cometchat: find %s: %w", a.ID, err), a.Type == event.Reply)
	}
	return r, found, nil
}

func (s *sending) findSaid(ctx context.Context, since time.Time) (event.Receipt, bool, error) {
	sent, err := s.findParts(ctx, since)
	if err != nil || len(sent) < len(s.parts) {
		return event.Receipt{}, false, err
	}
	return s.receipt(sent), true, nil
}

// findParts returns the parts of a Reply or a Post that are there, by their index.
func (s *sending) findParts(ctx context.Context, since time.Time) (map[int]Message, error) {
	found := make(map[int]Message)
	for m, err := range s.said(ctx) {
		switch {
		case isNoUser(err) && s.a.Identity != nil: // who does not exist yet has said nothing
			return found, nil
		case err != nil:
			return nil, err
		case !m.SentAt.IsZero() && m.SentAt.Before(since):
			return found, nil
		}
		if i, ok := s.partOf(m); ok {
			found[i] = m // the earliest, should there be two
		}
		if len(found) == len(s.parts) {
			return found, nil
		}
	}
	return found, nil
}

// said lists the messages among which the action's would be, newest first. Threads and groups are read in the app's name, who
// need not be a member.
func (s *sending) said(ctx context.Context) iter.Seq2[Message, error] {
	back := Cursor{Affix: Prepend, Limit: pageSize}
	own := MessageFilter{Sender: s.as}
	switch {
	case s.root != "":
		return s.c.client.Thread(ctx, s.root, ThreadOptions{Cursor: back})
	case s.kind == "group":
		return s.c.client.GroupMessages(ctx, s.receiver, GroupMessageOptions{Cursor: back, MessageFilter: own})
	}
	return s.client.UserMessages(ctx, s.receiver, UserMessageOptions{Cursor: back, MessageFilter: own})
}

// partOf returns the index of the part that a message is, and false if it is none of the action's.
func (s *sending) partOf(m Message) (int, bool) {
	var w wireMarker
	if json.Unmarshal(m.Metadata(markerKey), &w) != nil || w.Action != string(s.a.ID) {
		return 0, false
	}
	i := max(w.Part, 1) - 1
	return i, i < len(s.parts)
}

// findChanged reports whether the target was edited or deleted as the action wants it.
func (s *sending) findChanged(ctx context.Context, since time.Time) (event.Receipt, bool, error) {
	m, err := s.c.client.Message(ctx, s.target)
	gone := false
	var refused *APIError
	if errors.As(err, &refused) && isNoMessage(refused.Code) {
		err, gone = nil, true
	}
	switch {
	case err != nil:
		return event.Receipt{}, false, err
	case s.a.Type == event.Delete:
		return s.changed(m.DeletedAt), gone || !m.DeletedAt.IsZero(), nil
	}
	edited := !gone && m.Data.Text == s.text && !m.EditedAt.IsZero() && !m.EditedAt.Before(since)
	return s.changed(m.EditedAt), edited, nil
}

// findReaction reports whether the reaction is there, or gone, as the action wants it.
func (s *sending) findReaction(ctx context.Context) (event.Receipt, bool, error) {
	for r, err := range s.c.client.Reactions(ctx, s.target, ReactionOptions{Emoji: s.a.Emoji}) {
		if err != nil {
			return event.Receipt{}, false, err
		}
		if r.UID == s.as && r.Reaction == s.a.Emoji {
			return s.changed(r.ReactedAt), s.a.Type == event.React, nil
		}
	}
	return s.changed(), s.a.Type == event.Unreact, nil
}
