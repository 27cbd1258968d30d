package rocketsim

import (
	"maps"
	"slices"
)

// Say is what a person types in the chat app.
type Say struct {
	From        string           // id or username of the person
	Room        string           // id, "#name" or "@username"; may be empty with Thread, whose room is then meant
	Text        string           // the message
	Thread      string           // id of a message whose thread is replied in; empty outside threads
	Show        bool             // show the reply in the channel, too (tshow)
	ID          string           // id of the message; default a random one as clients make them
	Attachments []map[string]any // as the API has them
	Extra       map[string]any   // further keys of the message; it is copied at its top level
}

// Say commits a message as a person's client would, and returns its id. A text that begins with names of faults in brackets, such as
// "[500-after] hello", asks for them (see [Server.Break]): they strike, once, the next request that changes something in its thread.
// A refusal is an *[Error] with what the server would answer.
func (s *Server) Say(m Say) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, err := s.person(m.From)
	if err != nil {
		return "", err
	}
	doc := map[string]any{"_id": m.ID, "msg": m.Text}
	maps.Copy(doc, m.Extra)
	if m.ID == "" {
		doc["_id"] = randomID()
	}
	if m.Thread != "" {
		doc["tmid"], doc["tshow"] = m.Thread, m.Show
	}
	for _, a := range m.Attachments {
		doc["attachments"] = append(list(doc["attachments"]), a)
	}
	if m.Room != "" {
		r := s.place(from, m.Room)
		if r == nil {
			return "", plain("error-invalid-room")
		}
		doc["rid"] = r.ID
	}
	said, err := s.execute(posting{by: from, doc: doc})
	if err != nil {
		return "", err
	}
	s.armThread(said)
	return said.ID, nil
}

// EditAs changes the text of a message as a person's client would.
func (s *Server) EditAs(who, id, text string) error {
	return s.as(who, id, func(u *user, m *message) error { return s.rewrite(m, edit{by: u, text: text}) })
}

// DeleteAs deletes a message as a person's client would. What stays of it depends on the settings and on its replies.
func (s *Server) DeleteAs(who, id string) error {
	return s.as(who, id, func(u *user, m *message) error { return s.erase(m, u) })
}

// ReactAs gives a person's reaction to a message, or takes it back; doing so twice changes nothing. The emoji is a name, with or
// without colons.
func (s *Server) ReactAs(who, id, emoji string, on bool) error {
	return s.as(who, id, func(u *user, m *message) error { return s.react(u, m, emoji, &on) })
}

// FollowAs makes a person a follower of a message's thread, or no follower any more.
func (s *Server) FollowAs(who, id string, on bool) error {
	return s.as(who, id, func(u *user, m *message) error { return s.follow(u, m.ID, "followMessage", on) })
}

func (s *Server) as(who, id string, do func(*user, *message) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(who)
	if err != nil {
		return err
	}
	m := s.store.held[id]
	if m == nil {
		return plain("No message found with the id of %q.", id)
	}
	return do(u, m)
}

// Join lets a person into a room, which leaves a system message of the type uj; somebody who is in already changes nothing.
func (s *Server) Join(who, in string) error {
	return s.move(who, in, func(r *room, u *user) {
		if !r.has(u.ID) {
			s.enrol(r, u)
		}
	})
}

// Leave takes a person out of a room, which leaves a system message of the type ul; somebody who is not in it changes nothing.
func (s *Server) Leave(who, in string) error {
	return s.move(who, in, func(r *room, u *user) {
		if !r.has(u.ID) {
			return
		}
		delete(r.members, u.ID)
		delete(r.unread, u.ID)
		r.order = slices.DeleteFunc(r.order, func(id string) bool { return id == u.ID })
		s.system(r, u, "ul", u.Username)
	})
}

func (s *Server) move(who, at string, do func(*room, *user)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.person(who)
	if err != nil {
		return err
	}
	r := s.place(u, at)
	switch {
	case s.closed:
		return ErrClosed
	case r == nil || r.Type == Direct:
		return plain("error-invalid-room")
	}
	do(r, u)
	return nil
}

// enrol makes somebody a member and says so in the room; the caller holds s.mu.
func (s *Server) enrol(r *room, u *user) {
	r.members[u.ID] = s.now()
	r.order = append(r.order, u.ID)
	s.system(r, u, "uj", u.Username)
}

// system commits a system message; the caller holds s.mu.
func (s *Server) system(r *room, u *user, kind, text string) {
	no, now := false, s.now()
	s.commit(&message{
		ID: randomID(), RID: r.ID, T: kind, Msg: text, TS: now, UpdatedAt: now, U: u.ref(), Groupable: &no,
	})
}

// Upload is a file that a person sends.
type Upload struct {
	From, Room string // as in Say
	Thread     string // id of a message whose thread it goes to; empty outside threads
	Name, Type string // of the file; Type is a media type, default application/octet-stream
	Text       string // goes with the file
	Content    []byte // it is copied
}

// Upload sends a file to a room and returns the id of its message.
func (s *Server) Upload(f Upload) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, err := s.person(f.From)
	if err != nil {
		return "", err
	}
	r := s.place(from, f.Room)
	if r == nil {
		return "", plain("error-invalid-room")
	}
	if f.Type == "" {
		f.Type = "application/octet-stream"
	}
	doc := map[string]any{"_id": randomID(), "msg": f.Text}
	if f.Thread != "" {
		doc["tmid"] = f.Thread
	}
	up := s.keepFile(r.ID, from, fileRef{Name: f.Name, Type: f.Type}, slices.Clone(f.Content))
	m, err := s.postFile(from, up, doc)
	if err != nil {
		delete(s.files, up.ID)
		return "", err
	}
	return m.ID, nil
}
