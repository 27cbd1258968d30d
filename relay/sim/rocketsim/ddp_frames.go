package rocketsim

import (
	"encoding/json"
	"slices"

	"github.com/coder/websocket"
)

// frame is what a client sends (Meteor: DDP.md).
type frame struct {
	Msg     string          `json:"msg"`
	ID      json.RawMessage `json:"id"`
	Version json.RawMessage `json:"version"`
	Support json.RawMessage `json:"support"`
	Method  json.RawMessage `json:"method"`
	Name    json.RawMessage `json:"name"`
	Params  json.RawMessage `json:"params"`
}

// ddpVersions are the versions of DDP that the server speaks, the best first.
func ddpVersions() []string { return []string{"1", "pre2", "pre1"} }

// frameOf writes a frame. What the server sends can always be written.
func frameOf(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"msg":"error","reason":"Internal server error"}`)
	}
	return b
}

// aString is a JSON value as a string; false when it is none.
func aString(raw json.RawMessage) (string, bool) {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "", false
	}
	out, ok := v.(string)
	return out, ok
}

// take answers one frame; the caller holds the server's lock.
func (ses *session) take(kind websocket.MessageType, raw []byte) {
	if kind != websocket.MessageText {
		ses.finish(websocket.StatusInvalidFramePayloadData, closeUnreadable)
		return
	}
	var f frame
	if err := json.Unmarshal(raw, &f); err != nil {
		ses.complain("Parse error", nil)
		return
	}
	switch {
	case f.Msg == "":
		ses.complain("Bad request", raw)
	case f.Msg == "connect" && ses.id != "":
		ses.complain("Already connected", raw)
	case f.Msg == "connect":
		ses.connect(f)
	case ses.id == "":
		ses.complain("Must connect first", raw)
	case f.Msg == "ping":
		ses.pong(f)
	case f.Msg == "pong":
	case f.Msg == "method":
		ses.method(f, raw)
	case f.Msg == "sub":
		ses.subscribe(f, raw)
	case f.Msg == "unsub":
		ses.unsubscribe(f)
	default:
		ses.complain("Bad request", raw)
	}
}

// complain tells a client that it has sent something wrong. The connection stays.
func (ses *session) complain(reason string, offending []byte) {
	e := map[string]any{"msg": "error", "reason": reason}
	if json.Valid(offending) {
		e["offendingMessage"] = json.RawMessage(offending)
	}
	ses.put(frameOf(e))
}

// connect begins the session when the client proposes the best version that both know; otherwise it names that version and closes.
func (ses *session) connect(f frame) {
	var support []string
	version, ok := aString(f.Version)
	known := json.Unmarshal(f.Support, &support) == nil
	best := ddpVersions()[0]
	if i := slices.IndexFunc(support, func(v string) bool { return slices.Contains(ddpVersions(), v) }); i >= 0 {
		best = support[i]
	}
	if !ok || !known || !slices.Contains(support, version) || version != best {
		ses.put(frameOf(map[string]any{"msg": "failed", "version": best}))
		ses.finish(websocket.StatusNormalClosure, "")
		return
	}
	ses.id = randomID()
	ses.put(frameOf(map[string]any{"msg": "connected", "session": ses.id}))
}

func (ses *session) pong(f frame) {
	answer := map[string]any{"msg": "pong"}
	if id, ok := aString(f.ID); ok && id != "" {
		answer["id"] = id
	}
	ses.put(frameOf(answer))
}

// ddpError is a refusal as the realtime API shows it.
type ddpError struct {
	IsClientSafe bool   `json:"isClientSafe"`
	Error        any    `json:"error"` // a code, or a number like an HTTP status
	Reason       string `json:"reason,omitempty"`
	Details      any    `json:"details,omitempty"`
	Message      string `json:"message"`
	ErrorType    string `json:"errorType"`
}
