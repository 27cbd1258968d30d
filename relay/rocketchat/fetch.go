package rocketchat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/egress"
)

// errTooLarge means that a file has more bytes than are uploaded of one.
var errTooLarge = errors.New("the file is too large")

// fetched is a file on its way from its source.
type fetched struct {
	name, kind string
	content    *source
}

// source reads a file up to a bound, and remembers what went wrong.
type source struct {
	body io.ReadCloser
	left int64
	err  error
}

// Read reads, or returns [errTooLarge].
func (s *source) Read(p []byte) (int, error) {
	if int64(len(p)) > s.left+1 {
		p = p[:s.left+1]
	}
	n, err := s.body.Read(p)
	if int64(n) > s.left {
		n, err = 0, errTooLarge
	}
	s.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// fetch opens a file at its source. The workspace's own files are asked for with the connection's credentials, and all others
// without any. ctx bounds all of the transfer.
func (c *Connection) fetch(ctx context.Context, m event.MediaRef) (fetched, error) {
	u, err := url.Parse(m.URL)
	switch {
	case err != nil:
		return fetched{}, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return fetched{}, errors.New("want an http or https URL")
	case m.Size > maxAttachment:
		return fetched{}, errTooLarge
	}
	own := strings.HasPrefix(m.URL, c.client.base+"/file-upload/")
	resp, err := c.open(ctx, m.URL, own)
	if err == nil && own && resp.StatusCode >= 300 && resp.StatusCode < 400 { // a store elsewhere has it
		resp.Body.Close()
		location, fault := resp.Location()
		if fault != nil {
			return fetched{}, fmt.Errorf("answer %d: %w", resp.StatusCode, fault)
		}
		resp, err = c.open(ctx, location.String(), false)
	}
	if err != nil {
		return fetched{}, egress.Cause(ctx, err)
	}
	if resp.StatusCode != http.StatusOK || resp.ContentLength > maxAttachment {
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return fetched{}, errTooLarge
		}
		return fetched{}, fmt.Errorf("answer %d", resp.StatusCode)
	}
	f := fetched{name: fileName(m.Name, u), kind: m.MIMEType, content: &source{body: resp.Body, left: maxAttachment}}
	if f.kind == "" {
		f.kind = resp.Header.Get("Content-Type")
	}
	return f, nil
}

func (c *Connection) open(ctx context.Context, address string, own bool) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", c.client.userAgent)
	if own {
		c.client.sign(req)
		return c.client.ways.stream.Do(req) //nolint:gosec // G704: below the configured workspace's address
	}
	return c.media.Do(req) //nolint:gosec // G704: the transport refuses private addresses
}

// fileName returns what a file is called: the name that was given, or the last part of its address.
func fileName(name string, u *url.URL) string {
	const longest = 128
	if name == "" {
		name = path.Base(u.Path)
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`/\"`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if runes := []rune(name); len(runes) > longest { // the end tells of what kind it is
		name = string(runes[len(runes)-longest:])
	}
	if strings.Trim(name, "._ ") == "" {
		return "file"
	}
	return name
}

// newMediaClient returns the client that fetches from anywhere. It uses no proxy, which would look up names by itself, and
// unless private is set refuses addresses that are not public, by the address that it connects to.
func newMediaClient(private bool) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !private {
		dialer.Control = refusePrivate
	}
	const redirects = 5
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 15 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > redirects {
				return errors.New("too many redirects")
			}
			return nil
		},
	}
}

// refusePrivate refuses to connect to an address that is not public.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	if !isPublic(at.Addr()) {
		return errors.New("the address is not a public one")
	}
	return nil
}

// isPublic reports an address of the public internet (IANA registries of special-purpose addresses).
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(special).Contains(a) {
			return false
		}
	}
	return true
}
