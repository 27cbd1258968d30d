package rocketsim

import (
	"net/http"
	"slices"
)

// RealtimeFault is something that goes wrong with the realtime API. Each fault is of one kind, by the first field that is set: of
// connections as they come, of logins, or of events as they are sent. The first injected fault of a kind strikes, alone.
// [Server.Break] knows them by name:
//
//	live-refused  live-silent  new connections are answered 503, or accepted and then left silent
//	login-refused              logins fail as with a wrong token
//	event-lost  event-dup      an event is not sent, or twice
//	event-garbage  event-cut   half a frame comes before an event, or the connection is cut instead
//	live-cut  live-stall       DropRealtime and StallRealtime: at once, so that how often does not matter
type RealtimeFault struct {
	Status int  // connections are answered with this HTTP status instead of being accepted
	Stall  bool // connections are accepted, and nothing is ever sent to them or understood from them

	RefuseLogin bool // logins fail as with a wrong token

	Lose      bool // events are not sent
	Duplicate bool // events are sent twice
	Garbage   bool // half a frame comes before events
	Cut       bool // the connection is cut instead of an event

	Times int // how many connections, logins or events (of one connection) it strikes; 0 = every one until ClearFaults

	name string // how the chat page calls it
}

// realtimeKind is what a fault strikes.
type realtimeKind int

const (
	onConnect realtimeKind = iota
	onLogin
	onEvent
)

func (f *RealtimeFault) kind() realtimeKind {
	switch {
	case f.Status != 0 || f.Stall:
		return onConnect
	case f.RefuseLogin:
		return onLogin
	}
	return onEvent
}

// InjectRealtime adds a fault behind those already there.
func (s *Server) InjectRealtime(f RealtimeFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.faults = append(s.live.faults, &f)
	s.touch()
}

// strikeRealtime finds the first fault of a kind and counts it; the zero fault does nothing. The caller holds s.mu.
func (s *Server) strikeRealtime(kind realtimeKind) RealtimeFault {
	faults := s.live.faults
	i := slices.IndexFunc(faults, func(f *RealtimeFault) bool { return f.kind() == kind })
	if i < 0 {
		return RealtimeFault{}
	}
	struck := *faults[i]
	if struck.Times > 0 {
		faults[i].Times--
		if faults[i].Times == 0 {
			s.live.faults = slices.Delete(faults, i, i+1)
		}
		s.touch()
	}
	return struck
}

// breakRealtime injects a fault by its name, and reports whether there is one.
func (s *Server) breakRealtime(name string, times int) bool {
	f := RealtimeFault{Times: times, name: name}
	switch name {
	case "live-cut":
		s.DropRealtime()
		return true
	case "live-stall":
		s.StallRealtime()
		return true
	case "live-refused":
		f.Status = http.StatusServiceUnavailable
	case "live-silent":
		f.Stall = true
	case "login-refused":
		f.RefuseLogin = true
	case "event-lost":
		f.Lose = true
	case "event-dup":
		f.Duplicate = true
	case "event-garbage":
		f.Garbage = true
	case "event-cut":
		f.Cut = true
	default:
		return false
	}
	s.InjectRealtime(f)
	return true
}

// mendRealtime ends every fault of the realtime API; connections that are silent stay so.
func (s *Server) mendRealtime() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.faults = nil
	s.touch()
}

// DropRealtime cuts every connection as a broken network does, without a word, and returns how many there were.
func (s *Server) DropRealtime() int { return s.toAll((*session).cut) }

// StallRealtime makes every connection silent for ever, as a server does that hangs, and returns how many there were. Those that come
// later are not meant; see [RealtimeFault] for them.
func (s *Server) StallRealtime() int {
	return s.toAll(func(ses *session) { ses.stalled, ses.out, ses.buffered = true, nil, 0 })
}

// SendRealtime sends a text to every connection as it is, be it a frame of the protocol or not, and returns how many there were.
func (s *Server) SendRealtime(text string) int {
	return s.toAll(func(ses *session) { ses.put([]byte(text)) })
}

func (s *Server) toAll(do func(*session)) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.live.all
	for _, ses := range all {
		do(ses)
	}
	s.touch()
	return len(all)
}

// cutTokens cuts the connections of a user, whose tokens were revoked; the caller holds s.mu.
func (s *Server) cutTokens(uid string) {
	for _, ses := range s.live.all {
		if ses.user == uid {
			ses.cut()
		}
	}
}
