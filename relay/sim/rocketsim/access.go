package rocketsim

// sees tells whether a user may read a room (and so subscribe to its stream): members always, others only public channels, with
// the permission for it. It takes s.mu.
func (s *Server) sees(uid, rid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, r := s.users[uid], s.rooms[rid]
	return u != nil && r != nil && s.mayRead(u, r)
}

// mayRead is sees for a caller that holds s.mu.
func (s *Server) mayRead(u *user, r *room) bool {
	return r.has(u.ID) || r.Type == Channel && s.can(u, "view-c-room")
}
