//go:build linux

package bus_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
)

// promises is what was acknowledged, by message id. It outlives the power cuts.
type promises struct {
	mu        sync.Mutex
	stored    map[string]bool // the stream acknowledged it
	handled   map[string]bool // a worker handled it, whatever became of that
	committed map[string]bool // its handling belongs to the group's progress, which the bucket acknowledged
	next      []int           // the next message of each publisher
	cutting   bool

	starting sync.Mutex // held while a worker starts: one that finds no server leaves goroutines of its router behind
}

func newPromises() *promises {
	return &promises{stored: map[string]bool{}, handled: map[string]bool{}, committed: map[string]bool{}, next: make([]int, publishers)}
}

func (p *promises) store(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stored[id] = true
}

// commit takes note of what a worker handled that then ended in peace. One that ended while the power failed may or may not
// have written its progress.
func (p *promises) commit(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cutting {
		return
	}
	for _, id := range ids {
		p.committed[id] = true
	}
}

func (p *promises) handle(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		p.handled[id] = true
	}
}

// fail does what cuts the power, while no worker starts. What workers commit counts again after resume.
func (p *promises) fail(cut func()) {
	p.starting.Lock()
	defer p.starting.Unlock()
	p.mu.Lock()
	p.cutting = true
	p.mu.Unlock()
	cut()
}

func (p *promises) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutting = false
}

// run runs a worker, unless the power has failed.
func (p *promises) run(ctx context.Context, w *bus.Worker) error {
	p.starting.Lock()
	p.mu.Lock()
	cutting := p.cutting
	p.mu.Unlock()
	if cutting {
		p.starting.Unlock()
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	select {
	case <-w.Running():
		p.starting.Unlock()
		return <-ended
	case err := <-ended:
		p.starting.Unlock()
		return err
	}
}

func (p *promises) count() (stored, committed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.stored), len(p.committed)
}

// missing returns how many stored messages are not among those.
func (p *promises) missing(have map[string]bool) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.stored {
		if !have[id] {
			n++
		}
	}
	return n
}

// publishers is how many publish at the same time, each to a thread of its own.
const publishers = 8

// publishUntil publishes without pause until ctx ends or the server is gone.
func (p *promises) publishUntil(ctx context.Context, b *bus.Bus) *sync.WaitGroup {
	var all sync.WaitGroup
	for i := range publishers {
		all.Go(func() {
			for {
				m := say(fmt.Sprint("thread", i), p.next[i])
				m.SetContext(ctx)
				p.next[i]++
				if b.Publisher().Publish(bus.Events, m) != nil { //nolint:contextcheck // it is in the message
					return
				}
				p.store(m.UUID)
			}
		})
	}
	return &all
}

// handleSome runs a worker until last says so of a message or ctx ends, has it commit, and returns what it handled.
func (p *promises) handleSome(ctx context.Context, b *bus.Bus, last func(id string) bool) ([]string, error) {
	w, err := b.Worker(bus.WorkerConfig{Grace: time.Second})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	var handled []string
	err = w.Consume(bus.Events, bus.SubscriberConfig{Group: "g"}, func(m *message.Message) error {
		mu.Lock()
		defer mu.Unlock()
		handled = append(handled, m.UUID)
		if last(m.UUID) {
			stop()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = p.run(ctx, w)
	p.handle(handled)
	return handled, err
}

// handleUntil has one worker after the other commit something, until ctx ends.
func (p *promises) handleUntil(ctx context.Context, b *bus.Bus) error {
	for ctx.Err() == nil {
		n := 0
		handled, err := p.handleSome(ctx, b, func(string) bool { n++; return n >= 50 })
		if err != nil {
			return err
		}
		p.commit(handled)
	}
	return nil
}
