package sim

import (
	"maps"
	"slices"
)

// commit keeps a new message and tells watchers of it; the caller holds s.mu.
func (s *CometChat) commit(m *message) {
	m.sentAt = s.cfg.Now()
	m.updatedAt = m.sentAt
	s.store.add(m)
	if m.act == nil || m.kind != "message" {
		s.tell(m.public())
	}
	s.touch()
}

// edit changes text, metadata and other data of a message and commits the action message that records it; the caller holds
// s.mu and has checked that by may do so. tags nil leaves the tags.
func (s *CometChat) edit(m *message, by string, data map[string]any, tags []string) *message {
	m.data = maps.Clone(m.data)
	maps.Copy(m.data, data)
	if tags != nil {
		m.tags = tags
	}
	m.editedAt, m.editedBy = s.cfg.Now(), by
	m.updatedAt = m.editedAt
	s.store.change(m)
	s.tell(m.public())
	return s.record(m, "edited", by)
}

// erase deletes a message, for good or leaving its husk, and commits the action message; the caller holds s.mu.
func (s *CometChat) erase(m *message, by string, forGood bool) *message {
	m.data = map[string]any{}
	m.reactions = nil
	m.deletedAt, m.deletedBy = s.cfg.Now(), by
	m.updatedAt = m.deletedAt
	if forGood {
		s.store.remove(m)
	} else {
		s.store.change(m)
	}
	s.tell(m.public())
	return s.record(m, "deleted", by)
}

// record commits the action message for an edit or deletion of m and fires its webhook.
func (s *CometChat) record(m *message, name, by string) *message {
	then := *m
	then.reactions = slices.Clone(m.reactions)
	action := &message{
		conversation: m.conversation, sender: m.sender, receiver: m.receiver, receiverType: m.receiverType,
		category: "action", kind: "message",
		act: &act{name: name, by: by, on: &then},
	}
	s.commit(action)
	s.fireChange("message_"+name, m, action)
	return action
}
