package ingest

import (
	"cmp"
	"slices"
	"time"
)

// ListenStatus is where the listening to a connection stands.
type ListenStatus struct {
	// Open is set while the realtime connection stands, and Since is when it was opened or lost.
	Open  bool      `json:"open"`
	Since time.Time `json:"since"`
	// Attempts is how many have failed in a row, and Error why the last one did.
	Attempts int    `json:"attempts,omitempty"`
	Error    string `json:"error,omitempty"`
	// Waiting is how many sources are yet to be polled before what is heard of them is passed on, and Held how many events of
	// them are held back.
	Waiting int `json:"waiting"`
	Held    int `json:"held"`
	// Deaf are some of the sources that cannot be listened to.
	Deaf []SourceFault `json:"deaf,omitempty"`
}

// status says how it stands with listening. It may be called on a nil ears.
func (e *ears) status() *ListenStatus {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	st := &ListenStatus{Open: e.open, Since: e.since, Attempts: e.attempts}
	if e.err != nil {
		st.Error = cut(e.err.Error())
	}
	for _, ear := range e.by {
		if !ear.live {
			st.Waiting++
		}
		st.Held += len(ear.held)
	}
	for _, fault := range e.deaf {
		st.Deaf = append(st.Deaf, fault)
	}
	slices.SortFunc(st.Deaf, func(a, b SourceFault) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Source, b.Source))
	})
	st.Deaf = st.Deaf[:min(len(st.Deaf), maxFaults)]
	return st
}
