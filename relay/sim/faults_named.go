package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// breakage is a fault by its name: one of the two.
type breakage struct {
	request  *Fault
	delivery *DeliveryFault
}

// Break injects a fault by the name that texts and the demo page use, for so many times (0 = until ClearFaults). Faults of
// requests strike only those that change something, so that polling does not use them up.
//
//	500  403  429:30      any status from 400 to 599 instead of the work; after a colon the seconds of Retry-After
//	500-after             the same after the work: the message is there, the answer says that it failed
//	reset                 the connection is cut instead of the work
//	lost-reply            the connection is cut after the work
//	truncate              half of the answer
//	slow:2                the answer trickles over 2 seconds
//	hang:5                5 seconds pass before the work
//	dup  drop  reorder    the webhook comes twice, never, or behind the next one
//	delay:5               the webhook comes 5 seconds later
//
// It fails for names that are none of these.
func (s *CometChat) Break(name string, times int) error {
	b, ok := parseBreakage(name)
	if !ok {
		return badField("fault", "There is no fault named %q.", name)
	}
	if b.request != nil {
		b.request.Times, b.request.Changes, b.request.name = max(0, times), true, name
		s.Inject(*b.request)
		return nil
	}
	b.delivery.Times, b.delivery.name = max(0, times), name
	s.InjectDelivery(*b.delivery)
	return nil
}

// parseBreakage reads a fault's name.
func parseBreakage(name string) (breakage, bool) {
	word, arg, has := strings.Cut(name, ":")
	wait := time.Duration(0)
	if has {
		const longest = 3600
		sec, err := strconv.ParseFloat(arg, 64)
		if err != nil || !(sec >= 0 && sec <= longest) {
			return breakage{}, false
		}
		wait = time.Duration(sec * float64(time.Second))
	}
	code, after := strings.CutSuffix(word, "-after")
	if status, err := strconv.Atoi(code); err == nil && status >= 400 && status <= 599 {
		return breakage{request: &Fault{Status: status, AfterCommit: after, RetryAfter: wait}}, true
	}
	takesWait := word == "slow" || word == "hang" || word == "delay"
	if has != takesWait {
		return breakage{}, false
	}
	switch word {
	case "reset":
		return breakage{request: &Fault{Reset: true}}, true
	case "lost-reply":
		return breakage{request: &Fault{AfterCommit: true}}, true
	case "truncate":
		return breakage{request: &Fault{Truncate: true}}, true
	case "slow":
		return breakage{request: &Fault{Slow: wait}}, true
	case "hang":
		return breakage{request: &Fault{Delay: wait}}, true
	case "dup":
		return breakage{delivery: &DeliveryFault{Duplicate: true}}, true
	case "drop":
		return breakage{delivery: &DeliveryFault{Drop: true}}, true
	case "reorder":
		return breakage{delivery: &DeliveryFault{Reorder: true}}, true
	case "delay":
		return breakage{delivery: &DeliveryFault{Delay: wait}}, true
	}
	return breakage{}, false
}

// asked reads the faults that a text begins with, e.g. "[dup][429:5] hello": at most one for the request and one for the
// webhooks, the last of each kind.
func (s *CometChat) asked(text string) breakage {
	var found breakage
	if s.cfg.PlainTexts {
		return found
	}
	for {
		text = strings.TrimLeft(text, " ")
		inside, rest, ok := strings.Cut(strings.TrimPrefix(text, "["), "]")
		if !strings.HasPrefix(text, "[") || !ok {
			return found
		}
		b, ok := parseBreakage(inside)
		if !ok {
			return found
		}
		if b.request != nil {
			b.request.name = "[" + inside + "]"
			found.request = b.request
		} else {
			found.delivery = b.delivery
		}
		text = rest
	}
}

// deliveryFaultOf is what a message's text asks for its own webhooks.
func (s *CometChat) deliveryFaultOf(m *message) *DeliveryFault { return s.asked(m.text()).delivery }

// armThread injects what the text of a message typed in the app asks for the next request that changes something in its thread.
func (s *CometChat) armThread(m *message) {
	f := s.asked(m.text()).request
	if m.rest || f == nil {
		return
	}
	f.thread, f.Times, f.name = m.root(), 1, f.name+" of message "+m.key()
	s.faults = append(s.faults, f)
}

// textFault is the fault that the text of a request's own message asks for. It strikes once: the same text by the same sender to
// the same place passes when it comes again. The caller holds s.mu.
func (s *CometChat) textFault(r *http.Request, body []byte) (Fault, bool) {
	mayAsk := (r.Method == http.MethodPost || r.Method == http.MethodPut) && bytes.IndexByte(body, '[') >= 0
	if !mayAsk {
		return Fault{}, false
	}
	var b struct {
		Receiver string
		Data     struct{ Text string }
	}
	if json.Unmarshal(body, &b) != nil {
		return Fault{}, false
	}
	f := s.asked(b.Data.Text).request
	key := strings.Join([]string{r.Method, r.URL.Path, r.Header.Get("onBehalfOf"), b.Receiver, b.Data.Text}, "\n")
	if _, spent := s.spent[key]; f == nil || spent {
		return Fault{}, false
	}
	s.spent[key] = struct{}{}
	return *f, true
}
