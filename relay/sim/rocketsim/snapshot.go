package rocketsim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Message is a message as it stands in the collection.
type Message struct {
	ID, Room, Text string
	Type           string // t: kind of a system message, "rm" for a deleted one; empty for what people write
	Thread         string // id of its thread's root; empty outside threads
	Show           bool   // tshow
	From, FromID   string // username and id of the sender
	Alias, Avatar  string
	At             time.Time // ts; zero where the sender's own text was kept
	UpdatedAt      time.Time
	EditedAt       time.Time // zero for never edited
	EditedBy       string    // username
	Reactions      map[string][]string
	Followers      []string // ids of those who follow the thread
	Replies        int      // tcount
	LastReply      time.Time
	Hidden         bool   // a copy that an edit or deletion left behind, or a deleted message with Settings.KeepHistory
	CopyOf         string // the message that a hidden copy is of
	Files          []string
	Attachments    []any
	CustomFields   map[string]any
	Bot            any            // key bot as the API shows it
	Extra          map[string]any // keys that the server does not know
}

// public is a message as the Go methods show it. What is inside Attachments, Bot and Extra is shared and must not be changed.
func (m *message) public() Message {
	p := Message{
		ID: m.ID, Room: m.RID, Text: m.Msg, Type: m.T, Thread: m.TMID, Show: m.TShow, From: m.U.Username, FromID: m.U.ID,
		Alias: m.Alias, Avatar: m.Avatar, At: m.TS, UpdatedAt: m.UpdatedAt, EditedAt: m.EditedAt, EditedBy: m.EditedBy.Username,
		Followers: slices.Clone(m.Replies), Replies: m.TCount, LastReply: m.TLM, Hidden: m.Hidden, CopyOf: m.Parent,
		Attachments: slices.Clone(m.Attachments), CustomFields: maps.Clone(m.CustomFields), Bot: m.Bot, Extra: maps.Clone(m.Extra),
	}
	for _, f := range m.Files {
		p.Files = append(p.Files, f.ID)
	}
	for _, r := range m.Reactions {
		if p.Reactions == nil {
			p.Reactions = map[string][]string{}
		}
		p.Reactions[r.Emoji] = slices.Clone(r.Usernames)
	}
	return p
}

// Messages returns the messages of a room, given by id or "#name", in the order of their ts: system messages and hidden copies
// included, deleted ones left out. An unknown room has none.
func (s *Server) Messages(room string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.place(nil, room)
	if r == nil {
		return nil
	}
	return snapshot(s.store.shelf(r.ID).told)
}

// Thread returns the replies to a message in the order of their ts, hidden copies included and the message itself left out; also
// when that is deleted or never was.
func (s *Server) Thread(root string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return snapshot(s.store.threads[root])
}

// Message returns the message with an id, and whether there is one.
func (s *Server) Message(id string) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.store.held[id]
	if m == nil {
		return Message{}, false
	}
	return m.public(), true
}

func snapshot(all []*message) []Message {
	out := make([]Message, len(all))
	for i, m := range all {
		out[i] = m.public()
	}
	return out
}

// Await returns nil once cond holds. It evaluates cond at once and after every change of messages, people, rooms and faults and after
// every request, and never polls; cond may call the server's methods. It returns the context's error when that ends first, and
// ErrClosed after Close.
func (s *Server) Await(ctx context.Context, cond func(*Server) bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond(s) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("rocketsim: await: %w", ctx.Err())
		case <-s.ctx.Done():
			return fmt.Errorf("rocketsim: await: %w", ErrClosed)
		}
	}
}

// Watch tells every new message as it is committed, and every edited or deleted one: an edited one as it stands, a deleted one as its
// remaining row of the type "rm", or as what it was with the type "rm" when none remains. Reactions and new followers are not told.
// Nothing is dropped however slowly the channel is read; it is closed when ctx ends or the simulator is closed.
func (s *Server) Watch(ctx context.Context) <-chan Message {
	out := make(chan Message)
	w := s.subscribe()
	if w == nil {
		close(out)
		return out
	}
	stop := context.AfterFunc(ctx, func() { s.unwatch(w) })
	go func() {
		defer s.tasks.Done()
		defer close(out)
		defer stop()
		s.feed(w, func(c change) {
			m, told := c.watched()
			if !told {
				return
			}
			select {
			case out <- m:
			case <-w.quit:
			case <-s.ctx.Done():
			}
		})
	}()
	return out
}

// watched is what Watch tells of a change, if anything.
func (c change) watched() (Message, bool) {
	m := c.Message.public()
	switch c.Kind {
	case inserted, edited, tombstoned:
		return m, true
	case removed:
		m.Type = "rm"
		return m, true
	}
	return m, false
}
