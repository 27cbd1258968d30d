package ingest

import (
	"cmp"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxFaults bounds the sources that a status lists by name.
const maxFaults = 20

// PollStatus is where the polling of a connection stands.
type PollStatus struct {
	Connection event.ConnectionID `json:"connection"`
	// Polling is set if this instance polls the connection; otherwise another one does, or none, and the rest is zero.
	Polling bool `json:"polling"`
	// Sources are counted by class. Those that cannot be read at this moment are counted in Failing or Refused as well: the
	// former are expected to come back, the latter want somebody to look.
	Live    int `json:"live"`
	Behind  int `json:"behind"`
	Idle    int `json:"idle"`
	Threads int `json:"threads"`
	Failing int `json:"failing"`
	Refused int `json:"refused"`
	// Lag is how many seconds ago the live source was read that has waited for longest.
	Lag float64 `json:"lagSeconds"`
	// Budget is how many calls could be made at this moment.
	Budget float64 `json:"budgetLeft"`
	// PausedUntil is set while the platform wants to be left alone.
	PausedUntil time.Time `json:"pausedUntil,omitzero"`
	// Listening says how it stands with listening; nil if nobody listens.
	Listening *ListenStatus `json:"listening,omitempty"`
	// Faults are some of the sources that cannot be read, the oldest trouble first.
	Faults []SourceFault `json:"faults,omitempty"`
}

// SourceFault is a source that cannot be read.
type SourceFault struct {
	Source string `json:"source"`
	// Kind is that of the [relay.Failure], or where it failed on our side: no_cursor, not_stored, cursor_not_saved.
	Kind  string    `json:"kind"`
	Error string    `json:"error"`
	Since time.Time `json:"since"`
}

// status fills in what the schedule knows.
func (s *schedule) status(now time.Time) PollStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := PollStatus{Polling: true, Budget: s.budget.left(now)}
	if s.paused.After(now) {
		st.PausedUntil = s.paused
	}
	var counts [classes]int
	var lag time.Duration
	for _, src := range s.sources {
		counts[src.class]++
		if src.class == live {
			lag = max(lag, now.Sub(src.polled))
		}
		if src.trouble.kind == "" {
			continue
		}
		if src.trouble.refused {
			st.Refused++
		} else {
			st.Failing++
		}
		st.Faults = append(st.Faults, SourceFault{Source: src.name, Kind: src.trouble.kind, Error: src.trouble.err, Since: src.trouble.since})
	}
	st.Live, st.Behind, st.Idle, st.Threads, st.Lag = counts[live], counts[behind], counts[idle], counts[threads], lag.Seconds()
	slices.SortFunc(st.Faults, func(a, b SourceFault) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Source, b.Source))
	})
	st.Faults = st.Faults[:min(len(st.Faults), maxFaults)]
	return st
}

// all returns the sources that were configured.
func (s *schedule) all() []*source {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*source, 0, len(s.sources))
	for _, src := range s.sources {
		if !src.thread {
			out = append(out, src)
		}
	}
	slices.SortFunc(out, func(a, b *source) int { return a.due.Compare(b.due) })
	return out
}
