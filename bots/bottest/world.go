package bottest

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus/event"
)

// Member says yes: in the room are the bot and whoever speaks.
func (r *room) Member(context.Context, event.MembershipQuery) (bool, error) { return true, nil }

// Now is the time in the room.
func (r *room) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// Thread returns a page of a thread.
func (r *room) Thread(_ context.Context, q event.HistoryQuery) (event.HistoryAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from, _ := strconv.Atoi(q.Cursor)
	var all []event.Said
	for _, p := range r.threads[q.Thread.Root] {
		if !p.Deleted {
			e := r.event(p, event.MessageCreated)
			all = append(all, event.Said{Message: *e.Message, Thread: e.Thread, Time: p.at})
		}
	}
	if len(all) == 0 {
		return event.HistoryAnswer{}, bots.ErrGone
	}
	from = min(from, len(all))
	to := min(from+max(q.Limit, 1), len(all))
	a := event.HistoryAnswer{Messages: all[from:to]}
	if to < len(all) {
		a.Next = strconv.Itoa(to)
	}
	return a, nil
}

// Store carries out what the bot wants done, each action once.
func (r *room) Store(_ context.Context, actions []event.Action) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range actions {
		if err := a.Validate(); err != nil {
			return bots.Permanent(err)
		}
	}
	for _, a := range actions {
		if r.carried[a.ID] {
			continue
		}
		if err := r.carry(a); err != nil {
			return fmt.Errorf("the bot wants what cannot be done: %w", err)
		}
		r.carried[a.ID] = true
	}
	return nil
}

func (r *room) carry(a event.Action) error {
	switch a.Type {
	case event.Post:
		r.said(a, "")
		return nil
	case event.Reply:
		root := a.Thread.Root
		if opener := r.byAction[a.Follows]; root == "" && opener != nil {
			root = opener.ID
		}
		if r.byID[root] == nil {
			return fmt.Errorf("a reply in the thread of message %q, which is not there", root)
		}
		r.said(a, root)
		return nil
	}
	p := r.byID[a.Target]
	if a.TargetAction != "" {
		p = r.byAction[a.TargetAction]
	}
	if p == nil || p.Deleted {
		return fmt.Errorf("%s of message %q%s, which is not there", a.Type, a.Target, a.TargetAction)
	}
	r.tick()
	switch a.Type {
	case event.Edit:
		p.Text = a.Text
	case event.Delete:
		p.Text, p.Deleted = "", true
	case event.React, event.Unreact:
		p.react(Bot, a.Emoji, a.Type == event.React)
	case event.Post, event.Reply:
	}
	return nil
}

// said adds what the bot says. Whatever user it speaks as, the room shows it as [Bot].
func (r *room) said(a event.Action, root event.MessageID) {
	direct := a.Thread.Conversation != group
	p := r.add(post{
		Shown: Shown{From: Bot, Text: a.Text, Attachments: a.Attachments}, root: root, direct: direct, marker: &event.Marker{Action: a.ID, Bot: a.Bot},
	})
	r.byAction[a.ID] = p
}

// Memory is the room's.
func (r *room) Memory(context.Context) (bots.Memory, error) { return &roomMemory{r}, nil }

// memory is what bots remember in a room.
type memory struct {
	values   map[string]value
	revision uint64
}

type value struct {
	data     []byte
	revision uint64
	until    time.Time // zero: for good
}

// roomMemory is a room's memory.
type roomMemory struct{ room *room }

func (m *roomMemory) Get(_ context.Context, key string) ([]byte, uint64, error) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	v := m.value(key)
	return v.data, v.revision, nil
}

// value is what counts at the room's time.
func (m *roomMemory) value(key string) value {
	v := m.room.memory.values[key]
	if !v.until.IsZero() && !m.room.now.Before(v.until) {
		return value{}
	}
	return v
}

func (m *roomMemory) Swap(_ context.Context, key string, data []byte, revision uint64, ttl time.Duration) (uint64, error) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	if m.value(key).revision != revision {
		return 0, fmt.Errorf("%w: %s", bots.ErrConflict, key)
	}
	m.room.memory.revision++
	v := value{data: data, revision: m.room.memory.revision}
	if ttl > 0 {
		v.until = m.room.now.Add(ttl)
	}
	m.room.memory.values[key] = v
	return v.revision, nil
}

func (m *roomMemory) Remove(_ context.Context, key string, revision uint64) error {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	if revision != 0 && m.value(key).revision != revision {
		return fmt.Errorf("%w: %s", bots.ErrConflict, key)
	}
	delete(m.room.memory.values, key)
	return nil
}
