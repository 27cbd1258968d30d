package rocketsim

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// apiRoot is where the REST API is.
const apiRoot = "/api/v1/"

// endpoint does the work of a route and returns what its answer says besides success; the caller holds s.mu.
type endpoint func(c *call) (map[string]any, error)

// route is one endpoint with what holds for it.
type route struct {
	do     endpoint
	schema *schema // of the query for GET, of the body for POST; nil takes anything
	open   bool    // needs no login
	bare   bool    // its answer does not say success
	since  int     // the first version that has it
	sends  bool    // has the rate limit of chat.sendMessage
}

// call is one request on its way through an endpoint.
type call struct {
	r      *http.Request
	user   *user          // nil where the route is open
	params map[string]any // the query's for GET, whose values are strings; the body's for POST
	path   []string       // what follows the route's name in the path
	body   []byte         // as it came
}

// text is a parameter as a string; "" when it is missing or none.
func (c *call) text(name string) string { return text(c.params[name]) }

// has tells whether a parameter came.
func (c *call) has(name string) bool { _, ok := c.params[name]; return ok }

// mountAPI puts the REST API and downloads into the mux.
func (s *Server) mountAPI(mux *http.ServeMux) {
	routes := s.routes()
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { s.serve(routes, w, r) })
	mux.HandleFunc(filePath, func(w http.ResponseWriter, r *http.Request) { s.serve(routes, w, r) })
}

// routeOf is the name of a request's route, and what follows it in the path.
func routeOf(r *http.Request) (string, []string) {
	if r.URL.Path == "/api/info" {
		return "info", nil
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, filePath); ok {
		return "file-upload", strings.Split(rest, "/")
	}
	rest, ok := strings.CutPrefix(r.URL.Path, apiRoot)
	if !ok || path.Clean(r.URL.Path) != r.URL.Path {
		return "", nil
	}
	parts := strings.Split(rest, "/")
	return parts[0], parts[1:]
}

// work answers a request into the recorder.
func (s *Server) work(routes map[string]route, rec *recorder, r *http.Request, body []byte) {
	name, rest := routeOf(r)
	if name == "file-upload" {
		s.download(rec, r, rest)
		return
	}
	rt, ok := routes[r.Method+" "+name]
	takesPath := strings.HasPrefix(name, "rooms.media")
	if !ok || rt.since > s.cfg.Version || len(rest) > 0 && !takesPath {
		s.refuse(rec, &Error{Status: http.StatusNotFound, Reason: "Resource not found"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{r: r, params: params(r, body), path: rest, body: body}
	out, err := s.run(rt, rec, c)
	if err != nil {
		s.refuse(rec, err)
		return
	}
	answer := map[string]any{}
	maps.Copy(answer, out)
	if !rt.bare {
		answer["success"] = true
	}
	rec.json(http.StatusOK, answer)
}

// run takes a call through login, rate limit and schema to its endpoint; the caller holds s.mu. From 9 on the schema comes before the
// rate limit, so that a request that is not valid costs nothing.
func (s *Server) run(rt route, rec *recorder, c *call) (map[string]any, error) {
	c.user = s.authenticate(c.r.Header.Get("X-User-Id"), c.r.Header.Get("X-Auth-Token"))
	if c.user == nil && !rt.open {
		return nil, &Error{Status: http.StatusUnauthorized, Reason: "You must be logged in to do this."}
	}
	steps := []func() error{
		func() error { return s.limit(rt, rec, c) },
		func() error { return rt.schema.validate(c.params, c.r.Method == http.MethodGet) },
	}
	if s.cfg.Version >= 9 {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return rt.do(c)
}

// authenticate finds the user of a pair of headers; nil when they do not belong together. The caller holds s.mu.
func (s *Server) authenticate(id, secret string) *user {
	if id == "" || secret == "" {
		return nil
	}
	t, ok := s.tokens[hashToken(secret)]
	if !ok || t.userID != id {
		return nil
	}
	return s.users[id]
}

// params reads what a request carries: the query of a GET, else a body of JSON or of a form.
func params(r *http.Request, body []byte) map[string]any {
	if r.Method == http.MethodGet {
		return values(r.URL.Query())
	}
	switch kind := r.Header.Get("Content-Type"); {
	case strings.Contains(kind, "application/json"):
		return decode(body)
	case strings.Contains(kind, "application/x-www-form-urlencoded"):
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return map[string]any{}
		}
		return values(form)
	}
	return map[string]any{}
}

// values are the values of a query: one is a string, several are an array.
func values(q url.Values) map[string]any {
	out := map[string]any{}
	for name, all := range q {
		name, isList := strings.CutSuffix(name, "[]")
		if len(all) == 1 && !isList {
			out[name] = all[0]
			continue
		}
		many := make([]any, len(all))
		for i, one := range all {
			many[i] = one
		}
		out[name] = many
	}
	return out
}

// address is where a request comes from, without the port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// refuse writes a refusal.
func (s *Server) refuse(rec *recorder, err error) {
	status, body := asError(err).answer(s.cfg.Version)
	rec.json(status, body)
}

// recorder keeps an answer until it is known what becomes of it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (rec *recorder) json(status int, body any) {
	rec.header.Set("Content-Type", "application/json")
	rec.header.Set("Cache-Control", "no-store")
	rec.header.Set("Pragma", "no-cache")
	rec.status = status
	e := json.NewEncoder(&rec.body)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		rec.status = http.StatusInternalServerError
		rec.body.Reset()
		_, _ = io.WriteString(&rec.body, `{"success":false,"error":"Internal server error"}`)
	}
}
