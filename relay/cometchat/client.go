package cometchat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/egress"
)

// Client calls the server API (document "chat-apis") of one app. It is safe for concurrent use, and prints and logs without
// the API key. [Connection.Client] returns one.
//
// A client acts in the app's own name ("app_system"), which sees every conversation, or by [Client.As] in that of a user,
// who sees his own. Every error is an [*APIError] if the platform refused; any other error of a call that was made means that
// it is not known what became of it.
type Client struct {
	base      string // without a slash at its end
	basePath  string // the path of it
	key       secret
	as        string
	userAgent string
	timeout   time.Duration
	maxList   int64 // bytes of a list's answer
	http      *http.Client
	now       func() time.Time
	observe   func(Observation) // may be nil
	meter     relay.Meter       // may be nil
}

func newClient(cfg Config, key secret) (*Client, error) {
	caller, err := cfg.caller()
	if err != nil {
		return nil, err
	}
	client := *caller
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Client{
		base: cfg.BaseURL, key: key, userAgent: cfg.UserAgent, timeout: cfg.Timeout, maxList: maxList, http: &client, now: time.Now, observe: cfg.Observe, meter: cfg.Meter,
	}
	if u, err := url.Parse(c.base); err == nil { // which Validate has seen to
		c.basePath = u.Path
	}
	return c, nil
}

// As returns a client that acts in a user's name (header "onBehalfOf"): what it does is that user's doing, and it sees what
// that user may see. With an empty uid it acts in the app's name.
func (c *Client) As(uid string) *Client {
	other := *c
	other.as = strings.ToLower(uid)
	return &other
}

// String names where the client leads, and in whose name.
func (c *Client) String() string {
	return fmt.Sprintf("cometchat.Client{BaseURL:%q As:%q}", c.base, c.as)
}

// Format prints [Client.String], whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) { writeState(f, c.String()) }

// LogValue names where the client leads, and in whose name.
func (c *Client) LogValue() slog.Value {
	return slog.GroupValue(slog.String("base_url", c.base), slog.String("as", c.as))
}

// Request is what a call of the server API asks for.
type Request struct {
	Method string
	// Path holds the segments below the base URL, not yet escaped: {"users", "ana", "messages"}.
	Path []string
	// Query may be nil.
	Query url.Values
	// Body is sent as JSON; nil for none.
	Body any
}

// NewRequest returns the HTTP request for a call, for endpoints that have no method of their own here. It carries everything
// but the API key, which [Client.Do] adds, so that it can be printed. It calls nobody.
func (c *Client) NewRequest(ctx context.Context, r Request) (*http.Request, error) {
	target := c.base
	for _, segment := range r.Path {
		if segment == "" || segment == "." || segment == ".." {
			return nil, fmt.Errorf("cometchat: %s /%s: %q would change the path", r.Method, strings.Join(r.Path, "/"), segment)
		}
		target += "/" + url.PathEscape(segment)
	}
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	var body bytes.Buffer
	if r.Body != nil {
		enc := json.NewEncoder(&body)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r.Body); err != nil {
			return nil, fmt.Errorf("cometchat: %s /%s: encode: %w", r.Method, strings.Join(r.Path, "/"), err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, bytes.NewReader(body.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("cometchat: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.as != "" {
		as, err := uid(c.as)
		if err != nil {
			return nil, fmt.Errorf("cometchat: on behalf of %q: %w", c.as, err)
		}
		req.Header.Set("onBehalfOf", as)
	}
	return req, nil
}

// Do makes a call of [Client.NewRequest] and reads the "data" of its answer, an object or an array that holds just one, into
// what into points to. A *[json.RawMessage] gets the data as it came, a *[RawPage] the rows of a list; nil means that the data
// is of no interest. Do follows no redirect and sends the API key nowhere but below the base URL.
//
// The configured timeout bounds it, and whatever makes the calls has bounds of its own: see [egress.New]. An answer may have
// 1 MiB, and one with a list 16 MiB, of which no more is held than its rows: a longer one is [egress.ErrAnswerTooLong], and
// of a list fewer rows can be asked for then.
func (c *Client) Do(req *http.Request, into any) error {
	name := c.nameOf(req)
	if !strings.HasPrefix(req.URL.String(), c.base+"/") {
		return fmt.Errorf("%s: the request leads elsewhere than the client", name)
	}
	ctx, cancel := context.WithTimeout(req.Context(), c.timeout)
	defer cancel()
	o := Observation{Method: req.Method, Route: c.routeOf(req), As: req.Header.Get("onBehalfOf"), Start: c.now()}
	err := c.exchange(req.Clone(ctx), into, &o)
	o.Duration = c.now().Sub(o.Start)
	var refused *APIError
	if errors.As(err, &refused) {
		o.Code = refused.Code
	}
	if c.observe != nil {
		c.observe(o)
	}
	if r, tells := o.reading(); tells && c.meter != nil {
		c.meter(r)
	}
	if refused != nil && o.refused() {
		refused.group = o.group()
	}
	switch {
	case err == nil:
		return nil
	case refused != nil:
		return refused
	}
	return fmt.Errorf("%s: %w", name, egress.Cause(req.Context(), err))
}

// exchange sends the request and reads the answer.
func (c *Client) exchange(req *http.Request, into any, o *Observation) error {
	req.Header.Set("apikey", c.key.reveal())
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	o.answered(resp, c.now())
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refusal(resp)
	}
	if err := c.readAnswer(resp, into); err != nil {
		return fmt.Errorf("answer %d: %w", resp.StatusCode, err)
	}
	return nil
}

// refusal reads an error answer. The status says enough if the body breaks off, unless the caller has given up.
func (c *Client) refusal(resp *http.Response) error {
	if resp.StatusCode == http.StatusSwitchingProtocols { // the body is the network connection, which may never end
		return c.apiError(resp, nil)
	}
	body, err := egress.ReadAll(resp.Body, maxAnswer)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("answer %d: %w", resp.StatusCode, err)
	}
	return c.apiError(resp, body)
}

// call makes a request and does it.
func (c *Client) call(ctx context.Context, r Request, into any) error {
	req, err := c.NewRequest(ctx, r)
	if err != nil {
		return err
	}
	return c.Do(req, into)
}

// nameOf names a call in errors.
func (c *Client) nameOf(req *http.Request) string {
	return req.Method + " " + strings.TrimPrefix(req.URL.Path, c.basePath)
}

func (c *Client) routeOf(req *http.Request) string {
	return routeOf(strings.TrimPrefix(req.URL.EscapedPath(), c.basePath))
}
