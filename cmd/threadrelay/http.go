package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// maxConnections bounds the connections of one listener; more wait until one is free. Slow ones are cut off by the
// timeouts below.
const maxConnections = 4096

// serveHTTP serves until ctx ends, then calls draining and waits for the requests that are being answered.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, draining func()) error {
	silent := &silentConns{open: make(map[net.Conn]struct{})}
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ConnState:         silent.track,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		draining()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		defer time.AfterFunc(silentGrace, silent.closeAll).Stop()
		stopped <- srv.Shutdown(limit)
	})
	err := srv.Serve(netutil.LimitListener(l, maxConnections))
	if stop() { // not draining: the server failed by itself
		return fmt.Errorf("http: %w", err)
	}
	if err := <-stopped; err != nil {
		return errors.Join(fmt.Errorf("http: requests were still being answered after %s: %w", drainTime, err), srv.Close())
	}
	return nil
}

// silentGrace is how long a connection may stay open, while the server drains, on which nothing was ever said.
const silentGrace = 200 * time.Millisecond

// silentConns are the connections on which no request has begun. Clients open such ones in advance, and a server that
// drains would wait five seconds for each.
type silentConns struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
}

// track is an [http.Server.ConnState].
func (s *silentConns) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.open[c] = struct{}{}
		return
	}
	delete(s.open, c)
}

func (s *silentConns) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.Close() // nothing was promised on it
	}
}
