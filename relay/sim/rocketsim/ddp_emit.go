package rocketsim

import (
	"encoding/json"
	"strings"
)

// emitChange tells every connection what a change of the message collection means to its subscriptions. The stream of a room's
// messages sends the whole message again whatever has changed, so that a thread's root comes behind each reply (Rocket.Chat:
// listeners.module.ts, threads hook aftersavemessage.ts). The caller holds s.mu.
func (s *Server) emitChange(c change) {
	m := c.Message
	if c.Silent || len(s.live.all) == 0 {
		return
	}
	switch c.Kind {
	case pruned:
		s.emit(c, notifyRoom, m.RID+"/deleteMessageBulk", frameOf(c.bulk))
	case removed:
		s.emit(c, notifyRoom, m.RID+"/deleteMessage", frameOf(map[string]any{"_id": m.ID}))
	default:
		doc := frameOf(m.doc(ddpDate))
		s.emit(c, roomMessages, myMessages, doc)
		s.emit(c, roomMessages, m.RID, doc)
	}
}

// emit sends one event to those who have subscribed to it and may hear it now.
func (s *Server) emit(c change, stream, event string, arg json.RawMessage) {
	for _, ses := range s.live.all {
		for _, sub := range ses.subs {
			if sub.stream != stream || sub.event != event || !ses.mayHear(stream, event) {
				continue
			}
			args := []any{arg}
			if event == myMessages {
				more, ok := ses.participation(c)
				if !ok {
					continue
				}
				args = append(args, more)
			}
			ses.tell(frameOf(map[string]any{
				"msg": "changed", "collection": stream, "id": "id", "fields": map[string]any{"eventName": event, "args": args},
			}))
		}
	}
}

// participation is what the messages of all rooms are accompanied by; false when the user may not read the room.
func (ses *session) participation(c change) (any, bool) {
	s := ses.srv
	u, r := s.users[ses.user], s.rooms[c.Message.RID]
	if u == nil || r == nil || !s.mayRead(u, r) {
		return nil, false
	}
	more := map[string]any{"roomParticipant": r.has(u.ID), "roomType": r.Type}
	if r.Name != "" {
		more["roomName"] = r.Name
	}
	return more, true
}

// tell sends an event, as far as no fault strikes it; the caller holds the server's lock.
func (ses *session) tell(frame []byte) {
	f := ses.srv.strikeRealtime(onEvent)
	switch {
	case f.Cut:
		ses.cut()
		return
	case f.Lose:
		return
	case f.Garbage:
		ses.put([]byte(strings.ToValidUTF8(string(frame[:len(frame)/2]), "")))
	case f.Duplicate:
		ses.put(frame)
	}
	ses.put(frame)
}
