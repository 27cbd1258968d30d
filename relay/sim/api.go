package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
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

func noAPI(r *http.Request) *Error {
	return refuse(http.StatusNotFound, "ERR_API_NOT_FOUND", "The API %s %s does not exist.", r.Method, r.URL.Path)
}

// serve authenticates, counts against the app's limits, runs an endpoint and writes its answer in the documented envelope.
func (s *CometChat) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{r: r, uid: strings.ToLower(r.Header.Get("onBehalfOf")), header: w.Header()}
		if err := s.authenticate(r, rt); err != nil {
			writeError(w, err)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			writeError(w, badField("body", "The body cannot be read or is too large."))
			return
		}
		c.body = body
		ans, err := s.run(rt, c)
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, encode(ans))
	})
}

// run calls an endpoint under the lock.
func (s *CometChat) run(rt route, c *call) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.takeRequest(rt, c.header); err != nil {
		return answer{}, err
	}
	if c.uid != "" {
		if _, err := s.user(c.uid); err != nil {
			return answer{}, err
		}
	}
	return rt.do(c)
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
