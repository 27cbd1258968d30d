package sim

import (
	"slices"
	"time"
)

// DeliveryFault is something that goes wrong with webhook deliveries. The first injected fault that matches an event for a
// webhook strikes it, alone; one that a text asks for goes first. Retries are not struck again.
type DeliveryFault struct {
	Webhook   string // id of the webhook, or "bot/" and the uid of a bot; empty = any
	Trigger   string // empty = any
	MessageID string // only events about this message; empty = any

	Drop      bool          // never delivered
	Duplicate bool          // delivered twice, with the same payload
	Delay     time.Duration // delivered so much later, divided by CometChatConfig.Speed; others overtake it
	Reorder   bool          // delivered behind the webhook's next event, or after 5s (divided by Speed) when none comes
	Times     int           // how many events it strikes; 0 = every one until ClearFaults

	name string // how the demo page calls it
}

// reorderWait is how long a reordered event waits for the next one.
const reorderWait = 5 * time.Second

// InjectDelivery adds a fault behind those already there.
func (s *CometChat) InjectDelivery(f DeliveryFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveryFaults = append(s.deliveryFaults, &f)
	s.touch()
}

func (f *DeliveryFault) matches(j job) bool {
	return (f.Webhook == "" || f.Webhook == j.webhook) && (f.Trigger == "" || f.Trigger == j.trigger) &&
		(f.MessageID == "" || f.MessageID == j.messageID)
}

// strikeDelivery finds the fault of an event and counts it; the zero fault does nothing. The caller holds s.mu.
func (s *CometChat) strikeDelivery(j job) DeliveryFault {
	i := slices.IndexFunc(s.deliveryFaults, func(f *DeliveryFault) bool { return f.matches(j) })
	if i < 0 {
		return DeliveryFault{}
	}
	struck := *s.deliveryFaults[i]
	if struck.Times > 0 {
		s.deliveryFaults[i].Times--
		if s.deliveryFaults[i].Times == 0 {
			s.deliveryFaults = slices.Delete(s.deliveryFaults, i, i+1)
		}
		s.touch()
	}
	return struck
}

// heldJob is an event that waits for the next one of its webhook.
type heldJob struct {
	lane laneKey
	job  job
}

// dispatch queues an event for a webhook, as far as no fault strikes it; the caller holds s.mu.
func (s *CometChat) dispatch(lane laneKey, j job, asked *DeliveryFault) {
	var f DeliveryFault
	if asked != nil {
		f = *asked
	} else {
		f = s.strikeDelivery(j)
	}
	copies := 1
	if f.Duplicate {
		copies = 2
	}
	for range copies {
		switch {
		case f.Drop:
		case f.Delay > 0:
			s.later(f.Delay, func() { s.queue(lane, j) })
		case f.Reorder:
			h := &heldJob{lane, j}
			s.heldBack = append(s.heldBack, h)
			s.later(reorderWait, func() { s.release(h, h.lane) })
		default:
			s.queue(lane, j)
		}
	}
	if !f.Drop && f.Delay == 0 && !f.Reorder {
		for _, h := range slices.Clone(s.heldBack) {
			if h.job.webhook == j.webhook {
				s.release(h, lane)
			}
		}
	}
}

// release queues a held event in a lane, unless that has happened; the caller holds s.mu.
func (s *CometChat) release(h *heldJob, lane laneKey) {
	i := slices.Index(s.heldBack, h)
	if i < 0 {
		return
	}
	s.heldBack = slices.Delete(s.heldBack, i, i+1)
	s.queue(lane, h.job)
}

// later does something after a wait on the scaled clock, with s.mu held, unless the simulator is closed first. The caller holds
// s.mu.
func (s *CometChat) later(wait time.Duration, do func()) {
	if !s.enter() {
		return
	}
	go func() {
		defer s.tasks.Done()
		if !s.pause(s.ctx, s.scaled(wait)) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		do()
	}()
}

// scaled is how long a wait of the simulator's own takes.
func (s *CometChat) scaled(wait time.Duration) time.Duration {
	return time.Duration(float64(wait) / s.cfg.Speed)
}
