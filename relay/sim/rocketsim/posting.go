package rocketsim

import (
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// posting is a message on its way in.
type posting struct {
	by   *user          // who posts
	room *room          // where; ignored by execute, which goes by doc
	doc  map[string]any // the message as it came, with JSON's types: msg, tmid, alias, attachments, … and keys that nobody knows
}

// execute commits a message as the server's executeSendMessage does for chat.sendMessage and for what people type: the room and the
// thread are found from rid and tmid, and the sender must be allowed to post there. The caller holds s.mu.
func (s *Server) execute(p posting) (*message, error) {
	if s.closed {
		return nil, ErrClosed
	}
	if err := s.checkPosting(p); err != nil {
		return nil, err
	}
	rid, tmid := text(p.doc["rid"]), text(p.doc["tmid"])
	if parent := s.store.held[tmid]; tmid != "" && parent != nil {
		p.doc["tmid"], rid = parent.root(), parent.RID
	}
	if rid == "" {
		return nil, plain("The 'rid' property on the message object is missing.")
	}
	p.room = s.rooms[rid]
	if err := s.mayPost(p.by, p.room); err != nil {
		return nil, err
	}
	return s.post(p)
}

// checkPosting is what executeSendMessage checks before it looks for the room.
func (s *Server) checkPosting(p posting) error {
	tmid := text(p.doc["tmid"])
	switch {
	case p.doc["tshow"] == true && tmid == "":
		return refuseIn("sendMessage", "invalid-params", "tshow provided but missing tmid")
	case tmid != "" && s.cfg.Settings.NoThreads:
		return refuseIn("sendMessage", "error-not-allowed", "not-allowed")
	}
	if err := s.checkTime(p.doc); err != nil {
		return err
	}
	msg := text(p.doc["msg"])
	if s.cfg.Version >= 8 {
		msg = strings.ReplaceAll(msg, "\x00", "")
		p.doc["msg"] = msg
		if strings.TrimSpace(msg) == "" && len(list(p.doc["attachments"])) == 0 && len(list(p.doc["blocks"])) == 0 {
			return refuseIn("sendMessage", "error-invalid-message", "Message cannot be empty")
		}
	}
	if units(msg) > s.cfg.Settings.MaxAllowedSize {
		return refuseIn("sendMessage", "error-message-size-exceeded", "Message size exceeds Message_MaxAllowedSize")
	}
	return nil
}

// checkTime looks at a ts that the sender wrote: further than 60 seconds off is refused, further than 10 is replaced, and nearer (or
// unreadable) stays as it was written.
func (s *Server) checkTime(doc map[string]any) error {
	const tooFar, far = time.Minute, 10 * time.Second
	at, ok := parseAny(doc["ts"])
	if !ok {
		return nil
	}
	switch off := s.now().Sub(at).Abs(); {
	case off > tooFar:
		return refuseIn("sendMessage", "error-message-ts-out-of-sync", "Message timestamp is out of sync")
	case off > far:
		delete(doc, "ts")
	}
	return nil
}

// post commits a message as the server's library function sendMessage does for webhooks and uploads, and tells of it: tmid is taken as it
// is, and nothing is checked but the message itself. The caller holds s.mu. A refusal is an *[Error].
func (s *Server) post(p posting) (*message, error) {
	if s.closed {
		return nil, ErrClosed
	}
	if err := s.checkMessage(p); err != nil {
		return nil, err
	}
	m := s.build(p)
	if _, taken := s.store.held[m.ID]; taken {
		return nil, duplicate()
	}
	s.commit(m)
	s.join(m)
	return m, nil
}

// build makes the document of a message. Keys that the server sets itself win over what came; keys that it does not know stay.
func (s *Server) build(p posting) *message {
	now := s.now()
	m := &message{
		ID: text(p.doc["_id"]), RID: p.room.ID, Msg: text(p.doc["msg"]), T: text(p.doc["t"]), TMID: text(p.doc["tmid"]),
		TShow: p.doc["tshow"] == true, TS: now, UpdatedAt: now, U: p.by.ref(), Alias: text(p.doc["alias"]),
		Avatar: text(p.doc["avatar"]), Emoji: text(p.doc["emoji"]), Attachments: list(p.doc["attachments"]),
		Blocks: list(p.doc["blocks"]), Bot: p.doc["bot"], CustomFields: object(p.doc["customFields"]),
		Hidden: p.doc["_hidden"] == true,
	}
	if m.ID == "" {
		m.ID = objectID()
	}
	if ts := p.doc["ts"]; ts != nil && ts != "" {
		m.TS, m.TSRaw = time.Time{}, ts
	}
	if groupable, ok := p.doc["groupable"].(bool); ok {
		m.Groupable = &groupable
	}
	if file, ok := p.doc["file"].(*fileRef); ok {
		m.File, m.Files = file, []fileRef{*file}
	}
	for key, value := range p.doc {
		if !slices.Contains(known(), key) && value != nil {
			if m.Extra == nil {
				m.Extra = map[string]any{}
			}
			m.Extra[key] = value
		}
	}
	s.read(p.by, m)
	return m
}

// known lists the keys of a message that are kept in fields of their own or set by the server.
func known() []string {
	return []string{
		"_id", "rid", "msg", "t", "tmid", "tshow", "ts", "u", "_updatedAt", "alias", "avatar", "emoji", "attachments", "blocks", "bot",
		"customFields", "groupable", "file", "files", "_hidden", "mentions", "channels", "urls", "md", "parseUrls",
	}
}

// commit keeps a new message and tells it; the caller holds s.mu.
func (s *Server) commit(m *message) {
	s.store.insert(m)
	if r := s.rooms[m.RID]; r != nil && !m.Hidden {
		r.last, r.updatedAt = m, m.UpdatedAt
		r.count++
	}
	if !m.Hidden {
		s.tell(change{Kind: inserted, Message: m, By: m.U})
	}
}

// join does the bookkeeping of a thread for a new reply: its root gets one more reply, its time, and the people who follow (Rocket.Chat:
// server/lib/messaging/threads/functions.ts). A thread without a root has none.
func (s *Server) join(m *message) {
	root := s.store.held[m.TMID]
	if m.TMID == "" || root == nil {
		return
	}
	follow := []string{}
	for _, named := range m.Mentions {
		if r := s.rooms[m.RID]; r != nil && r.has(named.ID) {
			follow = append(follow, named.ID)
		}
	}
	if len(root.Replies) == 0 {
		follow = append(follow, root.U.ID)
	}
	c := root.clone()
	c.Replies = united(root.Replies, append(follow, m.U.ID))
	c.TCount++
	c.TLM, c.TLMRaw, c.HasThread = m.TS, m.TSRaw, true
	s.markUnread(c, m.U.ID)
	s.change(change{Kind: rootBumped, Message: c, By: m.U})
}

// change puts a changed clone of a message in its place, with a new _updatedAt, and tells it; the caller holds s.mu.
func (s *Server) change(c change) {
	c.Before = s.store.held[c.Message.ID]
	c.Message.UpdatedAt = s.now()
	s.store.replace(c.Message)
	if r := s.rooms[c.Message.RID]; r != nil && r.last == c.Before {
		r.last = c.Message
	}
	s.tell(c)
}

// units is the length of a text in UTF-16 code units, as JavaScript counts it.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// united is a list and what is new in others, in their order; the list is not changed.
func united(all, others []string) []string {
	out := slices.Clone(all)
	for _, one := range others {
		if !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}
