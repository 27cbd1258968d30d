package ingest

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxYoung bounds the events whose webhooks are waited for. Beyond it the count of filled holes is too low.
const maxYoung = 10_000

// holes counts the events that a poll brought and no webhook, although it had its time. It knows the webhooks of this process
// alone: what a poll brought first and another process heard a moment later counts too.
type holes struct {
	filled prometheus.Counter

	mu    sync.Mutex
	young map[event.ID]*time.Timer // events that a poll brought, and whose webhooks may come yet
}

func newHoles(filled prometheus.Counter) *holes {
	return &holes{filled: filled, young: make(map[event.ID]*time.Timer)}
}

// polled takes note of an event that a poll brought first.
func (h *holes) polled(e event.Event) {
	left := hookTime - time.Since(e.Time)
	if left <= 0 {
		h.filled.Inc()
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.young) >= maxYoung {
		return
	}
	left = min(left, hookTime) // however far in the future the platform's clock is
	h.young[e.ID] = time.AfterFunc(left, func() { h.missed(e.ID) })
}

// missed counts an event whose webhook has had its time.
func (h *holes) missed(id event.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.young[id]; ok {
		delete(h.young, id)
		h.filled.Inc()
	}
}

// hooked takes note of events that webhooks brought.
func (h *holes) hooked(events []event.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		if timer, ok := h.young[e.ID]; ok {
			timer.Stop()
			delete(h.young, e.ID)
		}
	}
}

// stop ends the wait for webhooks, whose events are not counted then.
func (h *holes) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, timer := range h.young {
		timer.Stop()
	}
	clear(h.young)
}
