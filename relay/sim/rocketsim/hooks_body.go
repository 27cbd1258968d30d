package rocketsim

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
