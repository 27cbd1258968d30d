package sim

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Filled is one message of the past for [CometChat.Fill].
type Filled struct {
	Say           // From and one of ToUser and ToGroup are required, also with Parent
	At  time.Time // when it was sent; the zero time stands for the time of the call to Fill
}

// block is a run of filled messages, each made when it is read.
type block struct {
	first, n int64
	born     time.Time
	row      func(i int) Filled
}

// Fill appends n messages of the past. They are listed, read, edited and counted like others, but fire no webhook, wake no wait
// and are not among Messages; those who write need not be members of the group. Only ids are kept: row is called for the i-th
// message, from 0, now and again whenever the message is read, and must always give the same. It must not call the simulator.
//
// It fails when somebody does not exist, when a parent is not an earlier message of the same conversation, and when the times
// do not rise. Then nothing is appended.
func (s *CometChat) Fill(n int, row func(i int) Filled) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if n <= 0 {
		return nil
	}
	b := block{first: s.store.lastID + 1, n: int64(n), born: s.cfg.Now(), row: row}
	last := s.store.sentAt(s.store.lastID)
	var m message
	for i := range n {
		b.bare(b.first+int64(i), &m)
		if err := s.checkFilled(&m, &b); err != nil {
			return fmt.Errorf("sim: fill message %d: %w", i, err)
		}
		sent := seconds(m.sentAt)
		if sent < last {
			return fmt.Errorf("sim: fill message %d: it is older than the one before", i)
		}
		last = sent
	}
	s.store.blocks = append(s.store.blocks, b)
	s.store.lastID += b.n
	for i := range n {
		b.bare(b.first+int64(i), &m)
		s.store.index(&m)
	}
	s.touch()
	return nil
}

// checkFilled tells whether everybody exists and the thread is right.
func (s *CometChat) checkFilled(m *message, b *block) error {
	if _, err := s.user(m.sender); err != nil {
		return err
	}
	var err error
	if m.receiverType == "group" {
		_, err = s.group(m.receiver)
	} else {
		_, err = s.user(m.receiver)
	}
	if err != nil || m.parent == 0 {
		return err
	}
	root := s.store.at(m.parent)
	if m.parent >= b.first && m.parent < m.id {
		root = &message{}
		b.bare(m.parent, root)
	}
	if root == nil || root.parent != 0 || root.conversation != m.conversation {
		return errors.New("its parent is not an earlier message of the conversation")
	}
	return nil
}

func (b *block) sentAt(id int64) time.Time {
	at := b.row(int(id - b.first)).At
	if at.IsZero() {
		return b.born
	}
	return at
}

// message makes a message.
func (b *block) message(id int64) *message {
	m := &message{}
	f := b.bare(id, m)
	m.data = make(map[string]any, len(f.Data)+1)
	maps.Copy(m.data, f.Data)
	if f.Text != "" {
		m.data["text"] = f.Text
	}
	return m
}

// bare makes a message without its data, in the place of another.
func (b *block) bare(id int64, m *message) Filled {
	f := b.row(int(id - b.first))
	*m = message{
		id: id, sender: strings.ToLower(f.From), receiver: strings.ToLower(f.ToUser), receiverType: "user", category: f.Category,
		kind: f.Type, tags: f.Tags, filled: true, announced: true, sentAt: f.At,
	}
	if f.ToGroup != "" {
		m.receiver, m.receiverType = strings.ToLower(f.ToGroup), "group"
		m.conversation = groupConversation(m.receiver)
	} else {
		m.conversation = userConversation(m.sender, m.receiver)
	}
	if m.category == "" {
		m.category = "message"
	}
	if m.kind == "" {
		m.kind = "text"
	}
	if m.sentAt.IsZero() {
		m.sentAt = b.born
	}
	m.updatedAt = m.sentAt
	if f.Parent != "" {
		m.parent = -1 // no message has it
		if parent, err := strconv.ParseInt(f.Parent, 10, 64); err == nil {
			m.parent = parent
		}
	}
	return f
}

// block finds the block of an id; nil when there is none.
func (st *store) block(id int64) *block {
	for i := range st.blocks {
		if b := &st.blocks[i]; id >= b.first && id < b.first+b.n {
			return b
		}
	}
	return nil
}
