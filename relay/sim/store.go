package sim

import (
	"slices"
	"sort"
	"strconv"
)

// store keeps the messages. Its owner's lock guards it.
//
// Whatever is listed is kept as rising ids alone, and a row is looked up (or made, for a filled one) when it is read, so that
// millions of filled messages cost a few words each and a page near the end costs as much as one at the start.
type store struct {
	lastID       int64
	held         map[int64]*message // committed messages, and filled ones that were changed
	blocks       []block            // filled messages
	rooms        map[string]ids     // by conversation id
	users        map[string]ids     // by uid: what the user sent, and what came to the user one-to-one
	replies      map[int64]ids      // by parent id
	talks        map[string][]pair  // by uid: the user's one-to-one conversations, in the order of their first message
	pinned       map[string]int     // by conversation id: how many are pinned
	removed      int                // how many were deleted for good
	public       []Message          // committed ones as values; shared with readers: grown by appending, copied before any other change
	publicIDs    []int64            // the ids of public
	lastReaction int64
}

// pair is a one-to-one conversation as one of the two sees it.
type pair struct{ conversation, with string }

func newStore() store {
	return store{
		held: map[int64]*message{}, rooms: map[string]ids{}, users: map[string]ids{}, replies: map[int64]ids{},
		talks: map[string][]pair{}, pinned: map[string]int{},
	}
}

// add gives a message its id and keeps it.
func (st *store) add(m *message) {
	st.lastID++
	m.id = st.lastID
	st.held[m.id] = m
	st.public = append(st.public, m.public())
	st.publicIDs = append(st.publicIDs, m.id)
	st.index(m)
}

// index puts a message's id into the lines of its conversation, its people and its thread.
func (st *store) index(m *message) {
	direct := m.receiverType == "user"
	if _, known := st.rooms[m.conversation]; !known && direct {
		st.talks[m.sender] = append(st.talks[m.sender], pair{m.conversation, m.receiver})
		if m.receiver != m.sender {
			st.talks[m.receiver] = append(st.talks[m.receiver], pair{m.conversation, m.sender})
		}
	}
	st.rooms[m.conversation] = append(st.rooms[m.conversation], m.id)
	st.users[m.sender] = append(st.users[m.sender], m.id)
	if direct && m.receiver != m.sender {
		st.users[m.receiver] = append(st.users[m.receiver], m.id)
	}
	if m.parent != 0 {
		st.replies[m.parent] = append(st.replies[m.parent], m.id)
	}
}

// at gives the message with an id; nil when there is none. A filled message is made anew at each call.
func (st *store) at(id int64) *message {
	if m, ok := st.held[id]; ok {
		if m.removed {
			return nil
		}
		return m
	}
	if b := st.block(id); b != nil {
		return b.message(id)
	}
	return nil
}

// find gives the message with an id as it stands in a path, to be read or changed; nil when there is none.
func (st *store) find(id string) *message {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	m := st.at(n)
	if m != nil && m.filled {
		st.held[n] = m // what is changed must be kept
	}
	return m
}

// sentAt is the time of a message in seconds, also of one that was deleted for good.
func (st *store) sentAt(id int64) int64 {
	if m, ok := st.held[id]; ok {
		return seconds(m.sentAt)
	}
	if b := st.block(id); b != nil {
		return seconds(b.sentAt(id))
	}
	return 0
}

// firstAt is the id of the first message that was sent at a time in seconds or later; ids and times rise together.
func (st *store) firstAt(sec int64) int64 {
	n := int(st.lastID)
	return int64(sort.Search(n, func(i int) bool { return st.sentAt(int64(i)+1) >= sec })) + 1
}

// change refreshes what readers see of a message.
func (st *store) change(m *message) {
	if i, ok := slices.BinarySearch(st.publicIDs, m.id); ok {
		st.public = slices.Clone(st.public)
		st.public[i] = m.public()
	}
}

// remove forgets a message for good; its replies stay.
func (st *store) remove(m *message) {
	m.removed = true
	st.held[m.id] = m
	st.removed++
	if !m.pins.at.IsZero() {
		st.pinned[m.conversation]--
	}
	if i, ok := slices.BinarySearch(st.publicIDs, m.id); ok {
		st.public = slices.Delete(slices.Clone(st.public), i, i+1)
		st.publicIDs = slices.Delete(st.publicIDs, i, i+1)
	}
	st.rooms[m.conversation] = st.rooms[m.conversation].without(m.id)
	st.users[m.sender] = st.users[m.sender].without(m.id)
	if m.receiverType == "user" {
		st.users[m.receiver] = st.users[m.receiver].without(m.id)
	}
	if m.parent != 0 {
		st.replies[m.parent] = st.replies[m.parent].without(m.id)
	}
}

// snapshot returns every committed message for reading only.
func (st *store) snapshot() []Message { return st.public[:len(st.public):len(st.public)] }

// Messages returns every message, action messages included, in id order; those of Fill are left out.
func (s *CometChat) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.store.snapshot())
}

// Thread returns the replies to a message in id order; none when there is no such message.
func (s *CometChat) Thread(root string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := strconv.ParseInt(root, 10, 64)
	if err != nil {
		return nil
	}
	var out []Message
	for _, reply := range s.store.replies[id] {
		if m := s.store.at(reply); m != nil {
			out = append(out, m.public())
		}
	}
	return out
}
