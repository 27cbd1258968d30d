package sim

import (
	"net/http"
	"time"
)

// markKey names what one user keeps about one conversation.
type markKey struct{ uid, conversation string }

// mark is how far a user has come in a conversation, and what he has put on it.
type mark struct {
	read, delivered receipt
	cleared         int64 // id up to which the conversation was deleted for the user
	tags            []string
}

// receipt says that everything up to a message was read or delivered, and when.
type receipt struct {
	id int64
	at time.Time
}

// markOf reads a mark; the caller holds s.mu.
func (s *CometChat) markOf(uid, conversation string) mark {
	if m := s.marks[markKey{uid, conversation}]; m != nil {
		return *m
	}
	return mark{}
}

// markIn gives a mark to be changed; the caller holds s.mu.
func (s *CometChat) markIn(uid, conversation string) *mark {
	key := markKey{uid, conversation}
	m := s.marks[key]
	if m == nil {
		m = &mark{}
		s.marks[key] = m
	}
	return m
}

// countable tells whether a message can be unread for a user at all.
func countable(m *message, uid string) bool {
	return m.sender != uid && m.category != "action" && m.deletedAt.IsZero()
}

// unread counts what a user has not read in a conversation and what passes a filter; the caller holds s.mu.
func (s *CometChat) unread(uid, conversation string, f filter) int {
	n := 0
	mark := s.markOf(uid, conversation)
	after := max(mark.read.id, mark.cleared)
	if f.undelivered && !f.unread {
		after = max(mark.delivered.id, mark.cleared)
	}
	walk([]line{s.store.rooms[conversation]}, bounds{after, s.store.lastID + 1}, false, func(id int64) bool {
		if m := s.store.at(id); m != nil && countable(m, uid) && s.passes(f, m, uid) {
			n++
		}
		return false
	})
	return n
}

// Deliver records that a message, and all before it in its conversation, reached a user's device, and fires
// message_delivery_receipt; in a group whose every member it has reached also message_delivered_to_all. Doing it twice changes
// nothing.
func (s *CometChat) Deliver(uid, id string) error {
	return s.receive(uid, id, deliveredReceipts())
}

// Read is Deliver for reading, with message_read_receipt and message_read_by_all. What is read counts as delivered, without a
// receipt of its own.
func (s *CometChat) Read(uid, id string) error {
	return s.receive(uid, id, readReceipts())
}

func (s *CometChat) receive(uid, id string, k receiptKind) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	p, err := s.user(uid)
	if err != nil {
		return err
	}
	m, err := s.visible(p.UID, id)
	switch {
	case err != nil:
		return err
	case !countable(m, p.UID):
		return refuse(http.StatusBadRequest, "ERR_MESSAGE_ACTION_NOT_ALLOWED", "The message with ID %s has no receipts from %s.", id, p.UID)
	}
	s.acknowledge(p, m, k)
	return nil
}

// acknowledge moves a mark forward and fires the receipts; the caller holds s.mu.
func (s *CometChat) acknowledge(p *person, m *message, k receiptKind) {
	mark := s.markIn(p.UID, m.conversation)
	at := k.of(mark)
	if at.id >= m.id {
		return
	}
	*at = receipt{id: m.id, at: s.cfg.Now()}
	mark.delivered.id = max(mark.delivered.id, mark.read.id)
	if mark.delivered.at.IsZero() {
		mark.delivered.at = at.at
	}
	s.fireReceipt(k.trigger, m, p, k.action)
	if m.receiverType == "group" && s.allHave(m, k) {
		system, _ := s.user(systemUID)
		s.fireReceipt(k.allTrigger, m, system, k.allAction)
	}
	s.touch()
}

// receiptKind is what differs between delivery and reading.
type receiptKind struct {
	trigger, action, allTrigger, allAction string
	of                                     func(*mark) *receipt
}

func deliveredReceipts() receiptKind {
	return receiptKind{
		trigger: "message_delivery_receipt", action: "delivered", allTrigger: "message_delivered_to_all", allAction: "deliveredToAll",
		of: func(m *mark) *receipt { return &m.delivered },
	}
}

func readReceipts() receiptKind {
	return receiptKind{
		trigger: "message_read_receipt", action: "read", allTrigger: "message_read_by_all", allAction: "readByAll",
		of: func(m *mark) *receipt { return &m.read },
	}
}

// maxReceipts is the size of a group above which there are no receipts (CometChat: articles/properties-and-constraints).
const maxReceipts = 300

// allHave tells whether every member but the sender has a message.
func (s *CometChat) allHave(m *message, k receiptKind) bool {
	g := s.groups[m.receiver]
	if g == nil || len(g.members) > maxReceipts {
		return false
	}
	for uid := range g.members {
		mark := s.markOf(uid, m.conversation)
		if uid != m.sender && k.of(&mark).id < m.id {
			return false
		}
	}
	return true
}
