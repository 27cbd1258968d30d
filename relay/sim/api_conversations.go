package sim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// GET /conversations lists the conversations of onBehalfOf, or those of all users one after the other, in the page style.
func (s *CometChat) listConversations(c *call) (answer, error) {
	q := c.r.URL.Query()
	l, err := parseListing(without(q, "tags", "unread"), listing{size: defaultPerPage})
	if err != nil {
		return answer{}, err
	}
	q = c.r.URL.Query()
	uids := []string{c.uid}
	if c.uid == "" {
		uids = slices.Sorted(slices.Values(s.order))
	}
	type seen struct {
		uid string
		talk
	}
	var found []seen
	for _, uid := range uids {
		for _, t := range s.talks(uid) {
			if s.wantsTalk(q, uid, t) {
				found = append(found, seen{uid, t})
			}
		}
	}
	rows := []wireConversation{}
	for _, f := range pageOf(found, l) {
		w := s.renderTalk(f.uid, f.talk)
		if !truth(q, "withTags") {
			w.Tags = nil
		}
		rows = append(rows, s.dressTalk(q, f.talk, w))
	}
	meta := pageMeta{Pagination: newPagination(len(rows), l, len(found))}
	meta.Pagination.Total = len(found) // this one example has it
	return answer{Data: rows, Meta: meta}, nil
}

// wantsTalk applies the filters of GET /conversations.
func (s *CometChat) wantsTalk(q url.Values, uid string, t talk) bool {
	shares := func(want, have []string) bool {
		return len(want) == 0 || slices.ContainsFunc(want, func(tag string) bool { return slices.Contains(have, tag) })
	}
	kind := "user"
	var tags []string
	name := t.with
	userTags, groupTags := csv(q, "userTags"), csv(q, "groupTags")
	if t.group {
		kind = "group"
		if g := s.groups[t.with]; g != nil {
			name, tags = g.name, g.tags
		}
		userTags = nil
	} else {
		if p := s.people[t.with]; p != nil {
			name, tags = p.Name, p.tags
		}
		groupTags = nil
	}
	switch {
	case q.Get("conversationType") != "" && q.Get("conversationType") != kind:
		return false
	case !shares(csv(q, "tags"), s.markOf(uid, t.room).tags), !shares(userTags, tags), !shares(groupTags, tags):
		return false
	case truth(q, "unread") && s.unread(uid, t.room, filter{}) == 0:
		return false
	}
	return named(q.Get("searchKey"), t.with, name)
}

// dressTalk adds the tags of the user or group when they are asked for.
func (s *CometChat) dressTalk(q url.Values, t talk, w wireConversation) wireConversation {
	switch with := w.ConversationWith.(type) {
	case wireGroup:
		if !truth(q, "withUserAndGroupTags") {
			with.Tags = nil
		}
		w.ConversationWith = with
	case wireUser:
		if p := s.people[t.with]; p != nil && truth(q, "withUserAndGroupTags") {
			with.Tags = p.tags
		}
		w.ConversationWith = with
	}
	return w
}

// talkOf finds the conversation of onBehalfOf that a path names by user or group (…/conversation).
func (s *CometChat) talkOf(c *call) (talk, error) {
	if c.uid == "" {
		return talk{}, required("onBehalfOf")
	}
	if guid := c.path("guid"); guid != "" {
		g, err := s.group(guid)
		if err != nil {
			return talk{}, err
		}
		if !g.has(c.uid) {
			return talk{}, notJoined(c.uid, g.guid)
		}
		return talk{room: groupConversation(g.guid), group: true, with: g.guid}, nil
	}
	p, err := s.user(c.path("uid"))
	if err != nil {
		return talk{}, err
	}
	return talk{room: userConversation(c.uid, p.UID), with: p.UID}, nil
}

// openTalk is talkOf for a conversation that must have messages.
func (s *CometChat) openTalk(c *call) (talk, error) {
	t, err := s.talkOf(c)
	if err == nil && s.newest(t.room) <= s.markOf(c.uid, t.room).cleared {
		err = noConversationAccess(t.room)
	}
	return t, err
}

func noConversationAccess(id string) *Error {
	return refuse(http.StatusForbidden, "ERR_CONVERSATION_NOT_ACCESSIBLE", "The conversation %s is not accessible.", id)
}

// GET /users/{uid}/conversation and /groups/{guid}/conversation.
func (s *CometChat) getTalk(c *call) (answer, error) {
	t, err := s.openTalk(c)
	if err != nil {
		return answer{}, err
	}
	return s.oneTalk(c, t), nil
}

// oneTalk answers with a conversation, as an object or in an array.
func (s *CometChat) oneTalk(c *call, t talk) answer {
	w := s.renderTalk(c.uid, t)
	if s.cfg.ConversationArray {
		return answer{Data: []wireConversation{w}}
	}
	return answer{Data: w}
}

// PUT …/conversation sets the tags.
func (s *CometChat) tagTalk(c *call) (answer, error) {
	var b struct {
		Tags []string `json:"tags"`
	}
	t, err := s.openTalk(c)
	if err != nil {
		return answer{}, err
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	if b.Tags == nil {
		return answer{}, required("tags")
	}
	s.markIn(c.uid, t.room).tags = b.Tags
	return s.oneTalk(c, t), nil
}

// DELETE …/conversation resets the conversation for onBehalfOf: it is listed again with its next message.
func (s *CometChat) resetTalk(c *call) (answer, error) {
	var b struct {
		ForGood bool `json:"deleteMessagesPermanently"`
	}
	if err := c.decode(&b); err != nil {
		return answer{}, err
	}
	t, err := s.openTalk(c)
	if err != nil {
		return answer{}, err
	}
	return s.clear(c, t, b.ForGood), nil
}

func (s *CometChat) clear(c *call, t talk, forGood bool) answer {
	s.markIn(c.uid, t.room).cleared = s.newest(t.room)
	if forGood {
		for _, id := range slices.Clone(s.store.rooms[t.room]) {
			if m := s.store.at(id); m != nil {
				s.store.remove(m)
			}
		}
	}
	s.touch()
	return done("The conversation %s has been deleted successfully for UID %s.", t.room, c.uid)
}

// done is the answer to what has no data of its own.
func done(format string, args ...any) answer {
	return answer{Data: map[string]any{"success": true, "message": fmt.Sprintf(format, args...)}}
}

// GET /conversations/{id}, deprecated by the platform.
func (s *CometChat) getConversation(c *call) (answer, error) {
	t, err := s.byConversationID(c)
	if err != nil {
		return answer{}, err
	}
	return s.oneTalk(c, t), nil
}

// DELETE /conversations/{id}, deprecated by the platform.
func (s *CometChat) deleteConversation(c *call) (answer, error) {
	t, err := s.byConversationID(c)
	if err != nil {
		return answer{}, err
	}
	return s.clear(c, t, false), nil
}

func (s *CometChat) byConversationID(c *call) (talk, error) {
	if c.uid == "" {
		return talk{}, required("onBehalfOf")
	}
	id := strings.ToLower(c.path("conversation"))
	for _, t := range s.talks(c.uid) {
		if t.room == id {
			return t, nil
		}
	}
	if s.newest(id) == 0 {
		return talk{}, refuse(http.StatusNotFound, "ERR_CONVERSATION_NOT_FOUND", "The conversation %s does not exist.", id)
	}
	return talk{}, noConversationAccess(id)
}

// POST …/conversation/read and …/conversation/delivered mark a whole conversation for onBehalfOf.
func (s *CometChat) readTalk(c *call) (answer, error) { return s.markTalk(c, readReceipts()) }

func (s *CometChat) deliverTalk(c *call) (answer, error) { return s.markTalk(c, deliveredReceipts()) }

func (s *CometChat) markTalk(c *call, k receiptKind) (answer, error) {
	t, err := s.talkOf(c)
	if err != nil {
		return answer{}, err
	}
	p, err := s.user(c.uid)
	if err != nil {
		return answer{}, err
	}
	var last *message
	walk([]line{s.store.rooms[t.room]}, bounds{0, s.store.lastID + 1}, true, func(id int64) bool {
		if m := s.store.at(id); m != nil && countable(m, c.uid) {
			last = m
		}
		return last != nil
	})
	if last != nil {
		s.acknowledge(p, last, k)
	}
	if t.group {
		return done("All the messages in group %s are marked as %s for the user %s.", t.with, k.action, c.uid), nil
	}
	text := fmt.Sprintf("All the messages from the user %s are marked as %s for the user %s.", t.with, k.action, c.uid)
	return answer{Data: map[string]any{"success": true, "Message": text}}, nil // the documents write this one with a capital
}
