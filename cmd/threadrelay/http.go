package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// maxConnections bounds the connections of one listener; more wait until one is free. Slow ones are cut off by the
// timeouts below.
const maxConnections = 4096

// serveHTTP serves until ctx ends, then calls draining and waits for the requests that are being answered.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, draining func()) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          nil,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		draining()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
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
