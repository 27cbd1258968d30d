package cometchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// prepareChange checks what an action needs that changes a message.
func (s *sending) prepareChange() error {
	var err error
	if s.target, err = messageID(text(s.a.Target)); err != nil {
		return fmt.Errorf("target %q: %w", s.a.Target, err)
	}
	if s.a.Identity != nil { // who may have to be taken into the group
		if s.receiver, s.kind, err = receiver(s.a.Thread.Conversation, s.as); err != nil {
			return err
		}
	}
	switch s.a.Type {
	case event.Edit:
		s.text = renderMentions(s.a.Text, s.a.Mentions)
		change, err := s.change()
		if err != nil {
			return err
		}
		if size := dataSize(DraftData{Text: change.Text, Metadata: change.Metadata}); size > maxData {
			return fmt.Errorf("the edit has %d bytes, at most %d fit into a message", size, maxData)
		}
	case event.React, event.Unreact:
		if len(s.a.Emoji) > maxEmoji {
			return fmt.Errorf("the emoji is %d bytes long, at most %d are allowed", len(s.a.Emoji), maxEmoji)
		}
		if s.a.Emoji == "." || s.a.Emoji == ".." {
			return errors.New("the emoji would change a path")
		}
	}
	return nil
}

// change returns what an edit changes. The metadata stays as it is, with the marker of the action that sent the message,
// unless the edit brings its own.
func (s *sending) change() (MessageChange, error) {
	ch := MessageChange{Text: s.text, Tags: s.a.Tags}
	if len(s.a.Metadata) > 0 {
		if err := json.Unmarshal(s.a.Metadata, &ch.Metadata); err != nil {
			return ch, fmt.Errorf("metadata: %w", err)
		}
		ch.Metadata[markerKey] = encodeMarker(s.a, 0)
	}
	return ch, nil
}

func (s *sending) edit(ctx context.Context) (event.Receipt, error) {
	change, err := s.change()
	if err != nil {
		return event.Receipt{}, err
	}
	var m Message
	err = s.try(ctx, func() (err error) {
		m, err = s.client.EditMessage(ctx, s.target, change)
		return err
	})
	if err != nil {
		return event.Receipt{}, err
	}
	return s.changed(m.EditedAt, m.UpdatedAt), nil
}

// remove deletes the target, softly: a thread that hangs on it stays where it is.
func (s *sending) remove(ctx context.Context) (event.Receipt, error) {
	var m Message
	err := s.try(ctx, func() (err error) {
		m, err = s.client.DeleteMessage(ctx, s.target, false)
		return err
	})
	var refused *APIError
	switch {
	case err == nil:
		return s.changed(m.DeletedAt, m.UpdatedAt), nil
	case errors.As(err, &refused) && isNoMessage(refused.Code):
		return s.changed(), nil
	case refused != nil && refused.Code == "ERR_MESSAGE_ACTION_NOT_ALLOWED": // what is deleted cannot be deleted again
		if r, gone, fault := s.findChanged(ctx, time.Time{}); fault == nil && gone {
			return r, nil
		}
	}
	return event.Receipt{}, err
}

func (s *sending) react(ctx context.Context) (event.Receipt, error) {
	err := s.try(ctx, func() (err error) {
		if s.a.Type == event.React {
			_, err = s.client.AddReaction(ctx, s.target, s.a.Emoji)
		} else {
			_, err = s.client.RemoveReaction(ctx, s.target, s.a.Emoji)
		}
		return err
	})
	if err != nil {
		return event.Receipt{}, err
	}
	return s.changed(), nil
}

// changed returns the receipt of a change, with the first time that is told.
func (s *sending) changed(times ...time.Time) event.Receipt {
	r := event.Receipt{Action: s.a.ID, Message: event.MessageID(s.target)}
	for _, t := range times {
		if !t.IsZero() {
			r.Time = t
			break
		}
	}
	return r
}
