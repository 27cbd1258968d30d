package rocketsim

import "net/http"

// mountRealtime puts the realtime endpoint into the mux.
func (s *Server) mountRealtime(*http.ServeMux) {}
