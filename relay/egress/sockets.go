package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// hostKey is the key in a call's context of the host that is called, which behind a proxy is not the one that is dialled.
type hostKey struct{}

// sockets opens sockets, and bounds how many of a host are open. [http.Transport] does so too, but it gives a socket's place
// away before it has closed it, so that for a moment there would be more; and it does not know all of those with HTTP/2.
type sockets struct {
	places  *places
	timeout time.Duration
	dial    dialFunc
}

// open opens a socket.
func (s *sockets) open(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	host, _ := ctx.Value(hostKey{}).(string)
	free, err := s.places.take(ctx, addr+" "+host)
	if err != nil {
		return nil, s.late(addr, err)
	}
	conn, err := s.dial(ctx, network, addr)
	if err != nil {
		free()
		if ctx.Err() != nil {
			err = s.late(addr, ctx.Err())
		}
		return nil, err
	}
	return &socket{Conn: conn, free: free}, nil
}

func (s *sockets) late(addr string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no network connection to %s within %s: %w", addr, s.timeout, err)
	}
	return fmt.Errorf("no network connection to %s: %w", addr, err)
}

// socket gives its place back once it is closed.
type socket struct {
	net.Conn
	free func()
}

// Close closes the socket.
func (s *socket) Close() error {
	defer s.free()
	return s.Conn.Close()
}
