package sim

import (
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strconv"
	"time"
)

// Message is one message as it stands now. Action messages, which record edits, deletions and membership changes in the stream,
// have the category "action". Times are zero where they do not apply.
type Message struct {
	ID, MUID, ParentID, ConversationID, Sender, ReceiverType, Receiver, Category, Type, Text string

	Metadata                    json.RawMessage // data.metadata; nil when there is none
	SentAt, EditedAt, DeletedAt time.Time
}

type message struct {
	id, parent          int64 // parent is 0 outside threads
	muid, conversation  string
	sender, receiver    string
	receiverType        string // user or group
	category, kind      string
	data                map[string]any  // as sent, never with entities, mentions or reactions
	first               json.RawMessage // data of the webhook message_sent; nil for action messages
	tags                []string
	act                 *act // of action messages
	reactions           []reaction
	rest                bool // made through REST
	sentAt, updatedAt   time.Time
	editedAt, deletedAt time.Time
	editedBy, deletedBy string
}

// act is what an action message tells: who did what, on a message as it was then or on a person.
type act struct {
	name string // edited, deleted, added
	by   string
	on   *message // of edits and deletions
	whom string   // uid, of membership changes
}

type reaction struct {
	id    int64
	emoji string
	uid   string
	at    time.Time
}

func (m *message) key() string { return strconv.FormatInt(m.id, 10) }

func (m *message) text() string {
	text, _ := m.data["text"].(string)
	return text
}

func (m *message) public() Message {
	p := Message{
		ID: m.key(), MUID: m.muid, ConversationID: m.conversation, Sender: m.sender, ReceiverType: m.receiverType,
		Receiver: m.receiver, Category: m.category, Type: m.kind, Text: m.text(),
		SentAt: m.sentAt, EditedAt: m.editedAt, DeletedAt: m.deletedAt,
	}
	if m.parent != 0 {
		p.ParentID = strconv.FormatInt(m.parent, 10)
	}
	if meta, ok := m.data["metadata"]; ok {
		p.Metadata = encode(meta)
	}
	return p
}

// store keeps the messages. Its owner's lock guards it.
type store struct {
	all          []*message // in id order
	public       []Message  // the same, as values; shared with readers: grown by appending, copied before any other change
	byID         map[int64]*message
	byRoom       map[string][]*message // by conversation id
	replies      map[int64][]*message  // by parent id
	lastID       int64
	lastReaction int64
}

func newStore() store {
	return store{byID: map[int64]*message{}, byRoom: map[string][]*message{}, replies: map[int64][]*message{}}
}

func (st *store) add(m *message) {
	st.lastID++
	m.id = st.lastID
	st.all = append(st.all, m)
	st.public = append(st.public, m.public())
	st.byID[m.id] = m
	st.byRoom[m.conversation] = append(st.byRoom[m.conversation], m)
	if m.parent != 0 {
		st.replies[m.parent] = append(st.replies[m.parent], m)
	}
}

func (st *store) find(id string) *message {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	return st.byID[n]
}

func (st *store) index(id int64) int {
	return sort.Search(len(st.all), func(i int) bool { return st.all[i].id >= id })
}

// change refreshes what readers see of a message.
func (st *store) change(m *message) {
	st.public = slices.Clone(st.public)
	st.public[st.index(m.id)] = m.public()
}

// remove forgets a message for good; its replies stay.
func (st *store) remove(m *message) {
	i := st.index(m.id)
	st.all = slices.Delete(st.all, i, i+1)
	st.public = slices.Delete(slices.Clone(st.public), i, i+1)
	delete(st.byID, m.id)
	is := func(other *message) bool { return other == m }
	st.byRoom[m.conversation] = slices.DeleteFunc(st.byRoom[m.conversation], is)
	if m.parent != 0 {
		st.replies[m.parent] = slices.DeleteFunc(st.replies[m.parent], is)
	}
}

// snapshot returns every message for reading only.
func (st *store) snapshot() []Message { return st.public[:len(st.public):len(st.public)] }

// Messages returns every message, action messages included, in id order.
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
	for _, m := range s.store.replies[id] {
		out = append(out, m.public())
	}
	return out
}

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
