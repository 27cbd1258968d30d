package rocketchat

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeSpace is as much of a workspace as reading needs: rooms with messages that people send, edit, react to and delete. It
// answers as the server's source says, and counts its calls.
type fakeSpace struct {
	t     *testing.T
	mu    sync.Mutex
	rooms []object
	users map[string]string // usernames by id
	docs  map[string]object
	trash []object
	clock time.Time
	// page is how many rows a page has at most; 0 leaves that to the call.
	page  int
	calls map[string]int
	// fail may answer in the place of the workspace.
	fail func(w http.ResponseWriter, route string, r *http.Request) bool
	// limit has it tell of a rate limit.
	limit int
	wire  *fakeWire
	url   string
}

const (
	spaceChannel = "GENERAL"
	spaceGroup   = "groupRoomId000001"
	spaceDirect  = fakeAna + testUser
	zoe          = "zoeUserId00000001"
)

func newFakeSpace(t *testing.T) *fakeSpace {
	f := &fakeSpace{
		t: t, docs: map[string]object{}, calls: map[string]int{}, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		users: map[string]string{fakeAna: "ana", zoe: "zoe", testUser: "helper"},
		rooms: []object{
			{"_id": spaceChannel, "t": "c", "name": "general"},
			{"_id": spaceGroup, "t": "p", "name": "crew"},
			{"_id": spaceDirect, "t": "d", "uids": []string{fakeAna, testUser}, "usernames": []string{"ana", "helper"}},
			{"_id": "visitorRoomId0001", "t": "l"},
		},
	}
	f.wire = &fakeWire{f: f}
	return f
}

// connect makes a connection to the workspace.
func (f *fakeSpace) connect() *Connection {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.url == "" {
		srv := httptest.NewServer(http.HandlerFunc(f.serve))
		f.t.Cleanup(srv.Close)
		f.url = srv.URL
	}
	return newConnection(f.t, func(cfg *Config) { cfg.URL = f.url })
}

func (f *fakeSpace) tick() time.Time {
	f.clock = f.clock.Add(time.Millisecond)
	return f.clock
}

// pass has time go by.
func (f *fakeSpace) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = f.clock.Add(d)
}

// touch makes a change to a document known.
func (f *fakeSpace) touch(d object) {
	d["_updatedAt"] = formatTime(f.tick())
	f.wire.document(d)
}

// say has somebody say something, with fields of the document besides; a nil removes one.
func (f *fakeSpace) say(user, room, id, text string, more object) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := object{
		"_id": id, "rid": room, "msg": text, "ts": formatTime(f.tick()), "mentions": []any{},
		"u": object{"_id": user, "username": f.users[user], "name": strings.ToUpper(f.users[user])},
	}
	maps.Copy(d, more)
	f.docs[id] = d
	f.touch(d)
	if root := f.docs[text2(d["tmid"])]; root != nil {
		n, _ := root["tcount"].(int)
		root["tcount"], root["tlm"] = n+1, d["ts"]
		f.touch(root)
	}
	return id
}

func text2(v any) string {
	s, _ := v.(string)
	return s
}

// reply has somebody reply.
func (f *fakeSpace) reply(user, room, root, id, text string) string {
	return f.say(user, room, id, text, object{"tmid": root})
}

// change changes a document.
func (f *fakeSpace) change(id string, do func(d object)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(f.docs[id])
	f.touch(f.docs[id])
}

func (f *fakeSpace) edit(id, text string) {
	f.change(id, func(d object) { d["msg"], d["editedAt"], d["editedBy"] = text, formatTime(f.tick()), d["u"] })
}

// react sets who uses an emoji on a message.
func (f *fakeSpace) react(id, emoji string, usernames ...string) {
	f.change(id, func(d object) {
		all, _ := d["reactions"].(object)
		all = maps.Clone(all)
		if all == nil {
			all = object{}
		}
		all[emoji] = object{"usernames": usernames}
		if len(usernames) == 0 {
			delete(all, emoji)
		}
		d["reactions"] = all
	})
}

// remove deletes a message: with a tombstone if it has replies.
func (f *fakeSpace) remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.docs[id]
	if d["tcount"] != nil {
		d["t"], d["msg"], d["editedAt"], d["reactions"] = "rm", "", formatTime(f.tick()), object{}
		f.touch(d)
		return
	}
	delete(f.docs, id)
	f.trash = append(f.trash, object{"_id": id, "_deletedAt": formatTime(f.tick()), "rid": d["rid"], "tmid": d["tmid"], "u": d["u"]})
	f.wire.notice(text2(d["rid"])+"/deleteMessage", object{"_id": id})
}

// called returns how often each route was called since it was asked last, and the sum.
func (f *fakeSpace) called() (map[string]int, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls, sum := f.calls, 0
	f.calls = map[string]int{}
	for _, n := range calls {
		sum += n
	}
	return calls, sum
}

func (f *fakeSpace) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/websocket" {
		f.wire.serve(w, r)
		return
	}
	route := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[route]++
	if f.limit > 0 {
		w.Header().Set("X-RateLimit-Limit", strconv.Itoa(f.limit))
		w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(f.limit-1))
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
	}
	if f.fail != nil && f.fail(w, route, r) {
		return
	}
	q := r.URL.Query()
	status, a := f.do(route, func(key string) string { return q.Get(key) })
	a["success"] = status == http.StatusOK
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a)
}

func (f *fakeSpace) do(route string, q func(string) string) (int, object) {
	switch route {
	case "chat.syncMessages":
		return 200, object{"result": f.sync(q)}
	case "chat.syncThreadMessages":
		if f.docs[q("tmid")] == nil {
			return refuse("Invalid Message", "error-invalid-message")
		}
		in := func(d object) bool { return d["tmid"] == q("tmid") }
		return 200, object{"messages": object{"update": after(f.all(in), "_updatedAt", q("updatedSince")), "remove": after(filter(f.trash, in), "_deletedAt", q("updatedSince"))}}
	case "chat.getThreadMessages":
		if f.docs[q("tmid")] == nil {
			return refuse("Invalid Message", "error-invalid-message")
		}
		return f.listed(f.all(func(d object) bool { return d["tmid"] == q("tmid") }), q)
	case "channels.messages", "groups.messages", "im.messages":
		return f.listed(f.all(func(d object) bool { return d["rid"] == q("roomId") && d["_hidden"] == nil }), q)
	case "chat.getMessage":
		if d := f.docs[q("msgId")]; d != nil {
			return 200, object{"message": d}
		}
		return refuse("", "")
	case "rooms.get":
		return 200, object{"update": f.rooms, "remove": []any{}}
	case "rooms.info":
		for _, room := range append([]object{{"_id": "publicRoomId00001", "t": "c", "name": "public"}}, f.rooms...) {
			if room["_id"] == q("roomId") || room["name"] == q("roomName") {
				return 200, object{"room": room}
			}
		}
		return refuse("The required \"roomId\" or \"roomName\" param provided does not match any channel", "error-room-not-found")
	case "users.info":
		for id, name := range f.users {
			if id == q("userId") || name == q("username") {
				return 200, object{"user": object{"_id": id, "username": name, "name": strings.ToUpper(name)}}
			}
		}
		return refuse("User not found.", "")
	}
	return 404, object{"error": "Resource not found"}
}

// all returns documents by the time of their change.
func (f *fakeSpace) all(is func(object) bool) []object {
	rows := filter(slices.Collect(maps.Values(f.docs)), is)
	slices.SortFunc(rows, func(a, b object) int { return strings.Compare(text2(a["_updatedAt"]), text2(b["_updatedAt"])) })
	return rows
}

func filter(rows []object, is func(object) bool) []object {
	var out []object
	for _, d := range rows {
		if is(d) {
			out = append(out, d)
		}
	}
	return out
}

// after returns the rows whose time lies after another.
func after(rows []object, key, since string) []object {
	return filter(rows, func(d object) bool { return text2(d[key]) > since })
}

// sync answers chat.syncMessages in its ways.
func (f *fakeSpace) sync(q func(string) string) object {
	live := f.all(func(d object) bool { return d["rid"] == q("roomId") && d["_hidden"] == nil })
	gone := filter(f.trash, func(d object) bool { return d["rid"] == q("roomId") })
	bare := func(rows []object) []object {
		var out []object
		for _, d := range rows {
			out = append(out, object{"_id": d["_id"], "_deletedAt": d["_deletedAt"]})
		}
		return out
	}
	if since := q("lastUpdate"); since != "" {
		rows := after(live, "_updatedAt", since)
		slices.SortStableFunc(rows, func(a, b object) int { return strings.Compare(text2(b["ts"]), text2(a["ts"])) })
		return object{"updated": rows, "deleted": bare(after(gone, "_deletedAt", since))}
	}
	rows, key := live, "_updatedAt"
	if q("type") == "DELETED" {
		rows, key = gone, "_deletedAt"
	}
	count, _ := strconv.Atoi(q("count"))
	if f.page > 0 {
		count = min(count, f.page)
	}
	var next any
	if ms, err := strconv.ParseInt(q("next"), 10, 64); err == nil {
		rows = after(rows, key, formatTime(time.UnixMilli(ms)))
		if len(rows) > count {
			rows = rows[:count]
			last, _ := time.Parse(time.RFC3339Nano, text2(rows[count-1][key]))
			next = strconv.FormatInt(last.UnixMilli(), 10)
		}
	} else { // previous: of a time that lies ahead
		rows = slices.Clone(rows)
		slices.Reverse(rows)
		rows = rows[:min(count, len(rows))]
	}
	answer := object{"updated": []object{}, "deleted": []object{}, "cursor": object{"next": next, "previous": nil}}
	if key == "_updatedAt" {
		answer["updated"] = rows
	} else {
		answer["deleted"] = bare(rows)
	}
	return answer
}

// listed answers a paged list.
func (f *fakeSpace) listed(rows []object, q func(string) string) (int, object) {
	slices.SortStableFunc(rows, func(a, b object) int {
		if strings.Contains(q("sort"), "-1") {
			a, b = b, a
		}
		return strings.Compare(text2(a["ts"]), text2(b["ts"]))
	})
	offset, _ := strconv.Atoi(q("offset"))
	count, err := strconv.Atoi(q("count"))
	if err != nil {
		count = 50
	}
	if f.page > 0 {
		count = min(count, f.page)
	}
	total := len(rows)
	rows = rows[min(offset, total):]
	rows = rows[:min(count, len(rows))]
	return 200, object{"messages": rows, "count": len(rows), "offset": offset, "total": total}
}

// messageOf reads a document of the workspace.
func messageOf(t *testing.T, d object) *Message {
	t.Helper()
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	m := new(Message)
	if err := m.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return m
}
