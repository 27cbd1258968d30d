package rocketsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// wire is a client of the realtime API that hides nothing.
type wire struct {
	t    *testing.T
	conn *websocket.Conn
	ctx  context.Context
	ids  int
}

// dial connects without saying anything; the greeting that clients ignore is taken.
func (x *site) dial() *wire {
	x.t.Helper()
	w := &wire{t: x.t, ctx: within(x.t)}
	conn, _, err := websocket.Dial(w.ctx, x.url+"/websocket", nil)
	must(x.t, err)
	x.t.Cleanup(func() { _ = conn.CloseNow() })
	w.conn = conn
	w.wants(object{"server_id": "0"})
	return w
}

// connected is a session that nobody has logged in to.
func (x *site) connected() *wire {
	x.t.Helper()
	w := x.dial()
	w.say(`{"msg":"connect","version":"1","support":["1","pre2","pre1"]}`)
	if f := w.next(); f["msg"] != "connected" || f["session"] == "" {
		x.t.Fatalf("connect was answered %v", f)
	}
	return w
}

// online is a session of somebody.
func (x *site) online(as string) *wire {
	x.t.Helper()
	w := x.connected()
	if result := w.call("login", object{"resume": "token-" + as}); result["error"] != nil {
		x.t.Fatalf("login was answered %v", result)
	}
	return w
}

func (w *wire) say(text string) {
	w.t.Helper()
	must(w.t, w.conn.Write(w.ctx, websocket.MessageText, []byte(text)))
}

func (w *wire) send(frame object) {
	w.t.Helper()
	raw, err := json.Marshal(frame)
	must(w.t, err)
	w.say(string(raw))
}

// raw is the next frame as text; false when the connection has ended.
func (w *wire) raw() (string, error) {
	kind, raw, err := w.conn.Read(w.ctx)
	if err == nil && kind != websocket.MessageText {
		w.t.Errorf("frame of the type %v", kind)
	}
	return string(raw), err
}

// next is the next frame, except that the user's own document is passed over.
func (w *wire) next() object {
	w.t.Helper()
	for {
		raw, err := w.raw()
		must(w.t, err)
		var f object
		if err := json.Unmarshal([]byte(raw), &f); err != nil {
			w.t.Fatalf("frame %q: %v", raw, err)
		}
		if f["msg"] != "added" || f["collection"] != "users" {
			return f
		}
	}
}

// wants takes the next frame, which must be this one.
func (w *wire) wants(frame object) {
	w.t.Helper()
	if got := w.next(); !reflect.DeepEqual(got, frame) {
		w.t.Fatalf("got  %v\nwant %v", got, frame)
	}
}

// quiet makes sure that nothing was sent that was not taken.
func (w *wire) quiet() {
	w.t.Helper()
	w.ids++
	id := fmt.Sprint("quiet", w.ids)
	w.send(object{"msg": "ping", "id": id})
	w.wants(object{"msg": "pong", "id": id})
}

// ended wants the connection to end with a code; -1 is without a word.
func (w *wire) ended(code websocket.StatusCode) {
	w.t.Helper()
	for {
		if _, err := w.raw(); err != nil {
			if got := websocket.CloseStatus(err); got != code || w.ctx.Err() != nil {
				w.t.Fatalf("ended with %v: %v", got, err)
			}
			return
		}
	}
}

// call calls a method and returns the result's frame.
func (w *wire) call(method string, params ...any) object {
	w.t.Helper()
	w.ids++
	id := fmt.Sprint(w.ids)
	w.send(object{"msg": "method", "id": id, "method": method, "params": params})
	result := w.next()
	if result["msg"] != "result" || result["id"] != id {
		w.t.Fatalf("%s was answered %v", method, result)
	}
	w.wants(object{"msg": "updated", "methods": []any{id}})
	return result
}

// sub subscribes and returns the answer's error; nil when it is ready.
func (w *wire) sub(stream string, params ...any) (id string, refused any) {
	w.t.Helper()
	w.ids++
	id = fmt.Sprint(w.ids)
	w.send(object{"msg": "sub", "id": id, "name": stream, "params": params})
	switch f := w.next(); f["msg"] {
	case "ready":
		if fmt.Sprint(f["subs"]) != "["+id+"]" {
			w.t.Fatalf("ready %v", f)
		}
	case "nosub":
		refused = f["error"]
	default:
		w.t.Fatalf("%s was answered %v", stream, f)
	}
	return id, refused
}

const (
	roomMessages = "stream-room-messages"
	notifyRoom   = "stream-notify-room"
)

// hears subscribes to something that must be allowed.
func (w *wire) hears(stream, event string) *wire {
	w.t.Helper()
	if _, refused := w.sub(stream, event, object{"useCollection": false, "args": []any{nil}}); refused != nil {
		w.t.Fatalf("%s %s: %v", stream, event, refused)
	}
	return w
}

// event takes the next frame, which must tell an event, and returns its arguments.
func (w *wire) event(stream, name string) []any {
	w.t.Helper()
	f := w.next()
	fields, _ := f["fields"].(object)
	args, _ := fields["args"].([]any)
	if f["msg"] != "changed" || f["collection"] != stream || f["id"] != "id" || fields["eventName"] != name || len(args) == 0 {
		w.t.Fatalf("got %v, want the event %s of %s", f, name, stream)
	}
	return args
}

// told takes the next frame, which must tell a message of a room.
func (w *wire) told(name string) object {
	w.t.Helper()
	m, _ := w.event(roomMessages, name)[0].(object)
	return m
}

// errorOf is Meteor.Error as the documents show it.
func errorOf(code any, reason string) object {
	e := object{"isClientSafe": true, "error": code, "message": strings.TrimSpace(fmt.Sprintf("%s [%v]", reason, code)), "errorType": "Meteor.Error"}
	if reason != "" {
		e["reason"] = reason
	}
	return e
}

// TestSequenceOfTheDocuments walks through the documents' session: it sends what the client sends, lets happen what is told, and wants
// of every frame of the server at least what the documents show, with any dates.
func TestSequenceOfTheDocuments(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for _, u := range []rocketsim.User{{ID: "uid1", Username: "me", Token: "AUTH_TOKEN_OR_PAT"}, {ID: "u1", Username: "nancy", Name: "Nancy"}, {ID: "u2", Username: "bob", Name: "Bob"}} {
		_, err := x.AddUser(u)
		must(t, err, x.Join(u.ID, "GENERAL"))
	}
	_, err := x.AddRoom(rocketsim.Room{ID: "R", Name: "r", Members: []string{"u1", "me"}})
	must(t, err)
	x.say(rocketsim.Say{From: "bob", Room: "GENERAL", Text: "root", ID: "p1"})
	var w *wire
	happens := map[string]func(){
		"m1": func() { x.say(rocketsim.Say{From: "nancy", Thread: "p1", Text: "hello", ID: "m1"}) },
		"m2": func() {
			w.hears(roomMessages, "__my_messages__")
			x.say(rocketsim.Say{From: "nancy", Room: "R", Text: "x", ID: "m2"})
		},
		"deleteMessage": func() { must(t, x.DeleteAs("nancy", "m1")) },
		"ping":          func() { x.SendRealtime(`{"msg":"ping"}`) },
	}
	for _, step := range fixtures(t).DDP.Sequence {
		want := step.Frame
		if want["server_id"] != nil {
			w = x.dial()
			continue
		}
		if step.Dir == "C->S" {
			w.send(want)
			continue
		}
		fields, _ := want["fields"].(object)
		args, _ := fields["args"].([]any)
		cause := fmt.Sprint(want["msg"])
		if args != nil {
			m, _ := args[0].(object)
			cause = fmt.Sprint(m["_id"])
			if strings.HasSuffix(fields["eventName"].(string), "/deleteMessage") {
				cause = "deleteMessage"
			}
		}
		if happen := happens[cause]; happen != nil {
			happen()
		}
		got := w.next()
		if cause == "deleteMessage" && got["collection"] == roomMessages { // the root, told that it has no reply any more; twice by now
			w.next()
			got = w.next()
		}
		if cause == "m2" {
			args[1].(object)["roomName"] = "r"
		}
		if miss := missing(want, got); miss != "" {
			t.Fatalf("%s\ngot  %v\nwant %v", miss, got, want)
		}
	}
}

// missing says what of want is not in got, where dates, sessions and followers may differ.
func missing(want, got any) string {
	switch want := want.(type) {
	case object:
		got, ok := got.(object)
		if !ok {
			return fmt.Sprintf("%v is no object", got)
		}
		for key, value := range want {
			if key == "session" || key == "replies" {
				value = got[key]
			}
			if miss := missing(value, got[key]); miss != "" {
				return key + ": " + miss
			}
			if _, has := got[key]; !has {
				return key + " is missing"
			}
		}
		return ""
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return fmt.Sprintf("%v is not %v", got, want)
		}
		for i := range want {
			if miss := missing(want[i], got[i]); miss != "" {
				return miss
			}
		}
		return ""
	case float64:
		if _, ok := got.(float64); ok {
			return ""
		}
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Sprintf("%v is not %v", got, want)
	}
	return ""
}

func TestConnecting(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for name, c := range map[string]struct{ frame, version string }{
		"a version that nobody knows":    {`{"msg":"connect","version":"2","support":["2"]}`, "1"},
		"an old version although 1 goes": {`{"msg":"connect","version":"pre1","support":["1","pre1"]}`, "1"},
		"an old client asks for 2":       {`{"msg":"connect","version":"2","support":["2","pre2"]}`, "pre2"},
		"not what it supports":           {`{"msg":"connect","version":"1","support":["pre1"]}`, "pre1"},
		"no support":                     {`{"msg":"connect","version":"1"}`, "1"},
		"no version":                     {`{"msg":"connect","support":["1"]}`, "1"},
		"support that is no list":        {`{"msg":"connect","version":"1","support":"1"}`, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := x.dial()
			w.say(c.frame)
			w.wants(object{"msg": "failed", "version": c.version})
			w.ended(websocket.StatusNormalClosure)
		})
	}
	w := x.dial()
	w.say(`{"msg":"connect","version":"pre2","support":["pre2","pre1"]}`)
	if f := w.next(); f["msg"] != "connected" {
		t.Errorf("an old client got %v", f)
	}
}

func TestWrongFrames(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	silent, w := x.dial(), x.connected()
	for _, c := range []struct {
		w             *wire
		frame, reason string
		unread        bool
	}{
		{silent, `{"msg":"ping"}`, "Must connect first", false},
		{silent, `{"msg":"sub","id":"1","name":"x","params":[]}`, "Must connect first", false},
		{w, `{"msg":"connect","version":"1","support":["1"]}`, "Already connected", false},
		{w, `{"msg":"dance"}`, "Bad request", false},
		{w, `{}`, "Bad request", false},
		{w, `hello`, "Parse error", true},
		{w, `["msg"]`, "Parse error", true},
		{w, `{"msg":"method","method":"login"}`, "Malformed method invocation", false},
		{w, `{"msg":"method","id":"1"}`, "Malformed method invocation", false},
		{w, `{"msg":"method","id":1,"method":"login"}`, "Malformed method invocation", false},
		{w, `{"msg":"method","id":"1","method":"login","params":{}}`, "Malformed method invocation", false},
		{w, `{"msg":"sub","id":"1"}`, "Malformed subscription", false},
		{w, `{"msg":"sub","name":"x"}`, "Malformed subscription", false},
	} {
		c.w.say(c.frame)
		want := object{"msg": "error", "reason": c.reason}
		if !c.unread {
			var offending any
			must(t, json.Unmarshal([]byte(c.frame), &offending))
			want["offendingMessage"] = offending
		}
		c.w.wants(want)
	}
	w.quiet()
	must(t, w.conn.Write(w.ctx, websocket.MessageBinary, []byte(`{"msg":"ping"}`)))
	w.ended(websocket.StatusInvalidFramePayloadData)
}

func TestPingsAreAnswered(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	w := x.connected()
	w.say(`{"msg":"ping"}`)
	w.wants(object{"msg": "pong"})
	w.say(`{"msg":"pong"}`)
	w.say(`{"msg":"ping","id":"7"}`)
	w.wants(object{"msg": "pong", "id": "7"})
}

func TestRealtimeLogin(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	session := x.post("login", "", object{"user": "ben", "password": "pw-ben"}).at("data", "authToken")
	wrong := "You've been logged out by the server. Please log in again."
	const digest = "11ad9fa08b85c9ca1f3ba3b5e5e8c2a1"
	for name, c := range map[string]struct {
		params  []any
		user    string
		refused object
	}{
		"personal access token": {[]any{object{"resume": "token-ann"}}, "id-ann", nil},
		"session":               {[]any{object{"resume": session}}, "id-ben", nil},
		"wrong token":           {[]any{object{"resume": "token-zoe"}}, "", fixtures(t).DDP.MethodError["error"].(object)},
		"password":              {[]any{object{"user": object{"username": "ann"}, "password": "pw-ann"}}, "id-ann", nil},
		"password's digest": {[]any{object{"user": object{"username": "ann"}, "password": object{
			"digest": sha256Of("pw-ann"), "algorithm": "sha-256",
		}}}, "id-ann", nil},
		"wrong digest":     {[]any{object{"user": object{"username": "ann"}, "password": object{"digest": digest, "algorithm": "sha-256"}}}, "", errorOf(403.0, "Incorrect password")},
		"wrong password":   {[]any{object{"user": object{"username": "ann"}, "password": "x"}}, "", errorOf(403.0, "Incorrect password")},
		"unknown user":     {[]any{object{"user": object{"username": "zoe"}, "password": "x"}}, "", errorOf(403.0, "User not found")},
		"no way to log in": {[]any{object{"name": "ann"}}, "", errorOf(400.0, "Unrecognized options for login request")},
		"nothing":          {nil, "", errorOf(400.0, "Unrecognized options for login request")},
		"no object":        {[]any{"token-ann"}, "", errorOf(400.0, "Unrecognized options for login request")},
	} {
		t.Run(name, func(t *testing.T) {
			w := x.connected()
			got := w.call("login", c.params...)
			if c.refused != nil {
				if !reflect.DeepEqual(got["error"], c.refused) || got["result"] != nil {
					t.Errorf("got %v, want the error %v", got, c.refused)
				}
				return
			}
			result, _ := got["result"].(object)
			expires, _ := result["tokenExpires"].(object)
			if result["id"] != c.user || result["token"] == "" || expires["$date"] != float64(x.now().AddDate(0, 0, 90).UnixMilli()) || got["error"] != nil {
				t.Errorf("got %v", got)
			}
		})
	}
	if m := fixtures(t).DDP.MethodError["error"].(object); m["reason"] != wrong {
		t.Errorf("the documents say %v", m)
	}
	w := x.connected()
	if got := w.call("sendMessage", object{"rid": "GENERAL"}); !reflect.DeepEqual(got["error"], errorOf(404.0, "Method 'sendMessage' not found")) {
		t.Errorf("unknown method: %v", got)
	}
}

func TestSubscribing(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	private, err := x.AddRoom(rocketsim.Room{ID: "BENS", Type: rocketsim.Group, Name: "bens", Members: []string{"ben"}})
	must(t, err)
	denied, _ := fixtures(t).DDP.SubDenied["error"].(object)
	fault := errorOf(500.0, "Internal server error")
	for name, c := range map[string]struct {
		as     string
		stream string
		params []any
		want   object
	}{
		"a room of one's own":            {"ann", roomMessages, []any{"TEAM", false}, nil},
		"a public room of others":        {"sue", roomMessages, []any{"GENERAL", false}, nil},
		"a private room of others":       {"ann", roomMessages, []any{private, false}, denied},
		"a private room before login":    {"", roomMessages, []any{"TEAM", false}, denied},
		"a public room before login":     {"", roomMessages, []any{"GENERAL", false}, denied},
		"no room":                        {"ann", roomMessages, []any{"nowhere", false}, denied},
		"a room's name":                  {"ann", roomMessages, []any{"general", false}, denied},
		"all rooms":                      {"ann", roomMessages, []any{"__my_messages__", false}, nil},
		"all rooms before login":         {"", roomMessages, []any{"__my_messages__", false}, nil},
		"without options":                {"ann", roomMessages, []any{"GENERAL"}, nil},
		"deletions":                      {"ann", notifyRoom, []any{"TEAM/deleteMessage", object{"useCollection": false, "args": []any{}}}, nil},
		"deletions of others":            {"sue", notifyRoom, []any{"GENERAL/deleteMessage", false}, denied},
		"deletions before login":         {"", notifyRoom, []any{"GENERAL/deleteMessage", false}, denied},
		"no event of a room":             {"ann", notifyRoom, []any{"GENERAL", false}, denied},
		"messages with an event":         {"ann", roomMessages, []any{"GENERAL/deleteMessage", false}, denied},
		"no event":                       {"ann", roomMessages, []any{""}, errorOf("invalid-event-name", "")},
		"nothing":                        {"ann", roomMessages, nil, fault},
		"a number":                       {"ann", roomMessages, []any{1}, fault},
		"a stream that is not simulated": {"ann", "stream-notify-user", []any{"id-ann/message"}, errorOf(404.0, "Subscription 'stream-notify-user' not found")},
	} {
		t.Run(name, func(t *testing.T) {
			w := x.connected()
			if c.as != "" {
				w = x.online(c.as)
			}
			_, refused := w.sub(c.stream, c.params...)
			if c.want == nil && refused != nil || c.want != nil && !reflect.DeepEqual(refused, c.want) {
				t.Errorf("refused %v, want %v", refused, c.want)
			}
			w.quiet()
		})
	}
}

func TestSubscribingToACollection(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for _, option := range []any{true, object{"useCollection": true}} {
		w := x.online("ann")
		w.send(object{"msg": "sub", "id": "s", "name": roomMessages, "params": []any{"GENERAL", option}})
		w.wants(object{"msg": "added", "collection": roomMessages, "id": "id", "fields": object{"eventName": "GENERAL"}})
		w.wants(object{"msg": "ready", "subs": []any{"s"}})
	}
}

func TestUnsubscribing(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	w := x.online("ann")
	id, _ := w.sub(roomMessages, "GENERAL", false)
	w.send(object{"msg": "sub", "id": id, "name": roomMessages, "params": []any{"TEAM", false}})
	w.quiet() // the same id again does nothing
	x.say(in("ben", "one"))
	w.told("GENERAL")
	w.send(object{"msg": "unsub", "id": id})
	w.wants(object{"msg": "nosub", "id": id})
	x.say(in("ben", "two"))
	w.quiet()
	w.send(object{"msg": "unsub", "id": "nothing"})
	w.wants(object{"msg": "nosub", "id": "nothing"})
	if st := x.Realtime(); st.Subscriptions != 0 || st.Connections != 1 || st.Users != 1 {
		t.Errorf("status %+v", st)
	}
}

func TestMethodsAreLimited(t *testing.T) {
	x := newSite(t, rocketsim.Config{Limits: rocketsim.Limits{On: true}})
	w := x.online("ann")
	for range 9 {
		w.call("login", object{"resume": "token-ann"})
	}
	e, _ := w.call("login", object{"resume": "token-ann"})["error"].(object)
	if e["error"] != "too-many-requests" || !reflect.DeepEqual(e["details"], object{"timeToReset": 10000.0}) || e["reason"] !=
		"Error, too many requests. Please slow down. You must wait 10 seconds before trying again." {
		t.Errorf("got %v", e)
	}
	if e := w.call("other")["error"].(object); e["error"] != 404.0 {
		t.Errorf("another method got %v", e)
	}
	for range 40 {
		id, _ := w.sub(roomMessages, "GENERAL", false)
		w.send(object{"msg": "unsub", "id": id})
		w.next()
	}
	if _, refused := w.sub(roomMessages, "GENERAL", false); refused == nil {
		t.Error("41 subscriptions pass")
	}
	if e := x.connected().call("login", object{"resume": "token-ann"})["error"]; e != nil {
		t.Errorf("another connection got %v", e)
	}
	x.add(callPeriod)
	if e := w.call("login", object{"resume": "token-ann"})["error"]; e != nil {
		t.Errorf("after the period got %v", e)
	}
}

func TestUpgradesAreChecked(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	if r := x.get("/websocket", ""); r.Status != http.StatusUpgradeRequired {
		t.Errorf("a plain request got %d", r.Status)
	}
	if r := x.post("/websocket", "", object{}); r.Status == http.StatusOK {
		t.Errorf("a post got %d", r.Status)
	}
	x.Close()
	if _, resp, err := websocket.Dial(within(t), x.url+"/websocket", nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after Close: %v", err)
	}
}
