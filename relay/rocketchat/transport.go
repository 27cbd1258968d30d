package rocketchat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// newHTTPClient returns a client whose phases are all bounded, the answer's header by the call's own timeout.
func newHTTPClient(timeout time.Duration) *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: timeout,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		ForceAttemptHTTP2:     true,
	}}
}

// transportError returns what went wrong on the way. If the caller has given up, that is found in it.
func transportError(caller context.Context, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // less the method and the URL, which the call names
	}
	if gone := caller.Err(); gone != nil && !errors.Is(err, gone) {
		return fmt.Errorf("%w: %w", gone, err)
	}
	return err
}

// bounded reads up to left bytes and fails at the next one.
type bounded struct {
	r    io.Reader
	left int64
	max  int64
}

func newBounded(r io.Reader, most int64) *bounded { return &bounded{r: r, left: most, max: most} }

// Read reads, or returns [ErrAnswerTooLong].
func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if int64(n) > b.left {
		b.left = 0
		return 0, fmt.Errorf("%w: longer than %d bytes", ErrAnswerTooLong, b.max)
	}
	b.left -= int64(n)
	return n, err
}

// readBounded reads to the end, so that the network connection can be used again.
func readBounded(r io.Reader, most int64) ([]byte, error) { return io.ReadAll(newBounded(r, most)) }
