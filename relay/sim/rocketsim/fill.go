package rocketsim

import (
	"errors"
	"fmt"
	"time"
)

// Filled is one message of the past for [Server.Fill].
type Filled struct {
	From, Room string    // ids or usernames, ids or "#names", as in Say; required
	Thread     string    // id of the root of a thread; empty outside threads
	ID         string    // default a random one
	Text       string    // the message
	At         time.Time // when it was sent; the zero time stands for the time of the call to Fill
}

// Fill inserts n messages of the past, the i-th as row makes it, from 0. They are listed, read, edited and counted like others, and
// the bookkeeping of their threads is done, but nobody is told of them: no webhook, no stream, no Watch. Those who write need not be
// members of the room. A message's _updatedAt is its ts. row must not call the server.
//
// It fails when somebody or some room does not exist, when an id is taken, and when a thread's root is not a message of the same room
// that is no reply. Then nothing is inserted.
func (s *Server) Fill(n int, row func(i int) Filled) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	made := make([]*message, n)
	byID := make(map[string]*message, n)
	for i := range n {
		m, err := s.filled(row(i), byID)
		if err != nil {
			return fmt.Errorf("rocketsim: fill message %d: %w", i, err)
		}
		made[i], byID[m.ID] = m, m
	}
	for _, m := range made {
		s.store.insert(m)
		r := s.rooms[m.RID]
		r.count++
		if r.last == nil || !m.TS.Before(r.last.TS) {
			r.last, r.updatedAt = m, m.TS
		}
		s.joinSilently(m)
	}
	s.touch()
	return nil
}

// filled is a message of the past, checked; made are those that come with it.
func (s *Server) filled(f Filled, made map[string]*message) (*message, error) {
	from, err := s.person(f.From)
	if err != nil {
		return nil, err
	}
	r := s.place(from, f.Room)
	if r == nil {
		return nil, fmt.Errorf("there is no room %q", f.Room)
	}
	if f.ID == "" {
		f.ID = randomID()
	}
	if s.store.held[f.ID] != nil || made[f.ID] != nil {
		return nil, fmt.Errorf("the id %s is taken", f.ID)
	}
	if f.Thread != "" {
		root := s.store.held[f.Thread]
		if root == nil {
			root = made[f.Thread]
		}
		if root == nil || root.TMID != "" || root.RID != r.ID {
			return nil, errors.New("its thread's root is not a message of the room that is no reply")
		}
	}
	at := f.At.UTC().Truncate(time.Millisecond)
	if f.At.IsZero() {
		at = s.now()
	}
	m := &message{ID: f.ID, RID: r.ID, Msg: f.Text, TMID: f.Thread, TS: at, UpdatedAt: at, U: from.ref()}
	s.read(from, m)
	return m, nil
}

// joinSilently is join for a message of the past: nothing is told, and the root's _updatedAt becomes the reply's time.
func (s *Server) joinSilently(m *message) {
	root := s.store.held[m.TMID]
	if m.TMID == "" || root == nil {
		return
	}
	c := root.clone()
	c.Replies = united(root.Replies, []string{root.U.ID, m.U.ID})
	c.TCount++
	c.HasThread = true
	if m.TS.After(c.TLM) {
		c.TLM = m.TS
	}
	if m.TS.After(c.UpdatedAt) {
		c.UpdatedAt = m.TS
	}
	s.store.replace(c)
	if r := s.rooms[m.RID]; r.last == root {
		r.last = c
	}
}
