package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxPending bounds the messages that wait for an acknowledgement; further Publish calls wait for a place.
const maxPending = 4096

// answerPatience is how long a place is kept for an answer that nobody waits for any more.
const answerPatience = 30 * time.Second

// tokenBase is the base in which tokens are written.
const tokenBase = 32

// outlet is what a pipeline needs of a connection.
type outlet interface {
	PublishMsg(*nats.Msg) error
	IsConnected() bool
	MaxPayload() int64
}

// pipeline sends messages to streams and finds out for each what its stream answered. A message that is under way has a
// place, and its reply subject ends in a token that names the place and is never used again: an answer that comes late, or
// twice, meets nobody else's message.
type pipeline struct {
	out     outlet
	inbox   string // what reply subjects begin with, before the token
	room    *room
	born    time.Time
	free    chan int // the places that are free
	batches sync.Pool

	mu     sync.Mutex
	places [maxPending]place
	serial uint64 // counts what was ever sent
	breaks int    // counts how often the connection broke
}

// place is a message under way.
type place struct {
	token   uint64 // 0 if the place is free
	batch   *batch
	index   int // of the message in the batch
	attempt int // of the batch, when the message was sent
	since   time.Duration
}

func newPipeline(out outlet, inbox string, r *room) *pipeline {
	p := &pipeline{out: out, inbox: inbox, room: r, born: time.Now(), free: make(chan int, maxPending)}
	for at := range p.places {
		p.free <- at
	}
	return p
}

// attempt sends those messages of a batch that are not acknowledged yet, in order, and waits for the answers. It ends with
// the last of them, with ctx, or at the time until. If a message is still not acknowledged then, it returns the first error
// that came.
func (p *pipeline) attempt(ctx context.Context, b *batch, until time.Time) error {
	b.timer.Reset(time.Until(until))
	defer b.timer.Stop()
	p.begin(b)
	if !p.out.IsConnected() {
		return p.end(b, ErrNotConnected)
	}
	if err := p.send(ctx, b); err != nil {
		return p.end(b, err)
	}
	select {
	case <-b.done:
		return p.end(b, nil)
	case <-ctx.Done():
		return p.end(b, late(ctx.Err()))
	case <-b.timer.C:
		return p.end(b, late(context.DeadlineExceeded))
	}
}

func late(err error) error { return fmt.Errorf("no acknowledgement in time: %w", err) }

// send sends what is not acknowledged, and stops at the first message that cannot be sent. It returns an error if there is
// no time left to wait for what was sent.
func (p *pipeline) send(ctx context.Context, b *batch) error {
	defer p.sent(b)
	for i, m := range b.messages {
		at, err := p.enter(ctx, b)
		if err != nil {
			return err
		}
		token, more := p.take(at, b, i)
		if !more {
			return nil
		}
		if token == 0 {
			continue
		}
		b.letter.seal(b.topic, b.stream, m)
		b.letter.Reply = p.reply(token)
		if err := p.out.PublishMsg(&b.letter.Msg); err != nil {
			p.settle(token, answer{err: p.refusal(&b.letter.Msg, err)})
			return nil
		}
	}
	return nil
}

// enter waits for a place. They are given out in the order in which they were asked for.
func (p *pipeline) enter(ctx context.Context, b *batch) (int, error) {
	select {
	case at := <-p.free:
		return at, nil
	default:
	}
	err := context.DeadlineExceeded
	select {
	case at := <-p.free:
		return at, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-b.timer.C:
	}
	return 0, fmt.Errorf("waiting for a place among %d unacknowledged messages: %w", maxPending, err)
}

// take gives a place to a message and returns its token. The place stays free, and the token is 0, if the message needs none
// because it is acknowledged, or if the connection has broken since the attempt began, and then there is no more to do.
func (p *pipeline) take(at int, b *batch, index int) (token uint64, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.breaks != b.breaks {
		b.fail(ErrNotConnected)
		p.free <- at
		return 0, false
	}
	if b.states[index] == acknowledged {
		p.free <- at
		return 0, true
	}
	p.serial++
	token = p.serial*maxPending + uint64(at) //nolint:gosec // places are counted from 0
	p.places[at] = place{token: token, batch: b, index: index, attempt: b.attempt, since: b.began}
	b.states[index] = awaited
	b.open++
	b.held++
	return token, true
}

// reply is the subject on which the answer to the token's message is expected.
func (p *pipeline) reply(token uint64) string {
	var space [96]byte
	return string(strconv.AppendUint(append(space[:0], p.inbox...), token, tokenBase))
}

// refusal says why a message could not be sent.
func (p *pipeline) refusal(m *nats.Msg, err error) error {
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %d bytes exceed the server's limit of %d", ErrTooLarge, m.Size(), p.out.MaxPayload())
	case !p.out.IsConnected():
		return fmt.Errorf("%w: %w", ErrNotConnected, err)
	}
	return err
}

// receive takes what came to the inbox.
func (p *pipeline) receive(m *nats.Msg) {
	digits, _ := strings.CutPrefix(m.Subject, p.inbox)
	token, err := strconv.ParseUint(digits, tokenBase, 64)
	if err != nil {
		return // from somebody who makes subjects up
	}
	p.settle(token, readAnswer(m))
}

// settle ends the wait for a token's message, if it has not ended yet.
func (p *pipeline) settle(token uint64, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := token % maxPending; token != 0 && p.places[at].token == token {
		p.leave(int(at), a) //nolint:gosec // less than maxPending
	}
}

// leave frees a place. p.mu is held.
func (p *pipeline) leave(at int, a answer) {
	l := p.places[at]
	p.places[at] = place{}
	if a.err == nil && string(a.stream) != l.batch.stream {
		a.err = fmt.Errorf("acknowledged by stream %q, and not by %s", a.stream, l.batch.stream)
	}
	if a.err == nil {
		p.room.accept()
	} else if l.batch.topic == Events && isFull(a.err) {
		p.room.refuse()
	}
	l.batch.settle(l, a)
	p.free <- at
}

// leaveAll frees the places for which is says so.
func (p *pipeline) leaveAll(err error, is func(place) bool) {
	for at := range p.places {
		if l := p.places[at]; l.token != 0 && is(l) {
			p.leave(at, answer{err: err})
		}
	}
}

// broken ends the wait for all messages that are under way: their answers were to come on a connection that is gone.
func (p *pipeline) broken(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breaks++
	p.leaveAll(err, func(place) bool { return true })
}

// reclaim frees the places of messages that were sent too long ago to be answered.
func (p *pipeline) reclaim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Since(p.born)
	p.leaveAll(jetstream.ErrAsyncPublishTimeout, func(l place) bool { return now-l.since >= answerPatience })
}
