package rocketsim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// sendMessage is POST chat.sendMessage.
func (s *Server) sendMessage(c *call) (map[string]any, error) {
	doc := withoutNulls(object(c.params["message"]))
	if systemType(text(doc["t"])) {
		return nil, plain("Cannot send system messages using 'chat.sendMessage'")
	}
	m, err := s.execute(posting{by: c.user, doc: doc})
	if err != nil {
		return nil, err
	}
	return map[string]any{"message": m.doc(isoDate)}, nil
}

// withoutNulls is a copy of an object without the keys that are null.
func withoutNulls(o map[string]any) map[string]any {
	out := maps.Clone(o)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	if out == nil {
		out = map[string]any{}
	}
	return out
}

// postMessage is POST chat.postMessage: it posts to one room or several and answers the first; the id is the server's. Unlike
// chat.sendMessage it takes tmid as it is (Rocket.Chat: processWebhookMessage.ts).
func (s *Server) postMessage(c *call) (map[string]any, error) {
	b := withoutNulls(c.params)
	most := s.cfg.Settings.MaxAllowedSize
	tooLong := units(text(b["text"])) > most
	for _, one := range list(b["attachments"]) {
		tooLong = tooLong || units(text(object(one)["text"])) > most
	}
	if tooLong {
		return nil, plain("error-message-size-exceeded")
	}
	where := texts(b["roomId"])
	if where == nil {
		where = texts(b["channel"])
	}
	doc := postDoc(b)
	var rooms []*room
	for _, at := range where {
		r, err := s.enterRoom(c.user, at)
		if err == nil {
			err = s.mayPost(c.user, r)
		}
		if err == nil {
			err = s.checkMessage(posting{by: c.user, room: r, doc: doc})
		}
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, r)
	}
	var first *message
	for _, r := range rooms {
		m, err := s.post(posting{by: c.user, room: r, doc: maps.Clone(doc)})
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = m
		}
	}
	if first == nil {
		return nil, plain("unknown-error")
	}
	return map[string]any{"ts": s.now().UnixMilli(), "channel": where[0], "message": first.doc(isoDate)}, nil
}

// postDoc is the message that the parameters of chat.postMessage make.
func postDoc(b map[string]any) map[string]any {
	doc := map[string]any{"msg": strings.TrimSpace(text(b["text"])), "attachments": []any{}, "groupable": false}
	for _, key := range []string{"alias", "attachments", "tmid", "customFields"} {
		if v, ok := b[key]; ok {
			doc[key] = v
		}
	}
	if text(b["avatar"]) != "" {
		doc["avatar"] = b["avatar"]
	} else if text(b["emoji"]) != "" {
		doc["emoji"] = b["emoji"]
	}
	return doc
}

// enterRoom finds the room of a chat.postMessage: by id, name, "#name" or "@user", whose direct room is made if there is none. Into a
// public channel the poster is let in, which everybody there sees.
func (s *Server) enterRoom(u *user, at string) (*room, error) {
	r := s.place(u, at)
	if name, ok := strings.CutPrefix(at, "@"); r == nil && ok {
		if other := s.names[name]; other != nil {
			return s.makeDirect(u, other), nil
		}
	}
	if r == nil {
		return nil, refuse("invalid-channel", "")
	}
	if r.Type == Channel && !r.has(u.ID) && s.can(u, "view-c-room") {
		s.enrol(r, u)
	}
	return r, nil
}

// updateMessage is POST chat.update.
func (s *Server) updateMessage(c *call) (map[string]any, error) {
	m, err := s.named(c, "msgId")
	if err != nil {
		return nil, err
	}
	e := edit{by: c.user, text: c.text("text"), forced: c.has("previewUrls"), custom: object(c.params["customFields"])}
	if err := s.rewrite(m, e); err != nil {
		return nil, err
	}
	return map[string]any{"message": s.store.held[m.ID].doc(isoDate)}, nil
}

// named finds the message of an update or deletion, whose room the request must name, too.
func (s *Server) named(c *call, key string) (*message, error) {
	m := s.store.held[c.text(key)]
	switch {
	case m == nil:
		return nil, plain("No message found with the id of %q.", c.text(key))
	case m.RID != c.text("roomId"):
		return nil, plain("The room id provided does not match where the message is from.")
	}
	return m, nil
}

// deleteMessage is POST chat.delete.
func (s *Server) deleteMessage(c *call) (map[string]any, error) {
	m, err := s.doomed(c)
	if err != nil {
		return nil, err
	}
	by := c.user
	if c.params["asUser"] == true && m.U.ID != by.ID {
		if r := s.rooms[m.RID]; r == nil || !s.canIn(by, r, "force-delete-message") {
			return nil, plain("Unauthorized. You must have the permission \"force-delete-message\" to delete other's message as them.")
		}
		if by = s.users[m.U.ID]; by == nil {
			return nil, plain("User not found")
		}
	}
	if err := s.erase(m, by); err != nil {
		return nil, err
	}
	return map[string]any{
		"_id": m.ID, "ts": strconv.FormatInt(s.now().UnixMilli(), 10),
		"message": map[string]any{"_id": m.ID, "rid": m.RID, "u": m.U},
	}, nil
}

// doomed finds the message that a request wants deleted, by its own id or by that of its file.
func (s *Server) doomed(c *call) (*message, error) {
	file := c.text("fileId")
	if file == "" {
		return s.named(c, "msgId")
	}
	if up := s.files[file]; up != nil {
		if m := s.store.held[up.message]; m != nil {
			return m, nil
		}
	}
	return nil, plain("No message found with the file id: %q.", file)
}

// reactMessage is POST chat.react; without shouldReact it toggles.
func (s *Server) reactMessage(c *call) (map[string]any, error) {
	m := s.store.held[c.text("messageId")]
	if m == nil {
		return nil, refuse("error-message-not-found", `The provided "messageId" does not match any existing message.`)
	}
	emoji := c.text("emoji") + c.text("reaction")
	if emoji == "" {
		return nil, refuse("error-emoji-param-not-provided", `The required "emoji" param is missing.`)
	}
	var should *bool
	if b, ok := c.params["shouldReact"].(bool); ok {
		should = &b
	}
	return nil, s.react(c.user, m, emoji, should)
}

func (s *Server) followMessage(c *call) (map[string]any, error) {
	return nil, s.follow(c.user, c.text("mid"), "followMessage", true)
}

func (s *Server) unfollowMessage(c *call) (map[string]any, error) {
	return nil, s.follow(c.user, c.text("mid"), "unfollowMessage", false)
}

// readThread is POST chat.readThread.
func (s *Server) readThread(c *call) (map[string]any, error) {
	_, r, err := s.thread(c, c.text("tmid"))
	if err != nil {
		return nil, err
	}
	s.markRead(r, c.user.ID, c.text("tmid"))
	return nil, nil
}

// makeDirect makes the direct room of two users; the caller holds s.mu.
func (s *Server) makeDirect(u, other *user) *room {
	ids := slices.Compact([]string{u.ID, other.ID})
	r := s.newRoom(Room{ID: directID(u.ID, other.ID), Type: Direct}, ids)
	s.rooms[r.ID] = r
	s.roomOrder = append(s.roomOrder, r.ID)
	return r
}
