package egress

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// pipes dials into nowhere.
func pipes(context.Context, string, string) (net.Conn, error) {
	conn, _ := net.Pipe()
	return conn, nil
}

func to(host string) context.Context { return context.WithValue(context.Background(), hostKey{}, host) }

func TestSocketsAreCountedPerHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sockets{places: newPlaces(1), timeout: 5 * time.Second, dial: pipes}
		first, err := s.open(to("a"), "tcp", "proxy:80")
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []struct{ host, addr string }{{"b", "proxy:80"}, {"a", "a:80"}} {
			conn, err := s.open(to(other.host), "tcp", other.addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
			_ = conn.Close() // gives no second place away
		}
		start := time.Now()
		if _, err := s.open(to("a"), "tcp", "proxy:80"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		time.AfterFunc(time.Second, func() { _ = first.Close() })
		second, err := s.open(to("a"), "tcp", "proxy:80")
		if err != nil || len(s.places.hosts) != 1 {
			t.Fatalf("%v, %d hosts", err, len(s.places.hosts))
		}
		_ = second.Close()
		if len(s.places.hosts) != 0 {
			t.Errorf("%d hosts are remembered", len(s.places.hosts))
		}
	})
}

func TestFailedDialsTakeNoPlace(t *testing.T) {
	refused := errors.New("refused")
	s := &sockets{places: newPlaces(1), timeout: time.Minute}
	s.dial = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
	for range 3 {
		if _, err := s.open(to("a"), "tcp", "a:80"); !errors.Is(err, refused) {
			t.Fatal(err)
		}
	}
	if len(s.places.hosts) != 0 {
		t.Errorf("%d hosts are remembered", len(s.places.hosts))
	}
}
