package rocketsim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// DeliveryFault is something that goes wrong with outgoing webhooks. The first injected fault that matches an event for an address
// strikes it, alone; one that a text asks for goes first. Retries are not struck again. [Server.Break] and texts know them by name:
//
//	dup  drop  reorder    the webhook comes twice, never, or behind the next one
//	delay:5               the webhook comes 5 seconds later
//	shuffle:3             the next 3 webhooks come in another order
type DeliveryFault struct {
	Integration string // id; empty = any
	Event       string // empty = any
	MessageID   string // only events about this message; empty = any

	Drop      bool          // never delivered
	Duplicate bool          // delivered twice, with the same body
	Delay     time.Duration // delivered so much later, divided by Config.Speed; others overtake it
	Reorder   bool          // delivered behind the integration's next event, or after 5s (divided by Speed) when none comes
	// Shuffle holds so many events back and then delivers them in another order, which HooksConfig.Seed draws; what is held after
	// 5s (divided by Speed) is delivered then.
	Shuffle int
	Times   int // how many events it strikes; 0 = every one until ClearFaults

	name string // how the chat page calls it
}

// heldFor is how long a reordered or shuffled event waits for others.
const heldFor = 5 * time.Second

// InjectDelivery adds a fault behind those already there.
func (s *Server) InjectDelivery(f DeliveryFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.faults = append(s.hooks.faults, &f)
	s.touch()
}

func (f *DeliveryFault) matches(j hookJob) bool {
	return (f.Integration == "" || f.Integration == j.integration) && (f.Event == "" || f.Event == j.event) &&
		(f.MessageID == "" || f.MessageID == j.message)
}

// namedDelivery reads a fault's name.
func namedDelivery(name string) (DeliveryFault, bool) {
	word, arg, has := strings.Cut(name, ":")
	number, err := strconv.ParseFloat(arg, 64)
	const longest = 3600
	if has && (err != nil || !(number >= 0 && number <= longest)) || has != (word == "delay" || word == "shuffle") {
		return DeliveryFault{}, false
	}
	f := DeliveryFault{name: name}
	switch word {
	case "dup":
		f.Duplicate = true
	case "drop":
		f.Drop = true
	case "reorder":
		f.Reorder = true
	case "delay":
		f.Delay = time.Duration(number * float64(time.Second))
	case "shuffle":
		f.Shuffle = int(number)
	default:
		return DeliveryFault{}, false
	}
	return f, true
}

// breakDelivery injects a fault by its name, and reports whether there is one. A shuffle strikes as many events as it takes.
func (s *Server) breakDelivery(name string, times int) bool {
	f, ok := namedDelivery(name)
	if ok {
		f.Times = times * max(1, f.Shuffle)
		s.InjectDelivery(f)
	}
	return ok
}

// mendDelivery ends every fault of webhooks; what is held back arrives.
func (s *Server) mendDelivery() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.faults = nil
	s.touch()
}

// askedDelivery is the last fault of webhooks that a message's text begins with; nil without one.
func (s *Server) askedDelivery(m *message) *DeliveryFault {
	var last *DeliveryFault
	for _, name := range s.bracketed(m.Msg) {
		if f, ok := namedDelivery(name); ok {
			last = &f
		}
	}
	return last
}

// strikeDelivery finds the fault of an event and counts it; nil when there is none. The caller holds s.mu.
func (s *Server) strikeDelivery(j hookJob) *DeliveryFault {
	h := &s.hooks
	i := slices.IndexFunc(h.faults, func(f *DeliveryFault) bool { return f.matches(j) })
	if i < 0 {
		return nil
	}
	struck := h.faults[i]
	if struck.Times > 0 {
		left := *struck
		left.Times--
		h.faults = slices.Clone(h.faults)
		h.faults[i] = &left
		if left.Times == 0 {
			h.faults = slices.Delete(h.faults, i, i+1)
		}
		s.touch()
	}
	return struck
}

// heldHook is an event that waits for others of its integration.
type heldHook struct {
	job   hookJob
	group int // of so many that are shuffled together; 0 waits for the next event of any kind
}

// dispatch sends an event on its way to one address, as far as no fault strikes it; the caller holds s.mu.
func (s *Server) dispatch(j hookJob, asked *DeliveryFault) {
	f := asked
	if f == nil {
		f = s.strikeDelivery(j)
	}
	if f == nil {
		f = &DeliveryFault{}
	}
	copies := 1
	switch {
	case f.Drop:
		copies = 0
	case f.Duplicate:
		copies = 2
	}
	s.hooks.pending += copies
	for range copies {
		switch {
		case f.Delay > 0:
			s.later(f.Delay, func() { s.queue(j.lane(), j) })
		case f.Reorder, f.Shuffle > 1:
			s.hold(j, f.Shuffle)
		default:
			s.queue(j.lane(), j)
		}
	}
	if !f.Drop && f.Delay == 0 && !f.Reorder && f.Shuffle <= 1 {
		s.release(j.lane(), s.takeHeld(func(h *heldHook) bool { return h.group == 0 && h.job.integration == j.integration }))
	}
}

// hold keeps an event back until a group of its integration is complete; the caller holds s.mu.
func (s *Server) hold(j hookJob, group int) {
	if group <= 1 {
		group = 0
	}
	one := &heldHook{job: j, group: group}
	s.hooks.held = append(s.hooks.held, one)
	same := func(h *heldHook) bool { return group > 0 && h.group == group && h.job.integration == j.integration }
	waiting := 0
	for _, h := range s.hooks.held {
		if same(h) {
			waiting++
		}
	}
	if group > 0 && waiting >= group {
		all := s.takeHeld(same)
		s.hooks.draw.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		s.release(j.lane(), all)
		return
	}
	s.later(heldFor, func() {
		if slices.Contains(s.hooks.held, one) {
			s.release(j.lane(), s.takeHeld(func(h *heldHook) bool { return h == one || same(h) }))
		}
	})
}

// takeHeld takes the events out that are no longer held; the caller holds s.mu.
func (s *Server) takeHeld(which func(*heldHook) bool) []*heldHook {
	var taken, left []*heldHook
	for _, h := range s.hooks.held {
		if which(h) {
			taken = append(taken, h)
		} else {
			left = append(left, h)
		}
	}
	s.hooks.held = left
	return taken
}

// release queues events that were held, all in one lane, so that their new order stays; the caller holds s.mu.
func (s *Server) release(lane hookLane, all []*heldHook) {
	for _, h := range all {
		s.queue(lane, h.job)
	}
}
