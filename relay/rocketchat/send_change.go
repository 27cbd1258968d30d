package rocketchat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// prepareChange checks what an action needs that changes a message.
func (s *sending) prepareChange() error {
	if err := checkID(string(s.a.Target)); err != nil {
		return fmt.Errorf("target %q: %w", s.a.Target, err)
	}
	var err error
	switch s.a.Type {
	case event.Edit:
		switch {
		case strings.TrimSpace(s.text) == "":
			return errors.New("the message would say nothing")
		case len(s.a.Tags) > 0 || len(s.a.Metadata) > 0:
			return errors.New("tags and metadata of a message cannot be changed on Rocket.Chat")
		}
		err = fits(s.text)
	case event.React, event.Unreact:
		s.emoji, err = emojiNames(s.a.Emoji)
	}
	return err
}

// fits reports a text that is too long for one message.
func fits(text string) error {
	if n := utf16Len(text); n > maxText {
		return fmt.Errorf("the edit is %d UTF-16 units long, at most %d fit into a message", n, maxText)
	}
	return nil
}

func (s *sending) edit(ctx context.Context) (event.Receipt, error) {
	text, err := s.newText(ctx)
	if err != nil {
		return event.Receipt{}, err
	}
	m, err := s.c.client.UpdateMessage(ctx, s.room, string(s.a.Target), text)
	if err != nil {
		return event.Receipt{}, err
	}
	return s.changed(m.EditedAt, m.UpdatedAt), nil
}

// newText returns what the target is to say. A name stands before it if one did when it was sent.
func (s *sending) newText(ctx context.Context) (string, error) {
	text, err := s.c.renderMentions(ctx, s.text, s.a.Mentions)
	if err != nil {
		return "", err
	}
	if s.face.name != "" {
		m, err := s.c.client.Message(ctx, string(s.a.Target))
		if err != nil && !IsNoMessage(err) { // of that the change itself will tell
			return "", err
		}
		if err == nil && m.Alias == "" {
			text = s.face.prefix + text
		}
	}
	if err := fits(text); err != nil { // names and guards may have made it longer
		return "", rejected(fmt.Errorf("send %s: %w", s.a.ID, err))
	}
	return text, nil
}

// remove deletes the target. A root with replies leaves a tombstone; then the replies stay where they are.
func (s *sending) remove(ctx context.Context) (event.Receipt, error) {
	at, err := s.c.client.DeleteMessage(ctx, s.room, string(s.a.Target))
	switch {
	case err == nil:
		s.c.roots.forget(string(s.a.Target))
		return s.changed(at), nil
	case IsNoMessage(err):
		return s.changed(), nil
	}
	if refused := refusalOf(err); refused != nil && refused.Status != 401 && isFinal(refused) {
		if r, gone, fault := s.findChanged(ctx, time.Time{}); fault == nil && gone { // what is deleted need not be deletable
			return r, nil
		}
	}
	return event.Receipt{}, err
}

// isFinal reports a refusal that another attempt would not change.
func isFinal(e *APIError) bool {
	kind := verdict(e)
	return kind == relay.Rejected || kind == relay.Denied
}

// react sets or takes away the reaction, under the first of its names that the workspace knows.
func (s *sending) react(ctx context.Context) (event.Receipt, error) {
	var err error
	for _, name := range s.emoji {
		err = s.c.client.React(ctx, string(s.a.Target), name, s.a.Type == event.React)
		if refused := refusalOf(err); refused == nil || !isBadEmoji(refused) {
			break
		}
	}
	if err != nil {
		return event.Receipt{}, err
	}
	return s.changed(), nil
}

// changed returns the receipt of a change, with the first time that is told.
func (s *sending) changed(times ...time.Time) event.Receipt {
	r := event.Receipt{Action: s.a.ID, Message: s.a.Target}
	for _, t := range times {
		if !t.IsZero() {
			r.Time = t
			break
		}
	}
	return r
}
