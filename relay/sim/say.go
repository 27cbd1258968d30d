package sim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Say is what a person types in the chat app.
type Say struct {
	From            string // uid of the person
	ToUser, ToGroup string // one of the two; both may be empty with Parent, whose conversation is then meant
	Parent          string // id of the message that is replied to in a thread; empty outside threads
	Text            string // data.text
	Type, Category  string // default text, message; category call, agentic and card are taken with any type
	Tags            []string
	Data            map[string]any // extra data fields; it is copied at its top level
}

// Say commits a message as a person's client would and fires message_sent (unless CometChatConfig.RESTOnlyHooks). A text that begins
// with names of faults, such as "[500] hello", asks for them (see [CometChat.Break]): those of webhooks strike this message's own
// webhooks, and those of requests strike, once, the next request that changes something under a message of its thread. A refusal is
// an *[Error] with the code that the REST API would answer.
func (s *CometChat) Say(m Say) (Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, err := s.user(m.From)
	if err != nil {
		return Message{}, err
	}
	p := posting{
		sender: from, parent: m.Parent, category: m.Category, kind: m.Type, receiver: m.ToUser, receiverType: "user",
		data: map[string]any{}, tags: slices.Clone(m.Tags),
	}
	maps.Copy(p.data, m.Data)
	if m.Text != "" {
		p.data["text"] = m.Text
	}
	switch {
	case m.ToUser != "" && m.ToGroup != "":
		return Message{}, refuse(http.StatusBadRequest, "ERR_INVALID_RECEIVER_TYPE", "ToUser and ToGroup exclude each other.")
	case m.ToGroup != "":
		p.receiver, p.receiverType = m.ToGroup, "group"
	case m.ToUser == "" && m.Parent != "":
		if err := s.aim(&p); err != nil {
			return Message{}, err
		}
	}
	from.lastActive = s.cfg.Now()
	sent, err := s.post(p)
	if err != nil {
		return Message{}, err
	}
	return sent.public(), nil
}

// aim takes the receiver of a reply from its thread's root.
func (s *CometChat) aim(p *posting) error {
	root := s.store.find(p.parent)
	if root == nil {
		return noMessage(p.parent)
	}
	p.receiver, p.receiverType = root.receiver, root.receiverType
	if root.receiverType == "user" && root.receiver == p.sender.UID {
		p.receiver = root.sender
	}
	return nil
}

// Edit changes the text of a person's own message and fires message_edited.
func (s *CometChat) Edit(by, id, text string) (Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.own(by, id)
	if err != nil {
		return Message{}, err
	}
	data := map[string]any{"text": text}
	if err := checkText(data); err != nil {
		return Message{}, err
	}
	if err := s.checkData(data); err != nil {
		return Message{}, err
	}
	s.edit(m, strings.ToLower(by), data, nil)
	return m.public(), nil
}

// Delete deletes a person's own message, leaving its row without content, and fires message_deleted.
func (s *CometChat) Delete(by, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.own(by, id)
	if err != nil {
		return err
	}
	s.erase(m, strings.ToLower(by), false)
	return nil
}

// React adds a person's reaction to a message and fires message_reaction_added; doing it twice changes nothing.
func (s *CometChat) React(by, id, emoji string) error {
	return s.reactAs(by, id, func(m *message, uid string) error { return s.react(m, uid, emoji) })
}

// Unreact takes a person's reaction back and fires message_reaction_removed.
func (s *CometChat) Unreact(by, id, emoji string) error {
	return s.reactAs(by, id, func(m *message, uid string) error { return s.unreact(m, uid, emoji) })
}

func (s *CometChat) reactAs(by, id string, do func(*message, string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.user(by)
	if err != nil {
		return err
	}
	m, err := s.visible(p.UID, id)
	if err != nil {
		return err
	}
	return do(m, p.UID)
}

// own finds a message that a person may edit or delete; the empty uid is the app, which may do so with every message.
func (s *CometChat) own(uid, id string) (*message, error) {
	if s.closed {
		return nil, ErrClosed
	}
	uid = strings.ToLower(uid)
	m, err := s.visible(uid, id)
	switch {
	case err != nil:
		return nil, err
	case m.act != nil:
		return nil, refuse(http.StatusBadRequest, "ERR_MESSAGE_ACTION_NOT_ALLOWED", "Action messages cannot be edited or deleted.")
	case uid != "" && m.sender != uid:
		return nil, refuse(http.StatusForbidden, "ERR_MESSAGE_NOT_A_SENDER", "Only the sender may edit or delete the message with ID %s.", id)
	case !m.deletedAt.IsZero():
		return nil, refuse(http.StatusBadRequest, "ERR_MESSAGE_ACTION_NOT_ALLOWED", "The message with ID %s is deleted.", id)
	}
	return m, nil
}

// visible finds a message that a user may see; the empty uid is the app, which sees everything.
func (s *CometChat) visible(uid, id string) (*message, error) {
	m := s.store.find(id)
	if m == nil {
		return nil, noMessage(id)
	}
	if !s.sees(uid, m) {
		return nil, noAccess(uid, id)
	}
	return m, nil
}

func (s *CometChat) sees(uid string, m *message) bool {
	if uid == "" || uid == systemUID || m.sender == uid {
		return true
	}
	if m.receiverType == "user" {
		return m.receiver == uid
	}
	g := s.groups[m.receiver]
	return g != nil && g.has(uid)
}

// react adds a reaction; the caller holds s.mu.
func (s *CometChat) react(m *message, uid, emoji string) error {
	switch {
	case s.closed:
		return ErrClosed
	case emoji == "":
		return required("reaction")
	case m.act != nil || !m.deletedAt.IsZero():
		return refuse(http.StatusBadRequest, "ERR_MESSAGE_ACTION_NOT_ALLOWED", "The message with ID %s cannot be reacted to.", m.key())
	}
	if slices.ContainsFunc(m.reactions, func(r reaction) bool { return r.uid == uid && r.emoji == emoji }) {
		return nil
	}
	s.store.lastReaction++
	r := reaction{id: s.store.lastReaction, emoji: emoji, uid: uid, at: s.cfg.Now()}
	m.reactions = append(m.reactions, r)
	s.fireReaction("message_reaction_added", m, r)
	s.touch()
	return nil
}

// unreact takes a reaction back; the caller holds s.mu.
func (s *CometChat) unreact(m *message, uid, emoji string) error {
	if s.closed {
		return ErrClosed
	}
	i := slices.IndexFunc(m.reactions, func(r reaction) bool { return r.uid == uid && r.emoji == emoji })
	if i < 0 {
		return badField("reaction", "The user with UID %s has not reacted with %s.", uid, emoji)
	}
	r := m.reactions[i]
	m.reactions = slices.Delete(m.reactions, i, i+1)
	s.fireReaction("message_reaction_removed", m, r)
	s.touch()
	return nil
}
