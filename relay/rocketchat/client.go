package rocketchat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/egress"
)

// maxAnswer bounds an answer, in bytes after decompression. The longest are those of chat.syncMessages, which pages only if
// it is asked to: 1,000 messages of ordinary length stay well below it.
const maxAnswer = 16 << 20

// Client calls the REST API of one workspace as one user. It is safe for concurrent use, and prints and logs without the
// token. [Connection.Client] returns one.
//
// Every error is an [*APIError] if the platform refused; any other error of a call that was made means that it is not known
// what became of it.
type Client struct {
	base      string // of the workspace, without a slash at its end
	user      string
	token     secret
	userAgent string
	timeout   time.Duration
	// mediaTimeout bounds an upload.
	mediaTimeout time.Duration
	maxAnswer    int64 // bytes
	ways         ways
	now          func() time.Time
	meter        relay.Meter       // may be nil
	observe      func(Observation) // may be nil
	// limits tells whether the answers spoke of rate limits.
	limits *limits
	// pace is what polls may cost.
	pace *pace
}

func newClient(cfg Config, token secret) (*Client, error) {
	ways, err := cfg.ways()
	if err != nil {
		return nil, err
	}
	return &Client{
		base: cfg.URL, user: cfg.UserID, token: token, userAgent: cfg.UserAgent, timeout: cfg.Timeout, mediaTimeout: cfg.MediaTimeout,
		maxAnswer: maxAnswer, ways: ways, now: time.Now, meter: cfg.Meter, observe: cfg.Observe, limits: new(limits), pace: new(pace),
	}, nil
}

// String names where the client leads, and as whom.
func (c *Client) String() string {
	return fmt.Sprintf("rocketchat.Client{URL:%q UserID:%q}", c.base, c.user)
}

// Format prints [Client.String], whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) { writeState(f, c.String()) }

// LogValue names where the client leads, and as whom.
func (c *Client) LogValue() slog.Value {
	return slog.GroupValue(slog.String("url", c.base), slog.String("user_id", c.user))
}

// Request is what a call of the REST API asks for.
type Request struct {
	Method string
	// Route is the endpoint's name below /api/v1, such as "chat.sendMessage". It names the rate limit that the call counts
	// against.
	Route string
	// Path holds the segments behind the route, not yet escaped, for the few routes that have ids there.
	Path []string
	// Query may be nil.
	Query url.Values
	// Body is sent as JSON; nil for none. An [Upload] is sent as the form that it is.
	Body any
}

// Do makes a call for which there is no method here, and reads its answer into what into points to: a struct that has the
// answer's members, or nil if they are of no interest. It follows no redirect. The configured timeout bounds it. An answer may
// have 16 MiB: a longer one is [egress.ErrAnswerTooLong].
func (c *Client) Do(ctx context.Context, r Request, into any) error {
	name := r.Method + " " + r.Route
	timeout := c.timeout
	if _, ok := r.Body.(Upload); ok {
		timeout = c.mediaTimeout
	}
	bound, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := c.newRequest(bound, r)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	o := Observation{Method: r.Method, Route: r.Route, Start: c.now()}
	err = c.exchange(req, into, &o)
	o.Duration = c.now().Sub(o.Start)
	var refused *APIError
	if errors.As(err, &refused) {
		o.Code = refused.Code
	}
	c.tell(o)
	if err == nil {
		return nil
	}
	if refused == nil {
		err = egress.Cause(ctx, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// get reads an endpoint.
func (c *Client) get(ctx context.Context, route string, q url.Values, into any) error {
	return c.Do(ctx, Request{Method: http.MethodGet, Route: route, Query: q}, into)
}

// post changes something.
func (c *Client) post(ctx context.Context, route string, body, into any) error {
	return c.Do(ctx, Request{Method: http.MethodPost, Route: route, Body: body}, into)
}

// newRequest returns the HTTP request for a call.
func (c *Client) newRequest(ctx context.Context, r Request) (*http.Request, error) {
	target := c.base + "/api/v1"
	for _, segment := range append([]string{r.Route}, r.Path...) {
		if segment == "" || segment == "." || segment == ".." {
			return nil, fmt.Errorf("%q would change the path", segment)
		}
		target += "/" + url.PathEscape(segment)
	}
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	c.sign(req)
	return req, setBody(req, r.Body)
}

// sign adds who the client is.
func (c *Client) sign(req *http.Request) {
	req.Header.Set("X-User-Id", c.user)
	req.Header.Set("X-Auth-Token", c.token.reveal())
}

// setBody gives a request its body. The one of an upload has to be read or closed, which making the call does.
func setBody(req *http.Request, v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case Upload:
		form, kind := v.form()
		req.Body, req.ContentLength = form, -1
		req.Header.Set("Content-Type", kind)
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	body := b.Bytes()
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	req.Header.Set("Content-Type", "application/json")
	return nil
}

// exchange sends the request and reads the answer.
func (c *Client) exchange(req *http.Request, into any, o *Observation) error {
	resp, err := c.wayOf(req).Do(req) //nolint:gosec // G704: the address is the configured workspace's
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	o.answered(resp, c.now())
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refusal(resp, o)
	}
	body, err := egress.ReadAll(resp.Body, c.maxAnswer)
	if err == nil {
		err = c.readAnswer(resp, o.Route, body, into)
	}
	var refused *APIError
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("answer %d: %w", resp.StatusCode, err)
	}
	return err
}

// readAnswer reads a successful answer. What does not say that it is one comes from somebody else.
func (c *Client) readAnswer(resp *http.Response, route string, body []byte, into any) error {
	var envelope struct {
		Success *bool `json:"success"`
	}
	if err := decodeObject(body, &envelope); err != nil {
		return err
	}
	switch {
	case envelope.Success == nil:
		return errors.New(`without "success": not an answer of Rocket.Chat's`)
	case !*envelope.Success:
		return c.apiError(resp, route, body)
	case into == nil:
		return nil
	}
	return decodeObject(body, into)
}

// refusal reads an error answer. The status says enough if the body breaks off, unless the caller has given up.
func (c *Client) refusal(resp *http.Response, o *Observation) error {
	if resp.StatusCode == http.StatusSwitchingProtocols { // the body is the network connection, which may never end
		return c.apiError(resp, o.Route, nil)
	}
	body, err := egress.ReadAll(resp.Body, maxRefusal)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("answer %d: %w", resp.StatusCode, err)
	}
	e := c.apiError(resp, o.Route, body)
	o.Rate.Pause = e.RetryAfter
	return e
}

// tell passes on what a call has shown.
func (c *Client) tell(o Observation) {
	c.limits.note(o)
	c.pace.note(o, c.now())
	if c.observe != nil {
		c.observe(o)
	}
	if r, ok := o.reading(); ok && c.meter != nil {
		c.meter(r)
	}
}

// decodeObject reads a JSON object. The error holds nothing of it.
func decodeObject(data []byte, into any) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || data[0] != '{' {
		return errors.New("not a JSON object")
	}
	err := json.Unmarshal(data, into)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return errors.New("undecodable")
	}
	return err
}
