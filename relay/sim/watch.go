package sim

import (
	"context"
	"fmt"
)

// Await returns nil once cond holds for the messages. It evaluates cond at once and after every change, and never polls; cond
// must not change the slice and must not call the simulator. It returns the context's error when that ends first, and
// ErrClosed after Close.
func (s *CometChat) Await(ctx context.Context, cond func([]Message) bool) error {
	for {
		s.mu.Lock()
		changed, all := s.changed, s.store.snapshot()
		s.mu.Unlock()
		if cond(all) {
			return nil
		}
		if err := s.wait(ctx, changed); err != nil {
			return fmt.Errorf("sim: await messages: %w", err)
		}
	}
}

// AwaitDeliveries is Await for webhook attempts: cond gets what Deliveries returns.
func (s *CometChat) AwaitDeliveries(ctx context.Context, cond func([]Delivery) bool) error {
	for {
		s.mu.Lock()
		reported, all := s.reported, s.sent.list()
		s.mu.Unlock()
		if cond(all) {
			return nil
		}
		if err := s.wait(ctx, reported); err != nil {
			return fmt.Errorf("sim: await deliveries: %w", err)
		}
	}
}

func (s *CometChat) wait(ctx context.Context, wake <-chan struct{}) error {
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return ErrClosed
	}
}

// watcher is one reader of Watch; s.mu guards its queue.
type watcher struct {
	queue []Message
	wake  chan struct{} // holds one token when the queue has something new
}

// Watch tells every new message as it is committed, and every edited or deleted one as it stands after the change (with
// EditedAt or DeletedAt). The action messages that record edits and deletions are not told besides. Nothing is dropped however
// slowly the channel is read; it is closed when ctx ends or the simulator is closed.
func (s *CometChat) Watch(ctx context.Context) <-chan Message {
	out := make(chan Message)
	w := &watcher{wake: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enter() {
		close(out)
		return out
	}
	s.watchers[w] = struct{}{}
	go func() {
		defer s.tasks.Done()
		defer close(out)
		defer s.forget(w)
		s.feed(ctx, w, out)
	}()
	return out
}

func (s *CometChat) feed(ctx context.Context, w *watcher, out chan<- Message) {
	for s.wait(ctx, w.wake) == nil {
		s.mu.Lock()
		batch := w.queue
		w.queue = nil
		s.mu.Unlock()
		for _, m := range batch {
			select {
			case out <- m:
			case <-ctx.Done():
				return
			case <-s.ctx.Done():
				return
			}
		}
	}
}

func (s *CometChat) forget(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, w)
}

// tell queues a message for every watcher; the caller holds s.mu.
func (s *CometChat) tell(m Message) {
	for w := range s.watchers {
		w.queue = append(w.queue, m)
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// Request is one request to the REST API.
type Request struct {
	ID                       string // the header X-Request-Id of the answer
	Method, Path, OnBehalfOf string // Path is the escaped path with the query, as it came
	Status                   int    // what was answered; 0 when the connection was cut
	Body                     []byte // at most the first 64 KiB
}

// Requests returns the newest 10,000 API requests, oldest first, in the order of their being answered.
func (s *CometChat) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests.list()
}
