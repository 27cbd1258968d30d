package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	maxBody     = 1 << 20 // bytes of a request that are read at all
	keptBody    = 64 << 10
	apiRoot     = "/v3"
	contentJSON = "application/json"
)

// call is one authenticated request.
type call struct {
	r      *http.Request
	uid    string // onBehalfOf, an existing user; empty is the app
	body   []byte
	header http.Header // of the answer
}

func (c *call) path(name string) string { return c.r.PathValue(name) }

// actor is the uid that an action is recorded under.
func (c *call) actor() string {
	if c.uid == "" {
		return systemUID
	}
	return c.uid
}

// decode reads a JSON body; an empty one leaves v alone.
func (c *call) decode(v any) error {
	if utf8.RuneCount(c.body) > maxPayload {
		return badField("body", "The body may not be greater than %d characters.", maxPayload)
	}
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(c.body))
	dec.UseNumber()
	err := dec.Decode(v)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "data":
		return refuse(http.StatusBadRequest, "ERR_INVALID_MESSAGE_DATA", "The data of the message must be an object.")
	case errors.As(err, &wrong):
		return badField(wrong.Field, "The %s field has the wrong type.", wrong.Field)
	case err != nil:
		return badField("body", "The body is not valid JSON.")
	}
	return nil
}

// answer is what an endpoint answers with; meta and cursor are left out when nil.
type answer struct {
	Data   any `json:"data"`
	Meta   any `json:"meta,omitempty"`
	Cursor any `json:"cursor,omitempty"`
}

// endpoint does the work of one route; it runs with s.mu held.
type endpoint func(c *call) (answer, error)

func (s *CometChat) newAPI() http.Handler {
	routes := map[string]endpoint{
		"POST /messages":                          s.sendMessage,
		"GET /messages":                           s.listMessages,
		"GET /messages/{id}":                      s.getMessage,
		"PUT /messages/{id}":                      s.updateMessage,
		"DELETE /messages/{id}":                   s.deleteMessage,
		"POST /messages/{id}/thread":              s.sendThread,
		"GET /messages/{id}/thread":               s.listThread,
		"GET /messages/{id}/reactions":            s.listReactions,
		"GET /messages/{id}/reactions/{emoji}":    s.listReactions,
		"POST /messages/{id}/reactions/{emoji}":   s.addReaction,
		"DELETE /messages/{id}/reactions/{emoji}": s.removeReaction,
		"GET /users/{uid}/messages":               s.listUserMessages,
		"GET /groups/{guid}/messages":             s.listGroupMessages,
		"POST /bots/{uid}/messages":               s.sendAsBot,
		"GET /users":                              s.listUsers,
		"POST /users":                             s.createUser,
		"GET /users/{uid}":                        s.getUser,
		"GET /groups":                             s.listGroups,
		"POST /groups":                            s.createGroup,
		"GET /groups/{guid}":                      s.getGroup,
		"GET /groups/{guid}/members":              s.listMembers,
		"POST /groups/{guid}/members":             s.addMembers,
	}
	mux := http.NewServeMux()
	for pattern, e := range routes {
		method, at, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+apiRoot+at, s.serve(e))
	}
	unknown := s.serve(func(c *call) (answer, error) { return answer{}, noAPI(c.r) })
	mux.Handle("/", unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path { // the mux would redirect
			s.serveAPI(unknown, w, r)
			return
		}
		s.serveAPI(mux, w, r)
	})
}

func noAPI(r *http.Request) *Error {
	return refuse(http.StatusNotFound, "ERR_API_NOT_FOUND", "The API %s %s does not exist.", r.Method, r.URL.Path)
}

// serve authenticates, runs an endpoint and writes its answer in the documented envelope.
func (s *CometChat) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{r: r, uid: strings.ToLower(r.Header.Get("onBehalfOf")), header: w.Header()}
		if err := s.authenticate(r); err != nil {
			writeError(w, err)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			writeError(w, badField("body", "The body cannot be read or is too large."))
			return
		}
		c.body = body
		ans, err := s.run(e, c)
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, encode(ans))
	})
}

// run calls an endpoint under the lock.
func (s *CometChat) run(e endpoint, c *call) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.uid != "" {
		if _, err := s.user(c.uid); err != nil {
			return answer{}, err
		}
	}
	return e(c)
}

func (s *CometChat) authenticate(r *http.Request) error {
	switch r.Header.Get("apikey") {
	case "":
		return refuse(http.StatusUnauthorized, "AUTH_ERR_EMPTY_APIKEY", "The apikey header is missing; please provide an API key.")
	case s.cfg.APIKey:
		return nil
	}
	return refuse(http.StatusUnauthorized, "AUTH_ERR_APIKEY_NOT_FOUND", "The API key does not exist; please use a correct API key.")
}

func writeError(w http.ResponseWriter, err error) {
	refused := asError(err)
	writeJSON(w, refused.Status, encode(refused.wire()))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", contentJSON)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone away has nothing to be told
}
