package relaytest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Handler serves the API of the fake platform.
func (w *world) Handler() http.Handler {
	mux := http.NewServeMux()
	serve := func(pattern string, h func(r *http.Request) (any, string)) {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) {
			w.mu.Lock()
			data, code := h(r)
			w.mu.Unlock()
			if r.Header.Get("X-Key") != fakeKey {
				data, code = nil, "bad_key"
			}
			rw.Header().Set("Content-Type", "application/json")
			if code != "" {
				kind, body := refuseFake(0, code, "no")
				write(rw, map[string]int{"bad_key": 401, "bad_json": 400, "gone": 404, "no_user": 404}[code], kind, body)
				return
			}
			_ = json.NewEncoder(rw).Encode(map[string]any{"data": data})
		})
	}
	serve("GET /log", w.serveLog)
	serve("GET /messages", w.serveHistory)
	serve("GET /find", w.serveFind)
	serve("POST /messages", w.servePost)
	serve("GET /messages/{id}", w.about(func(m *message, _ *http.Request) {}))
	serve("PUT /messages/{id}", w.about(func(m *message, r *http.Request) {
		var in message
		if json.NewDecoder(r.Body).Decode(&in) == nil {
			w.edit(m, in.Text)
		}
	}))
	serve("DELETE /messages/{id}", w.about(func(m *message, _ *http.Request) { w.remove(m) }))
	serve("PUT /messages/{id}/reactions/{what}", w.about(func(m *message, r *http.Request) {
		m.Reactions[r.PathValue("what")] = true
	}))
	serve("DELETE /messages/{id}/reactions/{what}", w.about(func(m *message, r *http.Request) { delete(m.Reactions, r.PathValue("what")) }))
	serve("GET /users/{id}", func(r *http.Request) (any, string) {
		if name, ok := w.names[r.PathValue("id")]; ok {
			return map[string]string{"Name": name}, ""
		}
		return nil, "no_user"
	})
	serve("GET /members", func(r *http.Request) (any, string) {
		q := r.URL.Query()
		group := slices.Contains([]string{"bot", "ann", "ben"}, q.Get("user")) && q.Get("in") == "group/eng"
		return map[string]bool{"Member": group || q.Get("in") == "user/ann" && slices.Contains([]string{"bot", "ann"}, q.Get("user"))}, ""
	})
	return mux
}

func (w *world) about(do func(m *message, r *http.Request)) func(r *http.Request) (any, string) {
	return func(r *http.Request) (any, string) {
		m := w.find(r.PathValue("id"))
		if m == nil {
			return nil, "gone"
		}
		do(m, r)
		return m, ""
	}
}

func number(q url.Values, name string) int {
	n, _ := strconv.Atoi(q.Get(name)) // none is 0
	return n
}

// page is an answer with rows.
type rows[T any] struct {
	Rows  []T
	Limit int
}

// page cuts rows off at the limit, and turns them round where that is wanted.
func page[T any](w *world, all []T, q url.Values) rows[T] {
	limit := number(q, "limit")
	if w.pageSize > 0 {
		limit = min(limit, w.pageSize)
	}
	p := rows[T]{Rows: slices.Clone(all[:min(limit, len(all))]), Limit: limit}
	if w.newestFirst {
		slices.Reverse(p.Rows)
	}
	return p
}

// serveLog lists what happened to a source after a number, or tells the number of the last thing before a time.
func (w *world) serveLog(r *http.Request) (any, string) {
	q := r.URL.Query()
	source, after := q.Get("source"), number(q, "after")
	last := 0
	var list []happened
	for _, h := range w.log {
		root, ofThread := strings.CutPrefix(source, "thread/")
		switch {
		case strings.HasSuffix(h.Type, "reacted"), ofThread && strconv.Itoa(h.Message.Parent) != root:
		case !ofThread && source != "all" && source != h.Message.Conversation:
		case q.Has("before") && h.At < int64(number(q, "before")):
			last = h.Seq
		case h.Seq > after:
			list = append(list, h)
		}
	}
	if q.Has("before") {
		return rows[happened]{Limit: last}, ""
	}
	return page(w, list, q), ""
}

// serveHistory lists messages from the first or, with back, from the last on.
func (w *world) serveHistory(r *http.Request) (any, string) {
	q := r.URL.Query()
	root, cursor, back := number(q, "root"), number(q, "cursor"), q.Has("back")
	if root != 0 && w.find(q.Get("root")) == nil {
		return nil, "gone"
	}
	var list []message
	for _, m := range w.messages {
		inside := root == 0 && m.Conversation == q.Get("in") || root != 0 && (m.ID == root || m.Parent == root)
		behind := cursor == 0 || m.ID > cursor && !back || m.ID < cursor && back
		if inside && behind {
			list = append(list, *m)
		}
	}
	if back {
		slices.Reverse(list)
	}
	return page(w, list, q), ""
}

// serveFind lists what an action has become.
func (w *world) serveFind(r *http.Request) (any, string) {
	list := []message{}
	for _, m := range w.messages {
		if m.Action == r.URL.Query().Get("action") {
			list = append(list, *m)
		}
	}
	return list, ""
}

// servePost takes a message in, which may be shown as somebody else's.
func (w *world) servePost(r *http.Request) (any, string) {
	var in message
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		return nil, "bad_json"
	}
	if in.Parent != 0 && w.find(strconv.Itoa(in.Parent)) == nil {
		return nil, "gone"
	}
	for _, m := range w.messages {
		if w.native && m.Action == in.Action && m.Part == in.Part {
			return m, ""
		}
	}
	in.Sender, in.Name = "bot", in.Alias // an alias is shown with this one message
	if in.As != "" {
		in.Sender = in.As
		if in.Alias != "" {
			w.names[in.As] = in.Alias
		}
	}
	in.As, in.Alias = "", ""
	return w.add(in), ""
}
