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
)

// wire is a client of the realtime API that hides nothing.
type wire struct {
	t    *testing.T
	conn *websocket.Conn
	ctx  context.Context
	ids  int
}

// open makes a WebSocket and returns it, or the status with which it was refused.
func open(ctx context.Context, at string, client *http.Client) (*websocket.Conn, int, error) {
	//nolint:bodyclose // the library closes it, or has made the connection of it
	conn, resp, err := websocket.Dial(ctx, at+"/websocket", &websocket.DialOptions{HTTPClient: client})
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	return conn, status, err
}

// dial connects without saying anything; the greeting that clients ignore is taken.
func (x *site) dial() *wire {
	x.t.Helper()
	w := &wire{t: x.t, ctx: within(x.t)}
	conn, _, err := open(w.ctx, x.url, nil)
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
