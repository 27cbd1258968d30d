package bus_test

import (
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// The answer to the write that takes a lease is lost, as when the connection breaks in that moment. How long it is missed for
// follows from the TTL.
func TestALostAnswerHoldsAShortLeaseUpShortly(t *testing.T) {
	const ttl = time.Second
	g := &gate{srv: bustest.StartServer(t, "")}
	nc := g.srv.Connect()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	one := hold(lease(t, b, "one", ttl))
	bustest.Receive(t, one.taken)
	two := hold(lease(t, behind(t, g), "two", ttl))
	watchers(t, g.srv, 1)
	nc.Close() // gives nothing back
	watchers(t, g.srv, 1)
	g.noIn.Store(true)
	eventually(t, "the answer is lost", func() bool { return g.lostAcks.Load() > 0 })
	g.noIn.Store(false)
	from := time.Now()
	bustest.Receive(t, two.taken)
	if took := time.Since(from); took > ttl {
		t.Errorf("a lost answer held the lease up for %s", took)
	} else {
		t.Logf("TTL %s: a lost answer held the lease up for %s", ttl, took)
	}
	two.stop()
	over(<-two.done)
	over(<-one.done)
}
