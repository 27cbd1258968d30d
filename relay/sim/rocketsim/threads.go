package rocketsim

import "slices"

// markUnread notes that a thread has something new for those who follow it; the caller holds s.mu.
func (s *Server) markUnread(root *message, but string) {
	r := s.rooms[root.RID]
	if r == nil {
		return
	}
	for _, uid := range root.Replies {
		if uid != but && r.has(uid) && !slices.Contains(r.unread[uid], root.ID) {
			r.unread[uid] = append(r.unread[uid], root.ID)
		}
	}
}

// markRead notes that someone has read a thread; the caller holds s.mu.
func (s *Server) markRead(r *room, uid, root string) {
	r.unread[uid] = slices.DeleteFunc(r.unread[uid], func(id string) bool { return id == root })
}

// follow makes someone a follower of a message's thread, or no follower any more (Rocket.Chat: followMessage.ts, unfollowMessage.ts);
// the caller holds s.mu.
func (s *Server) follow(u *user, id, method string, on bool) error {
	if s.cfg.Settings.NoThreads {
		return refuseIn(method, "error-not-allowed", "not-allowed")
	}
	m := s.store.held[id]
	if m == nil {
		return refuseIn(method, "error-invalid-message", "Invalid message")
	}
	r := s.rooms[m.RID]
	if r == nil || !s.mayRead(u, r) {
		return refuseIn(method, "error-not-allowed", "not-allowed")
	}
	root := s.store.held[m.root()]
	if root == nil {
		return nil
	}
	c := root.clone()
	if on {
		c.Replies = united(root.Replies, []string{u.ID})
	} else {
		c.Replies = slices.DeleteFunc(slices.Clone(root.Replies), func(uid string) bool { return uid == u.ID })
		s.markRead(r, u.ID, root.ID)
	}
	s.change(change{Kind: updated, Message: c, By: u.ref()})
	return nil
}

// react gives or takes back a reaction (Rocket.Chat: setReaction.ts); should nil toggles it. The caller holds s.mu.
func (s *Server) react(u *user, m *message, emoji string, should *bool) error {
	if s.closed {
		return ErrClosed
	}
	name, err := s.emoji(emoji)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(m.Reactions, func(r reaction) bool { return r.Emoji == name })
	has := i >= 0 && slices.Contains(m.Reactions[i].Usernames, u.Username)
	if should != nil && has == *should {
		return nil
	}
	r := s.rooms[m.RID]
	switch {
	case r == nil:
		return refuseIn("setReaction", "error-not-allowed", "Not allowed")
	case !s.mayRead(u, r):
		return refuseIn("setReaction", "not-authorized", "Not Authorized")
	case r.ReadOnly && !s.canIn(u, r, "post-readonly"):
		return plain("You can't send messages because the room is readonly.")
	}
	c := m.clone()
	c.Reactions = reacted(m.Reactions, name, u.Username, !has)
	s.change(change{Kind: updated, Message: c, By: u.ref()})
	return nil
}

// reacted is a copy of reactions with one more or one less.
func reacted(all []reaction, emoji, username string, on bool) []reaction {
	var out []reaction
	found := false
	for _, r := range all {
		names := slices.Clone(r.Usernames)
		if r.Emoji == emoji {
			found = true
			if on {
				names = append(names, username)
			} else {
				names = slices.DeleteFunc(names, func(n string) bool { return n == username })
			}
		}
		if len(names) > 0 {
			out = append(out, reaction{r.Emoji, names})
		}
	}
	if on && !found {
		out = append(out, reaction{emoji, []string{username}})
	}
	return out
}
