package bus_test

import (
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// What was stored before a process took its partition over may have been handled; what came since has not.
func TestDeliveriesTellWhatAnotherMayHaveHandled(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	inherited := func(m *message.Message) bool {
		t.Helper()
		d, ok := bus.DeliveryOf(m.Context())
		if !ok {
			t.Fatal("no delivery")
		}
		return d.Inherited
	}
	publish(t, b, say("a", 0), say("b", 0))
	first, c := subscribe(t, b, bus.SubscriberConfig{Group: "g"})
	for range 2 {
		m := bustest.Receive(t, c)
		if !inherited(m) {
			t.Errorf("%s was stored before, and counts as new", m.UUID)
		}
		m.Ack()
	}
	publish(t, b, say("a", 1))
	m := bustest.Receive(t, c)
	if inherited(m) {
		t.Errorf("%s is new, and counts as inherited", m.UUID)
	}
	closed := make(chan error, 1)
	go func() { closed <- first.Close() }()
	m.Nack() // handed back, to whoever comes next
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	_, c = subscribe(t, srv.Open(bus.Config{}), bus.SubscriberConfig{Group: "g"})
	m = bustest.Receive(t, c)
	if m.UUID != "a-1" || !inherited(m) {
		t.Errorf("%s, inherited %t", m.UUID, inherited(m))
	}
	m.Ack()
}
