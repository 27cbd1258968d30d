package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// job is one attempt to handle the head of a lane. It holds copies: the lane belongs to its partition's loop.
type job struct {
	lane       *lane           // to be named in the result, and not to be looked into
	ctx        context.Context // ends when handlers are not waited for any more
	work       context.Context // of the handler
	head       *stored         // nil: fetch it
	subject    string
	next, last uint64
	attempt    int
	since      time.Time // end of the first failed attempt; zero if there was none
	crashes    int       // how often the process ended while this message was being handled
	inherited  uint64    // messages up to here were stored before the partition was taken over
	began      time.Time
}

// result is how an attempt ended: handled (or found to be gone, or stored as a dead letter), handed back because of a stop,
// or else to be tried again after wait.
type result struct {
	lane       *lane
	sequence   uint64
	handled    bool
	handedBack bool
	charged    bool
	wait       time.Duration
	at         time.Time
}

// fetchWait is the pause after a failure that is not the message's fault.
const fetchWait = 500 * time.Millisecond

// ErrCrashed is the reason of a dead letter whose handler never came back.
var ErrCrashed = errors.New("the process ended each time while this message was being handled")

// attempt hands one message to the subscription's handler and waits for its verdict.
func (s *subscription) attempt(j job) result {
	r := result{lane: j.lane}
	m := j.head
	if m == nil {
		var err error
		if m, err = s.fetch(j.ctx, j); err != nil {
			s.warn("cannot fetch the next message of a thread", "lane", j.subject, "error", err)
			return s.again(r, fetchWait)
		}
		if m == nil { // deleted by the stream's limits, or by hand
			r.sequence, r.handled = j.last, true
			return r
		}
	}
	r.sequence = m.sequence
	if j.crashes >= s.retryOf(m.subject).Crashes {
		r.at = time.Now()
		return s.failed(m, j, r, Permanent(ErrCrashed))
	}
	err, ended := s.handle(j, m)
	r.at = time.Now()
	switch {
	case !ended, err != nil && j.work.Err() != nil: // not this message's fault
		r.handedBack = true
		return r
	case err == nil:
		s.done.Inc()
		r.handled = true
		return r
	}
	return s.failed(m, j, r, err)
}

// failed decides about a message that was not handled, and stores it as a dead letter if its time is over.
func (s *subscription) failed(m *stored, j job, r result, err error) result {
	since := j.since
	if since.IsZero() {
		since = r.at
	}
	f := s.retryOf(m.subject).judge(err, j.attempt, r.at.Sub(since), rand.Float64()) //nolint:gosec // spreads retries, guards nothing
	if !f.dead {
		s.count("retry")
		level := slog.LevelWarn
		if !f.charged { // it was asked to wait: whoever asked has told why
			level = slog.LevelDebug
		}
		s.log.Log(j.ctx, level, "attempt failed, will be repeated", "lane", j.subject, "sequence", m.sequence, "attempt", j.attempt, "in", f.wait.Round(time.Millisecond).String(), "error", err)
		r.charged, r.wait = f.charged, f.wait
		return r
	}
	dyingErr := s.tellDying(j, m, err)
	if errors.Is(dyingErr, ErrSpared) {
		s.done.Inc()
		r.handled = true
		return r
	}
	if dyingErr != nil {
		s.warn("what is told of dead letters cannot be told, will be repeated", "lane", j.subject, "sequence", m.sequence, "error", dyingErr)
		return s.again(r, fetchWait)
	}
	letter := deadFrom(s, m, j.attempt, since, r.at, err)
	if buryErr := s.bus.Bury(j.ctx, letter); buryErr != nil {
		s.warn("cannot store a dead letter, will be repeated", "lane", j.subject, "sequence", m.sequence, "error", buryErr)
		return s.again(r, fetchWait)
	}
	s.count("dead")
	s.log.Error("message became a dead letter", "lane", j.subject, "sequence", m.sequence, "attempts", j.attempt, "error", err)
	r.handled = true
	return r
}

// retryOf is the retry budget of a message.
func (s *subscription) retryOf(subject string) Retry {
	if s.retryFor == nil {
		return s.retry
	}
	r := s.retryFor(laneOf(s.topic, subject))
	r.setDefaults()
	return r
}

// tellDying tells whoever wants to know that a message becomes a dead letter, before it does.
func (s *subscription) tellDying(j job, m *stored, reason error) (err error) {
	if s.dying == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	msg := fromNATS(s.topic, m.subject, m.header, m.data)
	own := &deliveryContext{parent: j.ctx, delivery: s.delivery(j, m)}
	defer own.end()
	msg.SetContext(own)
	return s.dying(msg, reason)
}

func (s *subscription) again(r result, wait time.Duration) result {
	r.wait, r.at = wait, time.Now()
	return r
}

// handle hands m on and waits until it is acked or nacked. ended is false if the subscription stops before that.
func (s *subscription) handle(j job, m *stored) (err error, ended bool) { //nolint:revive // the error is the handler's verdict, not handle's own
	msg := fromNATS(s.topic, m.subject, m.header, m.data)
	if SkipReplay(s.group, msg.Metadata) {
		return nil, true
	}
	own := &deliveryContext{parent: j.work, delivery: s.delivery(j, m)}
	defer own.end()
	msg.SetContext(own)
	select {
	case s.out <- msg:
	case <-s.stop:
		return nil, false
	case <-j.work.Done():
		return nil, false
	}
	s.running.Inc()
	select {
	case <-msg.Acked():
		ended = true
	case <-msg.Nacked():
		if err, ended = own.delivery.err, true; err == nil {
			err = errors.New("the message was nacked")
		}
	case <-j.ctx.Done():
	}
	s.running.Dec()
	s.seconds.Observe(time.Since(j.began).Seconds())
	return err, ended
}

// delivery describes an attempt to its handler.
func (s *subscription) delivery(j job, m *stored) Delivery {
	d := Delivery{Sequence: m.sequence, Attempt: j.attempt, Inherited: m.sequence <= j.inherited, Stored: m.at}
	if j.last > m.sequence {
		d.next = func(ctx context.Context) (*message.Message, error) {
			raw, err := s.find(ctx, query{from: m.sequence + 1, subject: j.subject, known: j.last})
			if err != nil || raw == nil {
				return nil, err
			}
			return fromNATS(s.topic, raw.Subject, raw.Header, raw.Data), nil
		}
	}
	return d
}

// fetch reads the first message of the lane that is not handled, or nil if none is left between next and last.
func (s *subscription) fetch(ctx context.Context, j job) (*stored, error) {
	raw, err := s.find(ctx, query{from: j.next, subject: j.subject, known: j.last})
	if err != nil || raw == nil || raw.Sequence > j.last {
		return nil, err
	}
	return &stored{subject: raw.Subject, sequence: raw.Sequence, header: raw.Header, data: raw.Data, at: raw.Time}, nil
}

func (s *subscription) count(outcome string) {
	s.metrics.handled.WithLabelValues(s.group, outcome).Inc()
}
