package rocketsim

import "net/http"

// mountPage puts the chat page into the mux.
func (s *Server) mountPage(*http.ServeMux) {}
