package bus

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

func TestDeliveryContext(t *testing.T) {
	type key struct{}
	ended := func(ctx context.Context) bool {
		select {
		case <-ctx.Done():
			return true
		default:
			return false
		}
	}
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "of the parent"))
	defer cancel()
	c := &deliveryContext{parent: parent, delivery: Delivery{Sequence: 7, Attempt: 2}}
	if d, ok := DeliveryOf(c); !ok || d.Sequence != 7 || d.Attempt != 2 {
		t.Errorf("delivery %+v, %t", d, ok)
	}
	if c.Value(key{}) != "of the parent" {
		t.Error("the parent's value is hidden")
	}
	if _, ok := c.Deadline(); ok || c.Err() != nil || ended(c) {
		t.Error("a new context is over, or has a deadline")
	}
	before := runtime.NumGoroutine()
	child, stop := context.WithCancel(c)
	defer stop()
	if n := runtime.NumGoroutine(); n != before {
		t.Errorf("a derived context costs %d goroutines", n-before)
	}
	if c.Value(key{}) != "of the parent" {
		t.Error("the parent's value is hidden once the end is asked for")
	}
	c.end()
	if !ended(c) || !ended(child) || !errors.Is(c.Err(), context.Canceled) || !errors.Is(child.Err(), context.Canceled) {
		t.Error("the end did not reach everybody")
	}
}

func TestDeliveryContextEndsWithItsParent(t *testing.T) {
	parent, cancel := context.WithCancel(t.Context())
	c := &deliveryContext{parent: parent}
	child, stop := context.WithCancel(c)
	defer stop()
	cancel()
	<-child.Done()
	<-c.Done()
	if !errors.Is(c.Err(), context.Canceled) {
		t.Errorf("error %v", c.Err())
	}
}

func TestDeliveryContextAskedAfterItsEnd(t *testing.T) {
	c := &deliveryContext{parent: t.Context()}
	c.end()
	select {
	case <-c.Done():
	default:
		t.Error("it is over, and says nothing")
	}
}
