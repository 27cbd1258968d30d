package rocketsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const (
	roomMessages = "stream-room-messages"
	notifyRoom   = "stream-notify-room"
	myMessages   = "__my_messages__" // the event of every room that the user may read
)

// subscription is one stream's event that a connection is told.
type subscription struct{ id, stream, event string }

// subscribe begins a subscription. Asking again with the id of one that is there does nothing.
func (ses *session) subscribe(f frame, raw []byte) {
	id, hasID := aString(f.ID)
	name, hasName := aString(f.Name)
	var params []json.RawMessage
	if !hasID || !hasName || f.Params != nil && json.Unmarshal(f.Params, &params) != nil {
		ses.complain("Malformed subscription", raw)
		return
	}
	if slices.ContainsFunc(ses.subs, func(sub subscription) bool { return sub.id == id }) {
		return
	}
	s := ses.srv
	event, refused := ses.allowed(name, params)
	if refused != nil {
		ses.put(frameOf(map[string]any{"msg": "nosub", "id": id, "error": refused}))
		return
	}
	ses.subs = append(ses.subs, subscription{id: id, stream: name, event: event})
	if wantsCollection(params) {
		ses.put(frameOf(map[string]any{"msg": "added", "collection": name, "id": "id", "fields": map[string]any{"eventName": event}}))
	}
	ses.put(frameOf(map[string]any{"msg": "ready", "subs": []string{id}}))
	s.touch()
}

// allowed finds the event that a subscription is for, and says why it may not be told (Rocket.Chat: notifications.module.ts). Other
// streams than those of messages and deletions are not simulated, and refused as unknown.
func (ses *session) allowed(stream string, params []json.RawMessage) (event string, refused *ddpError) {
	if stream != roomMessages && stream != notifyRoom {
		return "", meteorError(404, fmt.Sprintf("Subscription '%s' not found", stream))
	}
	if refused := ses.limited(stream, callLimit*streamFactor); refused != nil {
		return "", refused
	}
	if len(params) == 0 {
		return "", meteorError(500, "Internal server error")
	}
	event, ok := aString(params[0])
	switch {
	case !ok:
		return "", meteorError(500, "Internal server error")
	case event == "":
		return "", meteorError("invalid-event-name", "")
	case !ses.mayHear(stream, event):
		return "", meteorError("not-allowed", "")
	}
	return event, nil
}

// mayHear tells whether the user of a connection may be told an event. Everybody may subscribe to the messages of all rooms, and
// is told those that the user may read.
func (ses *session) mayHear(stream, event string) bool {
	s := ses.srv
	if stream == roomMessages && event == myMessages {
		return true
	}
	rid, what, _ := strings.Cut(event, "/")
	u, r := s.users[ses.user], s.rooms[rid]
	if u == nil || r == nil {
		return false
	}
	if stream == notifyRoom {
		return what != "" && r.has(u.ID)
	}
	return what == "" && s.mayRead(u, r)
}

// wantsCollection tells whether a subscription asks for frames that make a collection of it: true, or {"useCollection": true}.
func wantsCollection(params []json.RawMessage) bool {
	if len(params) < 2 {
		return false
	}
	var options struct{ UseCollection bool }
	plain := false
	return json.Unmarshal(params[1], &plain) == nil && plain || json.Unmarshal(params[1], &options) == nil && options.UseCollection
}

func (ses *session) unsubscribe(f frame) {
	id, _ := aString(f.ID)
	ses.subs = slices.DeleteFunc(ses.subs, func(sub subscription) bool { return sub.id == id })
	ses.put(frameOf(map[string]any{"msg": "nosub", "id": id}))
	ses.srv.touch()
}
