package rocketsim_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

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
