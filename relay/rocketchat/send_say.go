package rocketchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// maxStamp bounds what is kept with a message, in bytes of JSON. The platform has no bound of its own, but every client that
// shows the message reads it.
const maxStamp = 16 << 10

// program is what our messages name as the program that has sent them.
const program = "threadrelay"

// prepareSaying checks what a Reply or a Post needs.
func (s *sending) prepareSaying() error {
	if s.a.Also != nil {
		return errors.New("a message has no further recipients on Rocket.Chat: post one to each")
	}
	if strings.TrimSpace(s.text) == "" && len(s.a.Attachments) == 0 {
		return errors.New("without a text or an attachment the message would show nothing")
	}
	if s.a.Type == event.Reply {
		if err := checkID(string(s.a.Thread.Root)); err != nil {
			return fmt.Errorf("root %q: %w", s.a.Thread.Root, err)
		}
		s.root = string(s.a.Thread.Root)
	}
	return s.prepareStamp()
}

// prepareStamp gathers what is kept with the first message.
func (s *sending) prepareStamp() error {
	s.stamp = Stamp{Action: string(s.a.ID), Bot: s.a.Bot, Tags: s.a.Tags, Metadata: s.a.Metadata}
	if s.a.Custom != nil {
		s.stamp.Kind, s.stamp.Data = s.a.Custom.Kind, s.a.Custom.Data
	}
	b, err := json.Marshal(s.stamp)
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	extras := len(s.a.Tags) > 0 || len(s.a.Metadata) > 0 || s.a.Custom != nil
	switch {
	case len(b) > maxStamp:
		return fmt.Errorf("tags, metadata and custom content have %d bytes, at most %d are kept", len(b), maxStamp)
	case extras && strings.TrimSpace(s.text) == "":
		return errors.New("tags, metadata and custom content are kept with a text, and there is none")
	}
	return nil
}

// parts are the texts of the messages that a Reply or a Post becomes, without a name before them. Where they are cut does not
// depend on whether there will be one, so that a repeat cuts in the same places.
func (s *sending) parts(ctx context.Context) ([]string, error) {
	text, err := s.c.renderMentions(ctx, s.text, s.a.Mentions)
	if err != nil || strings.TrimSpace(text) == "" {
		return nil, err
	}
	return splitText(text, maxText-utf16Len(s.face.prefix)), nil
}

// said is what has become of a Reply or a Post.
type said struct {
	messages []Message
	// repeat says that some of it was there before.
	repeat bool
}

// say sends the messages that are not there yet, in order.
func (s *sending) say(ctx context.Context) (event.Receipt, error) {
	parts, err := s.parts(ctx)
	if err != nil {
		return event.Receipt{}, err
	}
	if err := s.findRoot(ctx); err != nil {
		return event.Receipt{}, err
	}
	var done said
	for i, text := range parts {
		m, repeat, err := s.speak(ctx, s.draft(text, i, len(parts)))
		if err != nil {
			return event.Receipt{}, err
		}
		done.messages = append(done.messages, m)
		done.repeat = done.repeat || repeat
	}
	if err := s.sendFiles(ctx, &done); err != nil {
		return event.Receipt{}, err
	}
	return s.receipt(done.messages), nil
}

// draft returns the message of the i-th of n parts.
func (s *sending) draft(text string, i, n int) Draft {
	stamp := Stamp{Action: s.stamp.Action, Bot: s.stamp.Bot}
	if i == 0 {
		stamp = s.stamp
	}
	if n > 1 {
		stamp.Part = i + 1
	}
	return s.wrap(messageID(s.a.ID, "", i), text, stamp)
}

func (s *sending) wrap(id, text string, stamp Stamp) Draft {
	return Draft{ID: id, RoomID: s.room, ThreadID: s.root, Text: text, Bot: &BotMark{Program: program}, Stamp: &stamp}
}

// speak sends a message, unless it is there already.
func (s *sending) speak(ctx context.Context, d Draft) (m Message, repeat bool, err error) {
	s.c.expect(d.ID, &event.Marker{Action: s.a.ID, Bot: s.a.Bot})
	err = s.disguised(func(named bool) (err error) {
		dressed := d
		if named {
			dressed.Alias, dressed.Avatar = s.face.name, s.face.avatar
		} else {
			dressed.Text = s.face.prefix + d.Text
		}
		m, err = s.c.client.SendMessage(ctx, dressed)
		return err
	})
	if isUnclassified(err) {
		m, err = s.confirm(ctx, d.ID, err)
		repeat = err == nil
	}
	if err == nil {
		s.c.roots.put(m.ID, s.room, s.c.now().Add(rootsKept))
	}
	return m, repeat, err
}

// disguised makes a call with the action's name and, if the platform refuses that, without. A call whose name was refused has
// done nothing.
func (s *sending) disguised(call func(named bool) error) error {
	if s.face.name == "" || !s.c.alias.allowed(s.c.now()) {
		return call(false)
	}
	err := call(true)
	if err == nil {
		s.c.alias.allow()
		return nil
	}
	if refused := refusalOf(err); refused == nil || !mayBeTheAlias(refused) {
		return err
	}
	again := call(false)
	if again == nil || isUnclassified(again) {
		s.c.alias.deny(s.c.now().Add(aliasPause))
		return again
	}
	return err
}

// mayBeTheAlias reports a refusal that may be about the name instead of the message.
func mayBeTheAlias(e *APIError) bool {
	return e.Status != 401 && verdict(e) == relay.Denied
}

// isUnclassified reports a refusal that may be that of a repeat: one whose cause the platform does not name.
func isUnclassified(err error) bool {
	refused := refusalOf(err)
	return IsRepeat(err) || refused != nil && refused.Status == 400 && refused.Code == "" && verdict(refused) == relay.Rejected
}

// confirm looks for a message whose sending was refused without a cause. If it is there and ours, all is well.
func (s *sending) confirm(ctx context.Context, id string, refused error) (Message, error) {
	m, found, err := s.there(ctx, id)
	switch {
	case found:
		return m, nil
	case err == nil && IsRepeat(refused):
		return Message{}, fmt.Errorf("the message is not there afterwards: an app of the workspace may have prevented it: %w", refused)
	case err == nil:
		return Message{}, refused
	}
	if kind := failure(err).Kind; kind == relay.Rejected || kind == relay.Denied {
		return Message{}, fmt.Errorf("%w; and then: %w", refused, err)
	}
	return Message{}, err
}

// there looks for a message of the action, by id.
func (s *sending) there(ctx context.Context, id string) (Message, bool, error) {
	m, err := s.c.client.Message(ctx, id)
	switch {
	case IsNoMessage(err):
		return Message{}, false, nil
	case err != nil:
		return Message{}, false, err
	case m.User.ID != string(s.c.self) || m.RoomID != s.room || m.Stamp != nil && m.Stamp.Action != string(s.a.ID):
		return Message{}, false, rejected(fmt.Errorf("the id %s of the message is taken by another one, of the user %q in the room %q", id, m.User.ID, m.RoomID))
	}
	return m, true, nil
}

// receipt returns the receipt of messages that are all there.
func (s *sending) receipt(messages []Message) event.Receipt {
	r := event.Receipt{Action: s.a.ID}
	if len(messages) > 0 {
		r.Message, r.Time = event.MessageID(messages[0].ID), messages[0].Time
	}
	if len(messages) > 1 {
		for i, m := range messages {
			r.Parts = append(r.Parts, event.MessageID(m.ID))
			if i > 0 && len(m.Files) > 0 {
				r.Files = append(r.Files, event.MessageID(m.ID))
			}
		}
	}
	return r
}

// rootsKept is how long a root is gone by that was there.
const rootsKept = 5 * time.Minute

// findRoot makes sure that the root of a Reply is there. The platform takes a reply to anything.
func (s *sending) findRoot(ctx context.Context) error {
	if s.root == "" {
		return nil
	}
	room, known := s.c.roots.get(s.root, s.c.now())
	if told, ok := s.c.memory.get(s.root); !known || ok && told.deletion {
		m, err := s.c.client.Message(ctx, s.root)
		switch {
		case IsNoMessage(err):
			return &relay.Failure{Kind: relay.RootGone, Err: fmt.Errorf("rocketchat: send %s: root %s: %w", s.a.ID, s.root, err)}
		case err != nil:
			return fmt.Errorf("root %s: %w", s.root, err)
		case m.Deleted():
			return &relay.Failure{Kind: relay.RootGone, Err: fmt.Errorf("rocketchat: send %s: root %s was deleted", s.a.ID, s.root)}
		}
		room = m.RoomID
		s.c.roots.put(s.root, room, s.c.now().Add(rootsKept))
	}
	if room != s.room { // the platform would send it there
		return rejected(fmt.Errorf("send %s: root %s is in the room %q, not in %q", s.a.ID, s.root, room, s.room))
	}
	return nil
}
