package rocketsim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// breaker is another kind of faults with names of their own: what outgoing webhooks and the realtime endpoint have.
type breaker struct {
	inject func(name string, times int) bool // reports whether it knows the name; called without s.mu
	mend   func()                            // ends its faults; called without s.mu
}

// onBreak lets another kind of faults take part in Break and ClearFaults.
func (s *Server) onBreak(b breaker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breakers = append(s.breakers, b)
}

// Break injects a fault by the name that texts and the demo page use, for so many times (0 = until ClearFaults). Faults of requests
// strike only those that change something, so that polling does not use them up, unless the name ends with @ and the name of a route,
// or a pattern of such names, as in "500@chat.getMessage".
//
//	500  403  429:30      any status from 400 to 599 instead of the work; after a colon the seconds until X-RateLimit-Reset
//	500-after             the same after the work: the message is there, the answer says that it failed
//	reset                 the connection is cut instead of the work
//	lost-reply            the connection is cut after the work
//	truncate              half of the answer
//	slow:2                the answer trickles over 2 seconds
//	hang:5                5 seconds pass before the work
//
// Webhooks and the realtime endpoint have further names. It fails for names that nobody knows.
func (s *Server) Break(name string, times int) error {
	times = max(0, times)
	if f, ok := parseFault(name); ok {
		f.Times = times
		s.Inject(f)
		return nil
	}
	s.mu.Lock()
	others := append([]breaker(nil), s.breakers...)
	s.mu.Unlock()
	for _, b := range others {
		if b.inject(name, times) {
			return nil
		}
	}
	return fmt.Errorf("rocketsim: there is no fault named %q", name)
}

// parseFault reads a request fault's name.
func parseFault(name string) (Fault, bool) {
	what, route, routed := strings.Cut(name, "@")
	word, arg, has := strings.Cut(what, ":")
	wait := time.Duration(0)
	if has {
		const longest = 3600
		sec, err := strconv.ParseFloat(arg, 64)
		if err != nil || !(sec >= 0 && sec <= longest) {
			return Fault{}, false
		}
		wait = time.Duration(sec * float64(time.Second))
	}
	f := Fault{Route: route, Changes: !routed, name: name}
	code, after := strings.CutSuffix(word, "-after")
	if status, err := strconv.Atoi(code); err == nil && status >= 400 && status <= 599 {
		f.Status, f.AfterCommit, f.RetryAfter = status, after, wait
		return f, true
	}
	if takesWait := word == "slow" || word == "hang"; has != takesWait || routed && route == "" {
		return Fault{}, false
	}
	switch word {
	case "reset":
		f.Reset = true
	case "lost-reply":
		f.AfterCommit = true
	case "truncate":
		f.Truncate = true
	case "slow":
		f.Slow = wait
	case "hang":
		f.Delay = wait
	default:
		return Fault{}, false
	}
	return f, true
}

// bracketed is the names in brackets that a text begins with, as in "[dup][429:5] hello"; none with Config.PlainTexts. Whoever has
// faults takes the names that it knows.
func (s *Server) bracketed(text string) []string {
	var names []string
	for !s.cfg.PlainTexts {
		text = strings.TrimLeft(text, " ")
		inside, rest, ok := strings.Cut(strings.TrimPrefix(text, "["), "]")
		if !ok || !strings.HasPrefix(text, "[") || inside == "" || strings.ContainsAny(inside, " [(") {
			break
		}
		names, text = append(names, inside), rest
	}
	return names
}

// asked is the last fault of requests that a text begins with; nil without one.
func (s *Server) asked(text string) *Fault {
	var last *Fault
	for _, name := range s.bracketed(text) {
		if f, ok := parseFault(name); ok {
			f.name = "[" + name + "]"
			last = &f
		}
	}
	return last
}

// armThread injects what the text of a message typed in the app asks for: it strikes, once, the next request that changes something in
// the message's thread, or the next to the route that it names. The caller holds s.mu.
func (s *Server) armThread(m *message) {
	f := s.asked(m.Msg)
	if f == nil {
		return
	}
	f.Times, f.name = 1, f.name+" of message "+m.ID
	if f.Changes {
		f.thread = m.root()
	}
	s.faults = append(s.faults, f)
}

// aim is what a request says and what it is about.
type aim struct{ text, room, thread string }

// aimOf reads from a request's body what it would write, and which thread it would change. The caller holds s.mu.
func (s *Server) aimOf(r *http.Request, body []byte) aim {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return aim{}
	}
	b := params(r, body)
	a := aim{text: text(b["text"]) + text(b["msg"]), room: text(b["roomId"])}
	if m := object(b["message"]); m != nil {
		a.text, a.room, b = text(m["msg"]), text(m["rid"]), m
	}
	for _, key := range []string{"tmid", "msgId", "messageId", "mid"} {
		id := text(b[key])
		if id == "" {
			continue
		}
		a.thread = id
		if m := s.store.held[id]; m != nil {
			a.thread = m.root()
		}
		return a
	}
	return a
}

// textFault is the fault that the text of a request's own message asks for. It strikes once: the same text by the same user to the same
// place passes when it comes again. The caller holds s.mu.
func (s *Server) textFault(r *http.Request, said aim) (Fault, bool) {
	f := s.asked(said.text)
	if f == nil {
		return Fault{}, false
	}
	key := strings.Join([]string{r.Method, r.URL.Path, r.Header.Get("X-User-Id"), said.room, said.thread, said.text}, "\n")
	if _, spent := s.spent[key]; spent {
		return Fault{}, false
	}
	s.spent[key] = struct{}{}
	if name, _ := routeOf(r); !f.matches(r, name, "") { // it names another route
		f.Times = 1
		s.faults = append(s.faults, f)
		return Fault{}, false
	}
	return *f, true
}
