package rocketsim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// Delivery is one attempt to call an outgoing webhook.
type Delivery struct {
	Integration string // id
	URL, Event  string
	MessageID   string // the message that it is about; empty for events of rooms and users
	Attempt     int    // from 1
	Body        []byte // what was sent
	Status      int    // answered HTTP status; 0 when there was none
	Err         string // why the attempt failed; empty for a success, which is 200, 201 or 202 with a body
	// Next is what follows: nothing, "retry", "disabled" (answer 410), "given up".
	Next     string
	Posted   string // id of the message that the answer was posted as
	Unposted string // why an answer with a text was not posted
}

// hookLane names a queue: what one address is told of one room. Calls of a lane follow one another; lanes go side by side.
type hookLane struct{ integration, url, rid string }

// hookJob is one body on its way to one address.
type hookJob struct {
	integration, url, event, message, rid, author string

	body []byte
}

func (j *hookJob) lane() hookLane { return hookLane{j.integration, j.url, j.rid} }

// queue sends a job on its way; the caller holds s.mu.
func (s *Server) queue(lane hookLane, j hookJob) {
	if s.cfg.Hooks.Unordered {
		s.task(func() { s.attempt(j, 1) })
		return
	}
	waiting, running := s.hooks.lanes[lane]
	s.hooks.lanes[lane] = append(waiting, j)
	if !running && !s.task(func() { s.runLane(lane) }) {
		delete(s.hooks.lanes, lane)
	}
}

// task runs something beside the caller, who holds s.mu, and reports false when the simulator is closed. Close waits for it.
func (s *Server) task(do func()) bool {
	if !s.enter() {
		return false
	}
	go func() {
		defer s.tasks.Done()
		do()
	}()
	return true
}

// runLane makes the first attempts of a lane's jobs in order until none is left.
func (s *Server) runLane(lane hookLane) {
	for {
		s.mu.Lock()
		waiting := s.hooks.lanes[lane]
		if len(waiting) == 0 || s.closed {
			delete(s.hooks.lanes, lane)
			s.mu.Unlock()
			return
		}
		s.hooks.lanes[lane] = waiting[1:]
		s.mu.Unlock()
		s.attempt(waiting[0], 1)
	}
}

// attempt calls a webhook once and does what its answer asks for.
func (s *Server) attempt(j hookJob, number int) {
	again := time.Duration(-1)
	if in := s.callable(j); in != nil {
		again = s.callAndReport(in, j, number)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if again >= 0 {
		s.later(again, func() { s.task(func() { s.attempt(j, number+1) }) })
		return
	}
	s.progress(func(h *outgoingHooks) { h.pending-- })
}

// callable finds the integration of a job and waits for a slot to call it in; nil when it is gone or off, or the simulator closes.
func (s *Server) callable(j hookJob) *integration {
	s.mu.Lock()
	in := s.kept(j.integration)
	s.mu.Unlock()
	if in == nil || !in.Enabled {
		return nil
	}
	select {
	case s.hooks.slots <- struct{}{}:
		return in
	case <-s.ctx.Done():
		return nil
	}
}

// callAndReport calls a webhook in the slot that the caller has, and gives it back. It returns how long to wait until the next attempt;
// less than 0 when there is none.
func (s *Server) callAndReport(in *integration, j hookJob, number int) time.Duration {
	answer, err := s.callHook(j)
	<-s.hooks.slots
	d := Delivery{
		Integration: in.ID, URL: j.url, Event: j.event, MessageID: j.message, Attempt: number, Body: j.body, Status: answer.status,
	}
	next, again := answer.verdict(err), time.Duration(-1)
	if err == nil && next != succeeded {
		err = fmt.Errorf("rocketsim: webhook %s: status %d with %d bytes", in.Name, answer.status, len(answer.body))
	}
	switch next {
	case succeeded:
		d.Posted, d.Unposted = s.postAnswer(in, j, answer)
	case disabled:
		s.changeIntegration(in.ID, func(in *integration) { in.Enabled = false })
	case retry:
		again, next = in.nextTry(number)
	}
	d.Next = string(next)
	if err != nil {
		d.Err = err.Error()
		s.cfg.Log.Info("webhook failed", "integration", in.ID, "message", j.message, "attempt", number, "next", d.Next, "error", err)
	}
	s.report(d)
	return again
}

// nextTry is how long to wait before an integration is called again after so many failed attempts; less than 0 when it is not.
func (in *integration) nextTry(failed int) (time.Duration, verdict) {
	const usual = 4
	count := in.RetryCount
	if count <= 0 {
		count = usual
	}
	if !in.RetryFailedCalls || failed > count {
		return -1, givenUp
	}
	wait, known := retryWait(in.RetryDelay, failed-1)
	if !known {
		return -1, givenUp
	}
	return wait, retry
}

// hookAnswer is what a webhook answered.
type hookAnswer struct {
	status int
	kind   string // media type
	body   []byte
}

// callHook posts one body and reads the answer. An error means that there was no whole answer.
func (s *Server) callHook(j hookJob) (hookAnswer, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.Hooks.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, j.url, bytes.NewReader(j.body))
	if err != nil {
		return hookAnswer{}, fmt.Errorf("rocketsim: webhook: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", hookAgent)
	res, err := s.hooks.client.Do(req)
	if err != nil {
		return hookAnswer{}, fmt.Errorf("rocketsim: webhook: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer := hookAnswer{status: res.StatusCode, kind: mediaType(res.Header)}
	answer.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return answer, fmt.Errorf("rocketsim: webhook: answer: %w", err)
	}
	if len(answer.body) > maxAnswer {
		return answer, errors.New("rocketsim: webhook: the answer is too large")
	}
	return answer, nil
}

func (s *Server) report(d Delivery) {
	const most = 10000
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress(func(h *outgoingHooks) {
		if len(h.sent) >= 2*most {
			h.sent = slices.Clone(h.sent[len(h.sent)-most:])
		}
		h.sent = append(h.sent, d)
	})
}

// progress notes something about webhooks and wakes who waits for it; the caller holds s.mu.
func (s *Server) progress(note func(*outgoingHooks)) {
	note(&s.hooks)
	close(s.hooks.reported)
	s.hooks.reported = make(chan struct{})
}

// Deliveries returns the newest webhook attempts, at least 10,000, oldest first, in the order of their ending.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hooks.sent)
}

// AwaitDeliveries returns nil once cond holds for what Deliveries returns. It evaluates cond at once and after every attempt, and never
// polls; cond must not call the simulator. It returns the context's error when that ends first, and ErrClosed after Close.
func (s *Server) AwaitDeliveries(ctx context.Context, cond func([]Delivery) bool) error {
	return s.awaitHooks(ctx, "deliveries", func() bool { return cond(slices.Clone(s.hooks.sent)) })
}

// AwaitHooks returns nil once every webhook for what was committed has been called and none is left to be called again: then
// Deliveries is complete. What faults hold back and what is to be tried again is waited for. It fails as AwaitDeliveries does.
func (s *Server) AwaitHooks(ctx context.Context) error {
	return s.awaitHooks(ctx, "webhooks", func() bool { return s.hooks.pending == 0 })
}

// awaitHooks waits until done, which is called with s.mu held.
func (s *Server) awaitHooks(ctx context.Context, what string, done func() bool) error {
	for {
		s.mu.Lock()
		reported, ready := s.hooks.reported, done()
		s.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-reported:
		case <-ctx.Done():
			return fmt.Errorf("rocketsim: await %s: %w", what, ctx.Err())
		case <-s.ctx.Done():
			return fmt.Errorf("rocketsim: await %s: %w", what, ErrClosed)
		}
	}
}

// later does something after a wait on the scaled clock, with s.mu held, unless the simulator is closed first. The caller holds s.mu.
func (s *Server) later(wait time.Duration, do func()) {
	s.task(func() {
		if !s.pause(s.ctx, s.scaled(wait)) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		do()
	})
}

// scaled is how long a wait of the simulator's own takes.
func (s *Server) scaled(wait time.Duration) time.Duration {
	return time.Duration(float64(wait) / s.cfg.Speed)
}
