package rocketchat

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/threadrelay/threadrelay/relay/egress"
)

// ways are the HTTP clients of a connection, by what they are for: each has bounds of its own.
type ways struct {
	calls   *http.Client
	uploads *http.Client
	stream  *http.Client // the realtime connection
}

// ways makes what makes the calls. None follows a redirect.
func (c Config) ways() (ways, error) {
	if c.HTTP != nil {
		client := *c.HTTP
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return ways{&client, &client, &client}, nil
	}
	usual := egress.Config{Timeout: c.Timeout, MaxAnswer: maxAnswer, CAFile: c.CAFile, UserAgent: c.UserAgent}
	long := usual
	long.Timeout, long.MaxRequest, long.MaxConns = c.MediaTimeout, maxAttachment+maxForm, uploadsAtOnce
	var w ways
	var err error
	if w.calls, err = egress.New(usual); err != nil {
		return ways{}, fmt.Errorf("rocketchat: %w", err)
	}
	if w.uploads, err = egress.New(long); err != nil {
		return ways{}, fmt.Errorf("rocketchat: %w", err)
	}
	if w.stream, err = egress.NewUpgrade(usual); err != nil {
		return ways{}, fmt.Errorf("rocketchat: %w", err)
	}
	return w, nil
}

const (
	// maxForm is what a form has besides the file in it, in bytes.
	maxForm = 64 << 10
	// uploadsAtOnce bounds the uploads that run at the same time; further ones wait.
	uploadsAtOnce = 8
)

// wayOf is the client for a call: only a form may be long.
func (c *Client) wayOf(req *http.Request) *http.Client {
	if strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/") {
		return c.ways.uploads
	}
	return c.ways.calls
}
