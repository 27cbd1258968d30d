// Package bustest gives tests a real JetStream: a server of their own, a bus on it, and waiting for conditions instead of
// for time.
package bustest

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// Patience is how long a test waits for something that is certain to come before it fails.
const Patience = 30 * time.Second

// Server is a NATS server on a folder, which can be stopped and started again.
type Server struct {
	t   testing.TB
	cfg natsd.Config

	mu  sync.Mutex
	srv *natsd.Server
}

// StartServer starts a server on dir, or on a folder of the test's own if dir is empty. It ends with the test.
func StartServer(t testing.TB, dir string) *Server {
	t.Helper()
	return Start(t, natsd.Config{Dir: dir})
}

// Start is StartServer with settings.
func Start(t testing.TB, cfg natsd.Config) *Server {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s := &Server{t: t, cfg: cfg}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts the server after a Stop.
func (s *Server) Start() {
	s.t.Helper()
	srv, err := natsd.New(s.cfg)
	if err != nil {
		s.t.Fatalf("bustest: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.srv = srv
}

// Stop stops the server. Connections are cut, and come back after a Start.
func (s *Server) Stop() {
	s.mu.Lock()
	srv := s.srv
	s.srv = nil
	s.mu.Unlock()
	if srv == nil {
		return
	}
	if err := srv.Close(); err != nil {
		s.t.Errorf("bustest: %v", err)
	}
}

// InProcessConn makes the server usable with [nats.InProcessServer], across a Stop and a Start.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srv == nil {
		return nil, errors.New("bustest: the server is stopped")
	}
	return s.srv.InProcessConn()
}

// Connect opens a connection, which is closed when the test ends.
func (s *Server) Connect() *nats.Conn {
	s.t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // what matters comes back from the calls
	if err != nil {
		s.t.Fatalf("bustest: %v", err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// Open opens a bus on a connection of its own. cfg.Conn is filled in.
func (s *Server) Open(cfg bus.Config) *bus.Bus {
	s.t.Helper()
	cfg.Conn = s.Connect()
	b, err := bus.Open(Context(s.t), cfg)
	if err != nil {
		s.t.Fatalf("bustest: %v", err)
	}
	return b
}

// Open starts a server and opens a bus with default settings on it.
func Open(t testing.TB) *bus.Bus {
	t.Helper()
	return StartServer(t, "").Open(bus.Config{})
}

// Context returns a context that ends with the test, or when [Patience] does.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Receive returns what comes out of c next, and fails the test if nothing does.
func Receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatal("bustest: the channel was closed")
		}
		return v
	case <-time.After(Patience):
		t.Fatal("bustest: nothing came")
	}
	panic("unreachable")
}
