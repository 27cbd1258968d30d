package egress

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
)

// NewUpgrade returns a client for calls that become another protocol, such as web sockets. It speaks HTTP/1.1 alone, keeps no
// connections, and bounds what comes before the upgrade: the connect, the TLS handshake and the wait for the answer's header.
// What comes behind belongs to whoever speaks it. It trusts and is called what the configuration says.
func NewUpgrade(cfg Config) (*http.Client, error) {
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
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: cfg.ConnectTimeout}
	return &http.Client{
		Transport: &named{agent: cfg.UserAgent, network: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        secured,
			TLSHandshakeTimeout:    cfg.ConnectTimeout,
			ResponseHeaderTimeout:  cfg.HeaderTimeout,
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      true,
			Protocols:              protocols,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// named says who calls.
type named struct {
	agent   string
	network http.RoundTripper
}

// RoundTrip makes a call. It is for [http.Client].
func (n *named) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("User-Agent") == "" {
		req = req.Clone(req.Context())
		req.Header.Set("User-Agent", n.agent)
	}
	resp, err := n.network.RoundTrip(req)
	if err != nil {
		return nil, explain(err)
	}
	return resp, nil
}
