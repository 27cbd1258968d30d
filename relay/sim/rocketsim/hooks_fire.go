package rocketsim

import (
	"encoding/json"
	"time"
)

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

// hookBody is what an outgoing webhook is sent (Rocket.Chat: triggerHandler.ts, mapEventArgsToData). What is not about a message
// has nothing but the token and bot, by a fault of the real server.
type hookBody struct {
	Token       string  `json:"token"`
	Bot         any     `json:"bot"`
	TriggerWord string  `json:"trigger_word,omitempty"`
	ChannelID   string  `json:"channel_id,omitempty"`
	ChannelName string  `json:"channel_name,omitempty"`
	MessageID   string  `json:"message_id,omitempty"`
	Timestamp   any     `json:"timestamp,omitempty"`
	UserID      string  `json:"user_id,omitempty"`
	UserName    string  `json:"user_name,omitempty"`
	Text        *string `json:"text,omitempty"`
	SiteURL     string  `json:"siteUrl,omitempty"`
	Alias       string  `json:"alias,omitempty"`
	IsEdited    bool    `json:"isEdited,omitempty"`
	TMID        string  `json:"tmid,omitempty"`
	User        any     `json:"user,omitempty"`
	Room        any     `json:"room,omitempty"`
	Message     any     `json:"message,omitempty"`
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
	file := c.Message.File != nil && (c.Before == nil || c.Before.File == nil)
	switch {
	case c.Kind == inserted && (c.Message.T == "uj" || c.Message.T == "au"):
		return []string{"roomJoined"}
	case c.Kind == inserted && (c.Message.T == "ul" || c.Message.T == "ru"):
		return []string{"roomLeft"}
	case c.Message.T != "":
		return nil
	case c.Kind == inserted && file:
		return []string{"sendMessage", "fileUploaded"}
	case c.Kind == inserted, c.Kind == edited:
		return []string{"sendMessage"}
	case c.Kind == updated && file:
		return []string{"fileUploaded"}
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

// hookBody is what an integration is told of an event; the caller holds s.mu.
func (s *Server) hookBody(in *integration, e hookEvent, word string) hookBody {
	b := hookBody{Token: in.Token, Bot: false, TriggerWord: word}
	m, c := e.message, s.cfg.Hooks
	if m == nil {
		return b
	}
	b.ChannelID, b.ChannelName, b.MessageID, b.Timestamp = e.room.ID, e.room.Name, m.ID, hookTime(m)
	b.UserID, b.UserName, b.Text, b.Alias = m.U.ID, m.U.Username, &m.Msg, m.Alias
	if truthy(m.Bot) {
		b.Bot = true
		if c.BotObject {
			b.Bot = m.Bot
		}
	}
	if e.name == "fileUploaded" {
		b.User, b.Room, b.Message = s.hookUser(m.U.ID), s.hookRoom(e.room), m.doc(isoDate)
		return b
	}
	if !c.BotObject {
		b.SiteURL = s.cfg.SiteURL
	}
	if !c.NoTMID {
		b.TMID = m.TMID
	}
	b.IsEdited = !m.EditedAt.IsZero()
	return b
}

// hookTime is a message's ts, which may be what its sender wrote.
func hookTime(m *message) any {
	if m.TSRaw != nil {
		return m.TSRaw
	}
	return isoDate(m.TS)
}

// hookUser is a user's document as webhooks are told it: without the secrets under "services". The caller holds s.mu.
func (s *Server) hookUser(uid string) any {
	u := s.users[uid]
	if u == nil {
		return nil
	}
	return map[string]any{
		"_id": u.ID, "username": u.Username, "name": u.Name, "roles": u.Roles, "type": "user", "active": true,
		"createdAt": isoDate(u.createdAt),
	}
}

// hookRoom is a room's document as webhooks are told it; the caller holds s.mu.
func (s *Server) hookRoom(f *firedRoom) any {
	d := map[string]any{"_id": f.ID, "t": f.Type, "usersCount": len(f.members)}
	if f.Name != "" {
		d["name"], d["fname"] = f.Name, f.Name
	}
	if f.Type == Direct {
		var uids, usernames []string
		for _, u := range f.members {
			uids, usernames = append(uids, u.ID), append(usernames, u.Username)
		}
		d["uids"], d["usernames"] = uids, usernames
	}
	if r := s.rooms[f.ID]; r != nil {
		d["ts"], d["_updatedAt"], d["msgs"] = isoDate(r.createdAt), isoDate(r.updatedAt), r.count
	}
	return d
}

const (
	powersOfTen     = "powers-of-ten"
	powersOfTwo     = "powers-of-two"
	incrementsOfTwo = "increments-of-two"
)

// retryWait is how long the server waits after an attempt has failed, before the next; tries counts the failed ones before it. It
// is false for a delay that it does not know, which ends the attempts.
func retryWait(delay string, tries int) (time.Duration, bool) {
	const longest = 1 << 62 // nanoseconds
	var step, factor time.Duration
	switch delay {
	case powersOfTen, "":
		step, factor = 100*time.Millisecond, 10
	case powersOfTwo:
		step, factor = 2*time.Second, 2
	case incrementsOfTwo:
		return time.Duration(min(tries, 1<<30)+1) * 2 * time.Second, true
	default:
		return 0, false
	}
	for range tries {
		if step > longest/factor {
			return longest, true
		}
		step *= factor
	}
	return step, true
}
