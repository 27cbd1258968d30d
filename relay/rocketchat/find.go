package rocketchat

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Finder = (*Connection)(nil)

// Find looks for what an action has left: for a Reply or a Post, messages with its ids, and with its files since that time;
// for an Edit, a Delete, a React or an Unreact, whether the target is as the action wants it. Of an action of several messages
// all have to be there.
func (c *Connection) Find(ctx context.Context, a event.Action, since time.Time) (event.Receipt, bool, error) {
	s, err := c.sending(a)
	if err != nil {
		return event.Receipt{}, false, rejected(err)
	}
	r, found, err := s.find(ctx, since)
	if err != nil {
		return event.Receipt{}, false, failure(fmt.Errorf("rocketchat: find %s: %w", a.ID, err))
	}
	return r, found, nil
}

func (s *sending) find(ctx context.Context, since time.Time) (r event.Receipt, found bool, err error) {
	if s.room, err = s.c.roomID(ctx, s.a.Thread.Conversation); err != nil {
		return event.Receipt{}, false, err
	}
	switch s.a.Type {
	case event.Reply, event.Post:
		return s.findSaid(ctx, since)
	case event.Edit, event.Delete:
		return s.findChanged(ctx, since)
	default:
		return s.findReaction(ctx)
	}
}

func (s *sending) findSaid(ctx context.Context, since time.Time) (event.Receipt, bool, error) {
	parts, err := s.parts(ctx)
	if err != nil {
		return event.Receipt{}, false, err
	}
	var all []Message
	for i := range parts {
		m, found, err := s.there(ctx, messageID(s.a.ID, "", i))
		if err != nil || !found {
			return event.Receipt{}, false, err
		}
		all = append(all, m)
	}
	if len(s.a.Attachments) > 0 {
		if len(all) > 0 {
			since = all[0].Time
		}
		files, err := s.findFiles(ctx, since)
		if err != nil || slices.ContainsFunc(files, func(m Message) bool { return m.ID == "" }) {
			return event.Receipt{}, false, err
		}
		all = append(all, files...)
	}
	return s.receipt(all), true, nil
}

// findChanged reports whether the target was edited or deleted as the action wants it.
func (s *sending) findChanged(ctx context.Context, since time.Time) (event.Receipt, bool, error) {
	m, err := s.c.client.Message(ctx, string(s.a.Target))
	gone := IsNoMessage(err)
	switch {
	case err != nil && !gone:
		return event.Receipt{}, false, err
	case s.a.Type == event.Delete && gone:
		return s.changed(), true, nil
	case s.a.Type == event.Delete:
		return s.changed(m.EditedAt), m.Deleted(), nil
	case gone || m.Deleted():
		return event.Receipt{}, false, nil
	}
	text, err := s.newText(ctx)
	if err != nil {
		return event.Receipt{}, false, err
	}
	return s.changed(m.EditedAt), m.Text == text && !m.EditedAt.IsZero() && !m.EditedAt.Before(since), nil
}

// findReaction reports whether the reaction is there, or gone, as the action wants it.
func (s *sending) findReaction(ctx context.Context) (event.Receipt, bool, error) {
	m, err := s.c.client.Message(ctx, string(s.a.Target))
	if IsNoMessage(err) {
		return event.Receipt{}, false, nil
	}
	if err != nil {
		return event.Receipt{}, false, err
	}
	me, err := s.c.me(ctx)
	if err != nil {
		return event.Receipt{}, false, err
	}
	there := slices.ContainsFunc(s.emoji, func(name string) bool {
		return slices.Contains(m.Reactions[":"+name+":"], me.Username)
	})
	return s.changed(), there == (s.a.Type == event.React), nil
}
