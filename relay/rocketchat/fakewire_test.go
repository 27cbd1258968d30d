package rocketchat

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// fakeWire is the realtime endpoint of a workspace. It has one client at a time.
type fakeWire struct {
	f *fakeSpace
	// resume is the token that it takes; empty for the right one. as is the user whose it is.
	resume, as string
	// version makes it refuse the session; deny refuses subscriptions, and deaf leaves pings unanswered.
	version string
	deny    func(about string) bool
	deaf    bool

	mu     sync.Mutex
	conn   *websocket.Conn
	subs   map[string]string // ids by "stream about"
	pongs  []string
	pings  int
	logins int
	ended  chan struct{}
}

// serve is one client's session.
func (w *fakeWire) serve(rw http.ResponseWriter, r *http.Request) {
	ctx := context.WithoutCancel(r.Context()) // a connection that was taken over outlives its request
	conn, err := websocket.Accept(rw, r, nil)
	if err != nil {
		return
	}
	ended := make(chan struct{})
	w.mu.Lock()
	w.conn, w.subs, w.ended = conn, map[string]string{}, ended
	w.mu.Unlock()
	defer close(ended)
	defer conn.CloseNow()
	w.send(ctx, map[string]string{"server_id": "0"})
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var f struct {
			Msg, ID, Name, Method string
			Params                []json.RawMessage
		}
		if json.Unmarshal(data, &f) != nil {
			continue
		}
		switch f.Msg {
		case "connect":
			if w.version != "" {
				w.send(ctx, map[string]string{"msg": "failed", "version": w.version})
				continue
			}
			w.send(ctx, map[string]string{"msg": "connected", "session": "s"})
		case "method":
			w.login(ctx, f.ID, f.Params[0])
		case "sub":
			var about string
			_ = json.Unmarshal(f.Params[0], &about)
			w.subscribe(ctx, f.ID, f.Name+" "+about)
		case "ping":
			w.mu.Lock()
			w.pings++
			deaf := w.deaf
			w.mu.Unlock()
			if !deaf {
				w.send(ctx, map[string]string{"msg": "pong"})
			}
		case "pong":
			w.mu.Lock()
			w.pongs = append(w.pongs, f.ID)
			w.mu.Unlock()
		}
	}
}

func (w *fakeWire) login(ctx context.Context, id string, param json.RawMessage) {
	var p struct{ Resume string }
	_ = json.Unmarshal(param, &p)
	w.mu.Lock()
	w.logins++
	w.mu.Unlock()
	want, user := testToken, testUser
	if w.resume != "" {
		want = w.resume
	}
	if w.as != "" {
		user = w.as
	}
	if p.Resume != want {
		w.send(ctx, object{"msg": "result", "id": id, "error": object{"isClientSafe": true, "error": 403, "reason": "You've been logged out by the server: " + p.Resume}})
		return
	}
	w.send(ctx, object{"msg": "result", "id": id, "result": object{"id": user, "token": testToken, "type": "resume"}})
	w.send(ctx, object{"msg": "updated", "methods": []string{id}})
}

func (w *fakeWire) subscribe(ctx context.Context, id, about string) {
	if w.deny != nil && w.deny(about) {
		w.send(ctx, object{"msg": "nosub", "id": id, "error": object{"isClientSafe": true, "error": "not-allowed", "message": "[not-allowed]"}})
		return
	}
	w.mu.Lock()
	w.subs[about] = id
	w.mu.Unlock()
	w.send(ctx, object{"msg": "ready", "subs": []string{id}})
}

// send sends a frame, if somebody is there.
func (w *fakeWire) send(ctx context.Context, v any) {
	w.mu.Lock()
	conn := w.conn
	w.mu.Unlock()
	if conn == nil {
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		w.f.t.Error(err)
	}
	_ = conn.Write(ctx, websocket.MessageText, data) // who is gone hears nothing
}

// tell sends a frame of the workspace's own.
func (w *fakeWire) tell(v any) { w.send(context.Background(), v) }

func (w *fakeWire) has(about string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.subs[about]
	return ok
}

// document tells of a document that has changed.
func (w *fakeWire) document(d object) {
	room := text2(d["rid"])
	kind := ""
	for _, r := range w.f.rooms {
		if r["_id"] == room {
			kind = text2(r["t"])
		}
	}
	for _, about := range []string{room, myMessages} {
		if !w.has(streamMessages + " " + about) {
			continue
		}
		args := []any{dated(d)}
		if about == myMessages {
			args = append(args, object{"roomParticipant": true, "roomType": kind})
		}
		w.tell(object{"msg": "changed", "collection": streamMessages, "id": "id", "fields": object{"eventName": about, "args": args}})
	}
}

// notice tells of what happened to a room.
func (w *fakeWire) notice(about string, arg any) {
	if w.has(streamNotices + " " + about) {
		w.tell(object{"msg": "changed", "collection": streamNotices, "id": "id", "fields": object{"eventName": about, "args": []any{arg}}})
	}
}

// dated writes a document's times as the stream does.
func dated(d object) object {
	out := object{}
	for key, value := range d {
		out[key] = value
		if at, err := time.Parse(time.RFC3339Nano, text2(value)); err == nil && slices.Contains([]string{"ts", "_updatedAt", "editedAt", "tlm"}, key) {
			out[key] = object{"$date": at.UnixMilli()}
		}
	}
	return out
}

// cut ends the session.
func (w *fakeWire) cut() {
	w.mu.Lock()
	conn, ended := w.conn, w.ended
	w.conn = nil
	w.mu.Unlock()
	if conn != nil {
		conn.CloseNow()
		<-ended
	}
}
