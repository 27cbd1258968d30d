package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// webhooksAtOnce is how many webhook calls run at a time over all webhooks.
const webhooksAtOnce = 16

// Delivery is one attempt to call a webhook.
type Delivery struct {
	Webhook, Trigger string // Webhook is "bot/" and the uid for a call of a bot
	MessageID        string // id of the message that the event is about (not of an action message); empty for group events
	Attempt          int    // from 1
	Status           int    // answered HTTP status; 0 when there was none
	Err              string // why the attempt failed; empty for success, which is exactly 200
}

// laneKey names a queue. Each webhook gets the events of one conversation one after the other; conversations go side by side.
type laneKey struct{ webhook, room string }

type job struct {
	webhook, trigger, messageID string
	body                        []byte
}

func webhookClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: webhooksAtOnce, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// queue appends a job to its lane and starts the lane when it was idle; the caller holds s.mu.
func (s *CometChat) queue(key laneKey, j job) {
	lane, running := s.lanes[key]
	if !running {
		if !s.enter() {
			return
		}
		go s.runLane(key)
	}
	s.lanes[key] = append(lane, j)
}

// runLane makes the first attempts of a lane's jobs in order until none is left.
func (s *CometChat) runLane(key laneKey) {
	defer s.tasks.Done()
	for {
		s.mu.Lock()
		lane := s.lanes[key]
		if len(lane) == 0 || s.closed {
			delete(s.lanes, key)
			s.mu.Unlock()
			return
		}
		next := lane[0]
		s.lanes[key] = lane[1:]
		s.mu.Unlock()
		s.attempt(next, 1)
	}
}

// attempt calls a webhook once and, when that fails and retries are left, sets the next attempt aside so that neither a lane nor
// a slot waits for it.
func (s *CometChat) attempt(j job, number int) {
	s.mu.Lock()
	found := s.target(j.webhook)
	if found == nil {
		s.mu.Unlock()
		return
	}
	w := *found
	s.mu.Unlock()
	select {
	case s.slots <- struct{}{}:
	case <-s.ctx.Done():
		return
	}
	status, err := s.call(w, j)
	<-s.slots
	d := Delivery{Webhook: w.ID, Trigger: j.trigger, MessageID: j.messageID, Attempt: number, Status: status}
	if err != nil {
		d.Err = err.Error()
		s.cfg.Log.Info("webhook failed", "webhook", w.ID, "trigger", j.trigger, "message", j.messageID, "attempt", number, "error", err)
	}
	s.report(d)
	if err != nil && w.RetryOnFailure && number <= len(s.cfg.RetryDelays) {
		s.retry(j, number)
	}
}

func (s *CometChat) retry(j job, failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enter() {
		return
	}
	go func() {
		defer s.tasks.Done()
		if s.pause(s.ctx, s.scaled(s.cfg.RetryDelays[failed-1])) {
			s.attempt(j, failed+1)
		}
	}()
}

// pause waits and reports whether the whole time passed before ctx or the simulator ended.
func (s *CometChat) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-s.ctx.Done():
		return false
	}
}

// call posts one payload. Anything but 200 in time is a failure.
func (s *CometChat) call(w Webhook, j job) (int, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.cfg.WebhookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(j.body))
	if err != nil {
		return 0, fmt.Errorf("sim: webhook %s: %w", w.ID, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if w.Username != "" {
		req.SetBasicAuth(w.Username, w.Password)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("sim: webhook %s: %w", w.ID, err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxPayload)); err != nil {
		return res.StatusCode, fmt.Errorf("sim: webhook %s: answer: %w", w.ID, err)
	}
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, fmt.Errorf("sim: webhook %s: status %d", w.ID, res.StatusCode)
	}
	return res.StatusCode, nil
}

func (s *CometChat) report(d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent.add(d)
	close(s.reported)
	s.reported = make(chan struct{})
}

// Deliveries returns the newest 10,000 webhook attempts, oldest first, in the order of their ending.
func (s *CometChat) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent.list()
}
