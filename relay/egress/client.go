package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// New returns a client that keeps to the bounds of the configuration, or an error if that is wrong or its CAFile cannot be
// used. The client calls nobody before it is used, and is safe for concurrent use; its CloseIdleConnections ends what it
// keeps.
//
// A request too long fails with [ErrRequestTooLong], and the reading of an answer too long with [ErrAnswerTooLong]. Whatever
// took too long is [context.DeadlineExceeded]. Every answer's body must be closed.
func New(cfg Config) (*http.Client, error) {
	return newClient(cfg, (&net.Dialer{}).DialContext)
}

func newClient(cfg Config, dial dialFunc) (*http.Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CAFile != "" {
		var err error
		if secured.RootCAs, err = Authorities(cfg.CAFile); err != nil {
			return nil, fmt.Errorf("egress: CAFile: %w", err)
		}
	}
	s := &sockets{places: newPlaces(cfg.MaxConns), timeout: cfg.ConnectTimeout, dial: dial}
	return &http.Client{
		Transport:     &transport{cfg: cfg, calls: newPlaces(cfg.MaxConns), network: newNetwork(cfg, secured, s.open)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       cfg.Timeout,
	}, nil
}

func newNetwork(cfg Config, secured *tls.Config, dial dialFunc) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		TLSClientConfig:        secured,
		TLSHandshakeTimeout:    cfg.ConnectTimeout,
		ResponseHeaderTimeout:  cfg.HeaderTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        cfg.MaxConns,
		MaxIdleConnsPerHost:    cfg.MaxConns,
		IdleConnTimeout:        idleTime,
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:  silentTime,
			PingTimeout:      silentGrace,
			WriteByteTimeout: cfg.Timeout,
		},
	}
}

// transport adds to net/http's what that does not bound.
type transport struct {
	cfg Config
	// calls bounds those that run. With HTTP/1.1 the sockets would do; with HTTP/2 a call that waits for a further socket is not
	// told when there is room for it on another.
	calls   *places
	network *http.Transport
}

// RoundTrip makes a call. It is for [http.Client].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(context.WithValue(req.Context(), hostKey{}, req.URL.Host))
	resp, err := t.call(ctx, cancel, req)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	resp.Request = req
	return resp, nil
}

func (t *transport) call(ctx context.Context, cancel context.CancelCauseFunc, req *http.Request) (*http.Response, error) {
	out := req.Clone(ctx)
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", t.cfg.UserAgent)
	}
	if err := boundRequest(out, t.cfg.MaxRequest); err != nil {
		closeBody(req)
		return nil, err
	}
	free, err := t.calls.take(ctx, req.URL.Host)
	if err != nil {
		closeBody(req)
		return nil, fmt.Errorf("%d calls to %s are running, and none has ended: %w", t.cfg.MaxConns, req.URL.Host, err)
	}
	resp, err := t.network.RoundTrip(out)
	if err != nil {
		free()
		return nil, explain(err)
	}
	resp.Body = newBody(resp, t.cfg, ending{ctx: ctx, cancel: cancel, free: free})
	return resp, nil
}

// closeBody does what a RoundTripper has to do with the body of a call that it does not make.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// CloseIdleConnections closes the sockets that no call uses.
func (t *transport) CloseIdleConnections() { t.network.CloseIdleConnections() }
