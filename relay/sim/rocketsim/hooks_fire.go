package rocketsim

import "encoding/json"

// firedRoom is a room as it was when something fired webhooks in it.
type firedRoom struct {
	Room
	members []userRef
}

// hookEvent is something that webhooks may be told.
type hookEvent struct {
	name    string
	message *message // nil for what is not about a message
	room    *firedRoom
	fault   *DeliveryFault // that the message's text asks for
}

// fireChange fires what a change of the message collection means to webhooks; the caller holds s.mu.
func (s *Server) fireChange(c change) {
	m := c.Message
	if len(s.integrations) == 0 || s.rooms[m.RID] == nil {
		return
	}
	room := s.firedRoom(m.RID)
	for _, name := range hookEventsOf(c) {
		e := hookEvent{name: name, room: room, message: m, fault: s.askedDelivery(m)}
		if name == "roomJoined" || name == "roomLeft" {
			e.message = nil
		}
		s.fire(e)
	}
}

// hookEventsOf names the events that a change is. System messages are no messages to webhooks, but some say who came and went; a
// file's post is two events.
func hookEventsOf(c change) []string {
	switch {
	case c.Kind == inserted && (c.Message.T == "uj" || c.Message.T == "au"):
		return []string{"roomJoined"}
	case c.Kind == inserted && (c.Message.T == "ul" || c.Message.T == "ru"):
		return []string{"roomLeft"}
	case c.Message.T != "":
		return nil
	case c.Kind == inserted && c.Message.File != nil:
		return []string{"sendMessage", "fileUploaded"}
	case c.Kind == inserted, c.Kind == edited:
		return []string{"sendMessage"}
	}
	return nil
}

// firedRoom is a room that there is, as webhooks are told of it. The caller holds s.mu.
func (s *Server) firedRoom(rid string) *firedRoom {
	r := s.rooms[rid]
	f := &firedRoom{Room: r.Room}
	for _, uid := range r.order {
		if u := s.users[uid]; u != nil {
			f.members = append(f.members, u.ref())
		}
	}
	return f
}

// fireBare fires an event that is not about a message: roomCreated, roomArchived or userCreated. The caller holds s.mu.
func (s *Server) fireBare(name string) {
	s.fire(hookEvent{name: name})
}

// fire sends an event on its way to every integration that wants it, with the body as it is now; the caller holds s.mu.
func (s *Server) fire(e hookEvent) {
	sender, text, wasEdited := "", "", false
	if e.message != nil {
		sender, text, wasEdited = e.message.U.Username, e.message.Msg, !e.message.EditedAt.IsZero()
	}
	for _, in := range s.integrations {
		word, ok := "", true
		if e.name == "sendMessage" {
			word, ok = in.word(text)
		}
		if !in.Enabled || in.Event != e.name || !ok || wasEdited && !in.RunOnEdits || !anywhere(e.name) && !in.covers(e.room, sender) {
			continue
		}
		body, err := json.Marshal(s.hookBody(in, e, word))
		if err != nil {
			s.cfg.Log.Error("webhook cannot be written", "integration", in.ID, "error", err)
			continue
		}
		j := hookJob{integration: in.ID, event: e.name, body: body}
		if e.message != nil {
			j.message, j.rid, j.author = e.message.ID, e.message.RID, sender
		}
		for _, at := range in.URLs {
			j.url = at
			s.dispatch(j, e.fault)
		}
	}
}
