package bus_test

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
)

// deafConn is a connection that can be made to hear nothing any more, until it is closed.
type deafConn struct {
	net.Conn
	deaf atomic.Bool
	gone chan struct{}
	once sync.Once
}

func (c *deafConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.deaf.Load() {
		<-c.gone
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *deafConn) Close() error {
	c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// line connects to a server. last is the connection that was made last.
type line struct {
	srv  *bustest.Server
	last atomic.Pointer[deafConn]
}

func (l *line) InProcessConn() (net.Conn, error) {
	c, err := l.srv.InProcessConn()
	if err != nil {
		return nil, err
	}
	l.last.Store(&deafConn{Conn: c, gone: make(chan struct{})})
	return l.last.Load(), nil
}

// openOnLine opens a bus on a line of its own.
func openOnLine(t *testing.T, srv *bustest.Server) (*line, *nats.Conn, *bus.Bus) {
	t.Helper()
	l := &line{srv: srv}
	nc, err := nats.Connect("", nats.InProcessServer(l), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	return l, nc, b
}

// unheard begins to publish, and returns when the messages are stored and nobody has heard of it.
func (l *line) unheard(t *testing.T, b *bus.Bus, messages ...*message.Message) <-chan error {
	t.Helper()
	l.last.Load().deaf.Store(true)
	result := make(chan error, 1)
	go func() { result <- b.Publisher().Publish(bus.Events, messages...) }()
	events := stream(t, l.srv.Connect(), bus.EventsStream)
	for {
		info, err := events.Info(bustest.Context(t))
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Msgs == uint64(len(messages)) {
			break
		}
	}
	select {
	case err := <-result:
		t.Fatalf("published without acknowledgements: %v", err)
	default:
	}
	return result
}

// A batch whose acknowledgements are lost with the connection is reported at once, and may be published again on the next.
func TestTheConnectionBreaksInABatch(t *testing.T) {
	l, nc, b := openOnLine(t, bustest.StartServer(t, ""))
	back := nc.StatusChanged(nats.CONNECTED)
	batch := []*message.Message{say("a", 1), say("a", 2), say("a", 3)}
	result := l.unheard(t, b, batch...)
	_ = l.last.Load().Close()
	if err := bustest.Receive(t, result); !errors.Is(err, bus.ErrNotConnected) || !errors.Is(err, nats.ErrDisconnected) {
		t.Errorf("error %v", err)
	}
	bustest.Receive(t, back)
	acks, err := b.Publisher().Store(bustest.Context(t), bus.Events, batch...)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range acks {
		if want := (bus.Ack{Sequence: uint64(i + 1), Duplicate: true}); a != want {
			t.Errorf("acknowledged as %+v, want %+v", a, want)
		}
	}
}

// Who waits when the connection is closed for good is told so, and TestMain finds what is left running.
func TestTheConnectionIsClosed(t *testing.T) {
	l, nc, b := openOnLine(t, bustest.StartServer(t, ""))
	result := l.unheard(t, b, say("a", 0))
	nc.Close()
	if err := bustest.Receive(t, result); !errors.Is(err, bus.ErrNotConnected) || !errors.Is(err, nats.ErrConnectionClosed) { // or else only a repeat found out
		t.Errorf("while it waited: %v", err)
	}
	if err := b.Publisher().Publish(bus.Events, say("a", 1)); !errors.Is(err, bus.ErrNotConnected) {
		t.Errorf("afterwards: %v", err)
	}
}
