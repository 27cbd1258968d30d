package bus

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Delivery describes the attempt that a handler is part of.
type Delivery struct {
	// Sequence is the message's place in its stream.
	Sequence uint64
	// Attempt counts from 1.
	Attempt int
	// Inherited is set if the message was stored before this process took the message's partition over: another one, or this
	// one before a restart, may have handled it without having written that down. Attempt cannot tell.
	Inherited bool
	// Stored is when the message was stored, by the server's clock.
	Stored time.Time

	next func(context.Context) (*message.Message, error)
	err  error // what the handler returned; read after the message was nacked
}

// Next returns the message behind this one in its lane, or nil if none was known when this attempt began. It costs no request
// in that case, and else one.
func (d Delivery) Next(ctx context.Context) (*message.Message, error) {
	if d.next == nil {
		return nil, nil
	}
	return d.next(ctx)
}

type deliveryKey struct{}

// DeliveryOf returns the delivery of a message that a Subscriber handed on, and whether ctx belongs to one.
func DeliveryOf(ctx context.Context) (Delivery, bool) {
	d, ok := ctx.Value(deliveryKey{}).(*Delivery)
	if !ok {
		return Delivery{}, false
	}
	return *d, true
}

// deliveryContext is the context of a message that was handed on: it ends when its parent does, or when the message was
// acked or nacked. Most handlers never ask for its end, and then it costs nothing to provide for it.
type deliveryContext struct {
	parent   context.Context
	delivery Delivery

	mu     sync.Mutex
	inner  context.Context // made when somebody asks
	cancel context.CancelFunc
	over   bool
}

func (c *deliveryContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

func (c *deliveryContext) Done() <-chan struct{} { return c.real().Done() }

func (c *deliveryContext) Err() error {
	c.mu.Lock()
	over := c.over
	c.mu.Unlock()
	if over {
		return context.Canceled
	}
	return c.parent.Err()
}

// Value finds the delivery, and everything else where the parent keeps it. It asks the inner context if there is one, so
// that contexts derived from this one are told of its end without a goroutine of their own.
func (c *deliveryContext) Value(key any) any {
	if key == (deliveryKey{}) {
		return &c.delivery
	}
	c.mu.Lock()
	inner := c.inner
	c.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return c.parent.Value(key)
}

func (c *deliveryContext) real() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.cancel = context.WithCancel(c.parent)
		if c.over {
			c.cancel()
		}
	}
	return c.inner
}

// end ends the context.
func (c *deliveryContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}
