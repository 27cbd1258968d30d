package cometchat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// platform is the name of the platform in events and their ids.
const platform = "cometchat"

// maxAnswer bounds an answer, in bytes after decompression.
const maxAnswer = 1 << 20

// Connection is one CometChat app and the user as whom we act there. It is safe for concurrent use, and prints and logs
// without its secrets.
type Connection struct {
	id        event.ConnectionID
	appID     string
	self      event.UserID
	base      string
	userAgent string
	timeout   time.Duration
	key       secret
	hook      *hook // nil: the hook is closed
	http      *http.Client
	now       func() time.Time
}

var (
	_ relay.Receiver = (*Connection)(nil)
	_ relay.Redactor = (*Connection)(nil)
	_ relay.Sender   = (*Connection)(nil)
	_ relay.Members  = (*Connection)(nil)
)

// New returns a connection, or the faults of its configuration. It calls nobody.
func New(cfg Config) (*Connection, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	client := *cfg.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Connection{
		id: cfg.ID, appID: cfg.AppID, self: event.UserID(cfg.BotUID), base: cfg.BaseURL, userAgent: cfg.UserAgent,
		timeout: cfg.Timeout, key: secret{v: &cfg.APIKey}, http: &client, now: time.Now,
	}
	if cfg.WebhookUsername != "" {
		c.hook = &hook{user: sha256.Sum256([]byte(cfg.WebhookUsername)), password: sha256.Sum256([]byte(cfg.WebhookPassword))}
	}
	return c, nil
}

// ID returns the connection's name.
func (c *Connection) ID() event.ConnectionID { return c.id }

// String names the connection and where it leads.
func (c *Connection) String() string {
	return fmt.Sprintf("cometchat.Connection{ID:%q AppID:%q BaseURL:%q BotUID:%q hook:%t}", c.id, c.appID, c.base, c.self, c.hook != nil)
}

// Format prints [Connection.String], whatever the verb.
func (c *Connection) Format(f fmt.State, _ rune) { writeState(f, c.String()) }

// LogValue names the connection and where it leads.
func (c *Connection) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", string(c.id)), slog.String("app_id", c.appID), slog.String("base_url", c.base),
		slog.String("bot_uid", string(c.self)), slog.Bool("hook", c.hook != nil),
	)
}

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

// call is one request to the server API.
type call struct {
	method string
	// path holds the segments below the base URL, not yet escaped.
	path []string
	// as is the user in whose name it is done.
	as string
	// body is sent as JSON; nil for none.
	body any
}

func (k call) String() string { return k.method + " /" + strings.Join(k.path, "/") }

// do makes a call and returns the "data" of its answer. Its error is an [*APIError] if the platform refused; any other error
// means that it is not known what became of the call.
func (c *Connection) do(ctx context.Context, k call) (json.RawMessage, error) {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.newRequest(within, k)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, transportError(ctx, err))
	}
	defer resp.Body.Close()
	body, err := readBounded(resp.Body)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, c.apiError(resp, body) // the status says enough, even if the body broke off
	}
	if err != nil {
		return nil, fmt.Errorf("%s: read the answer: %w", k, transportError(ctx, err))
	}
	var answer struct {
		Data  json.RawMessage `json:"data"`
		Error json.RawMessage `json:"error"`
	}
	if err := decodeObject(body, &answer); err != nil {
		return nil, fmt.Errorf("%s: answer %d: %w", k, resp.StatusCode, err)
	}
	if isAbsent(answer.Data) && !isAbsent(answer.Error) {
		return nil, c.apiError(resp, body)
	}
	return answer.Data, nil
}

func (c *Connection) newRequest(ctx context.Context, k call) (*http.Request, error) {
	var body bytes.Buffer
	if k.body != nil {
		enc := json.NewEncoder(&body)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(k.body); err != nil {
			return nil, fmt.Errorf("%s: encode: %w", k, err)
		}
	}
	target := c.base
	for _, segment := range k.path {
		target += "/" + url.PathEscape(segment)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, bytes.NewReader(body.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	req.Header.Set("apikey", c.key.reveal())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if k.as != "" {
		req.Header.Set("onBehalfOf", k.as)
	}
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// readBounded reads to the end, so that the network connection can be used again.
func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("longer than %d bytes", maxAnswer)
	}
	return body, err
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

// decodeData reads the data of an answer: an object, or an array that holds just one, as some endpoints send.
func decodeData(data json.RawMessage, into any) error {
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && len(list) == 1 {
		data = list[0]
	}
	if err := decodeObject(data, into); err != nil {
		return fmt.Errorf("answer: data: %w", err)
	}
	return nil
}

func isAbsent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
