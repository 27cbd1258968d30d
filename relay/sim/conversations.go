package sim

import (
	"cmp"
	"slices"
	"strconv"
)

// talk is a conversation as one user sees it.
type talk struct {
	room  string // conversation id
	group bool
	with  string // guid, or uid of the other
}

// talks lists a user's conversations that have messages, the one with the newest message first; the caller holds s.mu.
func (s *CometChat) talks(uid string) []talk {
	var found []talk
	for _, p := range s.store.talks[uid] {
		found = append(found, talk{room: p.conversation, with: p.with})
	}
	for guid := range s.joined[uid] {
		found = append(found, talk{room: groupConversation(guid), group: true, with: guid})
	}
	found = slices.DeleteFunc(found, func(t talk) bool { return s.newest(t.room) <= s.markOf(uid, t.room).cleared })
	slices.SortFunc(found, func(a, b talk) int {
		return cmp.Or(cmp.Compare(s.store.sentAt(s.newest(b.room)), s.store.sentAt(s.newest(a.room))), cmp.Compare(a.with, b.with))
	})
	return found
}

// newest is the id of a conversation's last message; 0 without one.
func (s *CometChat) newest(room string) int64 {
	l := s.store.rooms[room]
	if len(l) == 0 {
		return 0
	}
	return l[len(l)-1]
}

type wireConversation struct {
	ConversationID     string      `json:"conversationId"`
	ConversationType   string      `json:"conversationType"`
	UnreadMessageCount string      `json:"unreadMessageCount"`
	CreatedAt          int64       `json:"createdAt"`
	UpdatedAt          int64       `json:"updatedAt"`
	LastMessage        wireMessage `json:"lastMessage"`
	ConversationWith   any         `json:"conversationWith"`
	Tags               []string    `json:"tags,omitempty"`
}

// renderTalk renders a conversation that has a message.
func (s *CometChat) renderTalk(uid string, t talk) wireConversation {
	v := view{viewer: uid}
	line := s.store.rooms[t.room]
	last := s.store.at(s.newest(t.room))
	w := wireConversation{
		ConversationID: t.room, ConversationType: "user", UnreadMessageCount: strconv.Itoa(s.unread(uid, t.room, filter{})),
		CreatedAt: s.store.sentAt(line[0]), UpdatedAt: seconds(last.sentAt), LastMessage: s.renderMessage(last, v),
		Tags: s.markOf(uid, t.room).tags,
	}
	if t.group {
		w.ConversationType = "group"
		if g := s.groups[t.with]; g != nil {
			w.ConversationWith = s.renderGroup(g, v)
		}
		return w
	}
	w.ConversationWith = s.userEntity(t.with, t.room, v).Entity
	return w
}
