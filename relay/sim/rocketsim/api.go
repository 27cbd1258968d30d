package rocketsim

import "net/http"

// mountAPI puts the REST API and downloads into the mux.
func (s *Server) mountAPI(*http.ServeMux) {}
