package rocketchat

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeChat is as much of a Rocket.Chat as sending needs. It answers as the documents say, and counts its calls.
type fakeChat struct {
	t  *testing.T
	mu sync.Mutex
	// docs are the messages, in the order in which they were sent.
	docs []map[string]any
	// calls are all requests.
	calls []fakeCall
	// impersonate is whether aliases are allowed; noUploads refuses files.
	impersonate, noUploads bool
	// before may answer in the place of the chat; after is told that the chat has done what was asked, and may lose the answer.
	before, after func(w http.ResponseWriter, c fakeCall) bool
	clock         time.Time
	uploads       map[string]map[string]any
}

type fakeCall struct {
	route string
	r     *http.Request
	body  map[string]any
}

// Rooms and users of the fake chat.
const (
	fakeRoom  = "GENERAL"
	otherRoom = "otherRoomId000001"
	fakeAna   = "anaUserId00000001"
)

func newFakeChat(t *testing.T) (*fakeChat, *Connection) {
	f := &fakeChat{t: t, impersonate: true, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), uploads: map[string]map[string]any{}}
	return f, serve(t, f.serve)
}

// say has Ana say something, and returns the id.
func (f *fakeChat) say(id, room, thread, text string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(map[string]any{"_id": id, "rid": room, "msg": text, "u": map[string]any{"_id": fakeAna, "username": "ana"}}, thread)
	return id
}

// meddle sets what meddles with the calls.
func (f *fakeChat) meddle(before, after func(http.ResponseWriter, fakeCall) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

// doc returns a message, or nil.
func (f *fakeChat) doc(id string) map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.find(id)
}

// texts are what all messages say, in order.
func (f *fakeChat) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, d := range f.docs {
		all = append(all, d["msg"].(string))
	}
	return all
}

// count is how often a route was called.
func (f *fakeChat) count(route string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.calls {
		if c.route == route {
			n++
		}
	}
	return n
}

func (f *fakeChat) find(id string) map[string]any {
	for _, d := range f.docs {
		if d["_id"] == id {
			return d
		}
	}
	return nil
}

func (f *fakeChat) add(d map[string]any, thread string) {
	f.clock = f.clock.Add(time.Second)
	d["ts"], d["_updatedAt"] = formatTime(f.clock), formatTime(f.clock)
	if thread != "" {
		d["tmid"] = thread
	}
	f.docs = append(f.docs, d)
}

func (f *fakeChat) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	route, _, _ := strings.Cut(name, "/")
	c := fakeCall{route: route, r: r}
	if r.Header.Get("Content-Type") == "application/json" {
		_ = json.NewDecoder(r.Body).Decode(&c.body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, c)
	if r.Header.Get("X-User-Id") != testUser || r.Header.Get("X-Auth-Token") != testToken {
		f.t.Errorf("%s without credentials", route)
	}
	for _, forbidden := range []string{"query", "fields"} {
		if r.URL.Query().Has(forbidden) {
			f.t.Errorf("%s with the parameter %q", route, forbidden)
		}
	}
	if f.before != nil && f.before(w, c) {
		return
	}
	status, answer := f.do(c, strings.Split(name, "/")[1:])
	if f.after != nil && f.after(w, c) {
		return
	}
	answer["success"] = status == http.StatusOK
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

type object = map[string]any

func refuse(text, code string) (int, object) {
	a := object{}
	if text != "" {
		a["error"] = text
	}
	if code != "" {
		a["error"], a["errorType"] = text+" ["+code+"]", code
	}
	return http.StatusBadRequest, a
}

func (f *fakeChat) do(c fakeCall, path []string) (int, object) {
	q := c.r.URL.Query()
	switch c.route {
	case "chat.sendMessage":
		return f.send(c.body["message"].(object))
	case "chat.getMessage":
		if d := f.find(q.Get("msgId")); d != nil {
			return 200, object{"message": d}
		}
		return refuse("", "")
	case "chat.update", "chat.delete", "chat.react":
		return f.change(c)
	case "chat.getThreadMessages":
		return f.list(q.Get("offset"), func(d object) bool { return d["tmid"] == q.Get("tmid") })
	case "channels.history":
		return f.list(q.Get("offset"), func(d object) bool {
			return d["rid"] == q.Get("roomId") && d["tmid"] == nil && d["ts"].(string) >= q.Get("oldest") && (q.Get("latest") == "" || d["ts"].(string) <= q.Get("latest"))
		})
	case "rooms.get":
		return 200, object{"update": []object{{"_id": "direct-zoe", "t": "d", "usernames": []string{"zoe", "helper"}}}}
	case "rooms.info":
		return 200, object{"room": object{"_id": fakeRoom, "t": "c", "name": "general"}}
	case "im.create":
		return 200, object{"room": object{"t": "d", "rid": "direct-" + c.body["username"].(string)}}
	case "users.info":
		if q.Get("userId") == fakeAna || q.Get("username") == "ana.b" {
			return 200, object{"user": object{"_id": fakeAna, "username": "ana.b"}}
		}
		return refuse("User not found.", "")
	case "me":
		return 200, object{"_id": testUser, "username": "helper", "roles": []string{"user", "bot"}}
	case "rooms.media":
		return f.upload(c)
	case "rooms.mediaConfirm":
		return f.confirm(c, path)
	}
	return 404, object{"error": "Resource not found"}
}

func (f *fakeChat) send(d object) (int, object) {
	text, _ := d["msg"].(string)
	switch {
	case (d["alias"] != nil || d["avatar"] != nil) && !f.impersonate:
		return refuse("Not enough permission", "")
	case utf16Len(text) > maxText:
		return refuse("Message size exceeds Message_MaxAllowedSize", "error-message-size-exceeded")
	case f.find(d["_id"].(string)) != nil:
		return refuse("Cannot read properties of undefined (reading 'starred')", "")
	}
	thread, _ := d["tmid"].(string)
	d["u"] = object{"_id": testUser, "username": "helper"}
	f.add(d, thread)
	return 200, object{"message": d}
}

func (f *fakeChat) change(c fakeCall) (int, object) {
	id, _ := c.body["msgId"].(string)
	if c.route == "chat.react" {
		id = c.body["messageId"].(string)
	}
	d := f.find(id)
	switch {
	case d == nil && c.route == "chat.react":
		return refuse(`The provided "messageId" does not match any existing message.`, "error-message-not-found")
	case d == nil:
		return refuse(`No message found with the id of "`+id+`".`, "")
	case c.route != "chat.react" && d["rid"] != c.body["roomId"]:
		return refuse("The room id provided does not match where the message is from.", "")
	}
	f.clock = f.clock.Add(time.Second)
	switch c.route {
	case "chat.update":
		if d["msg"] != c.body["text"] {
			d["msg"], d["editedAt"], d["editedBy"] = c.body["text"], formatTime(f.clock), d["u"]
		}
		return 200, object{"message": d}
	case "chat.delete":
		f.docs = slices.DeleteFunc(f.docs, func(o object) bool { return o["_id"] == id })
		return 200, object{"_id": id, "ts": strconv.FormatInt(f.clock.UnixMilli(), 10)}
	}
	name := c.body["emoji"].(string)
	if name == "nosuch" || strings.HasSuffix(name, "_tone3") {
		return refuse("Invalid emoji provided.", "error-not-allowed")
	}
	d["reactions"] = object{}
	if c.body["shouldReact"] == true {
		d["reactions"] = object{":" + name + ":": object{"usernames": []string{"helper"}}}
	}
	return 200, object{}
}

// list returns messages, the newest first.
func (f *fakeChat) list(offset string, is func(object) bool) (int, object) {
	var rows []object
	for _, d := range slices.Backward(f.docs) {
		if is(d) {
			rows = append(rows, d)
		}
	}
	n, _ := strconv.Atoi(offset)
	return 200, object{"messages": rows[min(n, len(rows)):], "total": len(rows)}
}

func (f *fakeChat) upload(c fakeCall) (int, object) {
	if f.noUploads {
		return refuse("File uploads are disabled", "error-file-upload-disabled")
	}
	form, err := c.r.MultipartReader()
	if err != nil {
		f.t.Error(err)
		return refuse("no form", "")
	}
	part, err := form.NextPart()
	if err != nil || part.FormName() != "file" {
		return refuse("no file", "")
	}
	content, err := io.ReadAll(part)
	if err != nil { // whoever uploads has given up
		return refuse("cut off", "")
	}
	id := "file" + strconv.Itoa(len(f.uploads))
	f.uploads[id] = object{"_id": id, "name": part.FileName(), "type": part.Header.Get("Content-Type"), "size": len(content)}
	return 200, object{"file": object{"_id": id, "url": "/file-upload/" + id}}
}

func (f *fakeChat) confirm(c fakeCall, path []string) (int, object) {
	if c.body["alias"] != nil && !f.impersonate {
		return refuse("Not enough permission", "")
	}
	d := object{"_id": "made" + strconv.Itoa(len(f.docs)), "rid": path[0], "msg": "", "u": object{"_id": testUser, "username": "helper"}}
	for key, value := range c.body {
		d[key] = value
	}
	d["file"], d["files"] = f.uploads[path[1]], []any{f.uploads[path[1]]}
	thread, _ := c.body["tmid"].(string)
	f.add(d, thread)
	return 200, object{"message": d}
}
