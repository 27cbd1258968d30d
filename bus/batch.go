package bus

import (
	"slices"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// batch is the messages of one Publish call on their way through a pipeline.
type batch struct {
	topic, stream string
	messages      []*message.Message
	letter        letter // in which one after the other is sent
	timer         *time.Timer
	done          chan struct{} // receives when the last answer of an attempt has come

	// The pipeline's lock guards what follows.

	acks    []Ack
	states  []state
	attempt int
	began   time.Duration // the attempt, after the pipeline was born
	breaks  int           // of the connection, when the attempt began
	open    int           // answers that the attempt waits for, and one more while it sends
	held    int           // places, of this attempt and those before
	err     error         // the first of the attempt
}

// state is what is known of a message.
type state byte

const (
	unsent       state = iota // in this attempt, or refused
	awaited                   // an answer is
	acknowledged              // by the stream
)

// tally counts the acknowledged messages of a batch.
type tally struct{ stored, duplicates int }

// batch returns a batch that is to be given back with [pipeline.finish].
func (p *pipeline) batch(topic, stream string, messages []*message.Message) *batch {
	b, ok := p.batches.Get().(*batch)
	if !ok {
		b = &batch{timer: time.NewTimer(0), done: make(chan struct{}, 1)}
	}
	b.topic, b.stream, b.messages = topic, stream, messages
	b.acks = make([]Ack, len(messages))
	b.states = slices.Grow(b.states[:0], len(messages))[:len(messages)]
	clear(b.states)
	return b
}

// finish ends a batch and counts what was acknowledged. Answers may still come, and are nobody's then.
func (p *pipeline) finish(b *batch) tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	var t tally
	for i, s := range b.states {
		switch {
		case s != acknowledged:
		case b.acks[i].Duplicate:
			t.duplicates++
		default:
			t.stored++
		}
	}
	b.messages = nil
	b.letter.empty()
	if b.held == 0 {
		b.acks = nil
		p.batches.Put(b)
	}
	return t
}

// begin prepares the next attempt.
func (p *pipeline) begin(b *batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-b.done: // the attempt before got its last answer too late
	default:
	}
	b.attempt++
	b.began, b.breaks, b.open, b.err = time.Since(p.born), p.breaks, 1, nil
	for i, s := range b.states {
		if s == awaited {
			b.states[i] = unsent
		}
	}
}

// sent takes note that all is sent that could be.
func (p *pipeline) sent(b *batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.close()
}

// end returns nil if all is acknowledged, and else the first error of the attempt, or otherwise.
func (p *pipeline) end(b *batch, otherwise error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	missing := slices.ContainsFunc(b.states, func(s state) bool { return s != acknowledged })
	switch {
	case !missing:
		return nil
	case b.err != nil:
		return b.err
	}
	return otherwise
}

// settle takes the answer to the message of a place that is being freed. One to an earlier attempt counts if it says that
// the message is stored.
func (b *batch) settle(l place, a answer) {
	b.held--
	was := b.states[l.index]
	switch {
	case was == acknowledged:
		return
	case a.err == nil:
		b.states[l.index], b.acks[l.index] = acknowledged, a.ack
	case l.attempt != b.attempt:
		return
	default:
		b.states[l.index] = unsent
		b.fail(a.err)
	}
	if was == awaited {
		b.close()
	}
}

// fail takes note of an error.
func (b *batch) fail(err error) {
	if b.err == nil {
		b.err = explain(err)
	}
}

// close ends one of the things that the attempt waits for.
func (b *batch) close() {
	if b.open--; b.open == 0 {
		b.done <- struct{}{}
	}
}
