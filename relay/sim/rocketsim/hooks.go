package rocketsim

// startHooks begins to deliver outgoing webhooks; it is called once, at the end of New, without s.mu.
func (s *Server) startHooks() {}
