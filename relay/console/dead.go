package console

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus"
)

// deadTimeout bounds what is done to one dead letter.
const deadTimeout = 10 * time.Second

var errDraining = errors.New("the process is being stopped")

// Dead is what the pages of the dead letters work on.
type Dead struct {
	Bus    *bus.Bus
	Replay bus.ReplayConfig
}

// Outcome is the JSON form of what became of one dead letter.
type Outcome struct {
	ID string `json:"id"`
	// Outcome is "replayed", "dropped", or "failed", which comes with an error.
	Outcome string `json:"outcome"`
	Error   string `json:"error,omitempty"`
}

// Problem is the JSON form of an answer with an error's status. At the end of a listing it says that the listing is cut off.
type Problem struct {
	Error string `json:"error"`
}

// mountDead serves the dead letters:
//
//	GET    /dead              all of them, one JSON object per line; ?connection= ?stage= ?consumer= ?reason= choose some
//	GET    /dead/{id}         one
//	POST   /dead/{id}/replay  has its message handled again
//	DELETE /dead/{id}         removes it
func (c *Console) mountDead(mux *http.ServeMux) {
	if c.cfg.Dead == nil {
		return
	}
	sameOrigin := http.NewCrossOriginProtection()
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /dead":              c.listDead,
		"GET /dead/{id}":         c.showDead,
		"POST /dead/{id}/replay": c.replayDead,
		"DELETE /dead/{id}":      c.dropDead,
	} {
		mux.Handle(pattern, c.guard(c.byAddress(sameOrigin.Handler(h))))
	}
}

// byAddress refuses requests by a host name where no token is asked for: a page in the operator's browser could have given
// its own name the address of this listener, and would be of the same origin then.
func (c *Console) byAddress(next http.Handler) http.Handler {
	if c.cfg.Token != "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if _, err := netip.ParseAddr(host); err != nil && !strings.EqualFold(host, "localhost") {
			writeJSON(w, http.StatusForbidden, Problem{"without an admin token this page is served to an IP address or localhost alone"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// deadFilter reads the query of a listing. A parameter that it does not know is an error, as the listing would not be what
// was asked for.
func deadFilter(query url.Values) (bus.DeadFilter, error) {
	var f bus.DeadFilter
	fields := map[string]*string{"connection": &f.Connection, "stage": &f.Stage, "consumer": &f.Consumer, "reason": &f.Reason}
	for name, values := range query {
		field, ok := fields[name]
		if !ok || len(values) > 1 {
			return f, fmt.Errorf("parameter %q is not known, or stands there twice; known: connection, stage, consumer, reason", name)
		}
		*field = values[0]
	}
	return f, nil
}

func (c *Console) listDead(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, Problem{"the query cannot be read"})
		return
	}
	filter, err := deadFilter(query)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, Problem{err.Error()})
		return
	}
	lines := newLines(w)
	for d, err := range c.cfg.Dead.Bus.DeadLetters(r.Context(), filter) {
		if err == nil && c.draining.Load() {
			err = errDraining
		}
		if err != nil {
			lines.fail(err)
			return
		}
		if err := lines.write(newLetter(d)); err != nil {
			return // the reader has gone
		}
	}
	lines.begin() // an empty listing has a header too
}

func (c *Console) showDead(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deadTimeout)
	defer cancel()
	d, err := c.cfg.Dead.Bus.DeadLetter(ctx, r.PathValue("id"))
	if err != nil {
		writeJSON(w, deadStatus(err, http.StatusBadGateway), Problem{err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, newLetter(d))
}

func (c *Console) replayDead(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	c.apply(w, r, change{id, "replayed", http.StatusUnprocessableEntity, func(ctx context.Context) error {
		return c.cfg.Dead.Bus.Replay(ctx, id, c.cfg.Dead.Replay)
	}})
}

func (c *Console) dropDead(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	c.apply(w, r, change{id, "dropped", http.StatusBadGateway, func(ctx context.Context) error {
		return c.cfg.Dead.Bus.Drop(ctx, id)
	}})
}

// change is something that is done to a dead letter: its outcome when done, and the status of failures that have none of
// their own.
type change struct {
	id, outcome string
	failed      int
	do          func(context.Context) error
}

// apply finishes what it began even if the caller hangs up.
func (c *Console) apply(w http.ResponseWriter, r *http.Request, ch change) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), deadTimeout)
	defer cancel()
	if err := ch.do(ctx); err != nil {
		c.cfg.Log.Warn("dead letter left as it was", "letter", ch.id, "wanted", ch.outcome, "error", err)
		writeJSON(w, deadStatus(err, ch.failed), Problem{err.Error()})
		return
	}
	c.cfg.Log.Info("dead letter is settled", "letter", ch.id, "outcome", ch.outcome)
	writeJSON(w, http.StatusOK, Outcome{ID: ch.id, Outcome: ch.outcome})
}

// deadStatus is the status of an error, or other if it has none of its own.
func deadStatus(err error, other int) int {
	switch {
	case errors.Is(err, bus.ErrDeadLetterID):
		return http.StatusBadRequest
	case errors.Is(err, bus.ErrNoDeadLetter):
		return http.StatusNotFound
	case errors.Is(err, errDraining), errors.Is(err, bus.ErrNotConnected), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	return other
}
