package rocketchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/threadrelay/threadrelay/relay"
)

// The realtime protocol is Meteor's DDP, version 1, over a WebSocket.

const (
	// maxFrame bounds a frame, in bytes. A message has at most some ten thousand characters, and attachments of others.
	maxFrame = 4 << 20
	// writeTime bounds the sending of a frame.
	writeTime = 10 * time.Second
	// quietTime is how long nothing may be heard of the server before it is asked whether it is there. It has as long again to
	// answer.
	quietTime = 30 * time.Second
)

// errQuiet means that the server has fallen silent.
var errQuiet = errors.New("the server does not answer")

// ddp is a realtime connection. One goroutine reads from it; all may write.
type ddp struct {
	conn  *websocket.Conn
	clean func(string) string // takes secrets out of the server's texts
	heard atomic.Int64        // when a frame came last, in ms since 1970
	calls int
}

// frame is what the server sends.
type frame struct {
	Msg        string          `json:"msg"`
	ID         loose           `json:"id"`
	Subs       listOf[loose]   `json:"subs"` // of "ready"
	Result     json.RawMessage `json:"result"`
	Error      json.RawMessage `json:"error"`
	Reason     loose           `json:"reason"` // of "error"
	Version    loose           `json:"version"`
	Collection string          `json:"collection"`
	Fields     struct {
		Event loose                   `json:"eventName"`
		Args  listOf[json.RawMessage] `json:"args"`
	} `json:"fields"`
}

// dial opens a connection to the server's realtime endpoint.
func (c *Connection) dial(ctx context.Context) (*ddp, error) {
	ctx, cancel := context.WithTimeout(ctx, c.client.timeout)
	defer cancel()
	header := http.Header{"User-Agent": {c.client.userAgent}}
	options := &websocket.DialOptions{HTTPClient: c.client.ways.stream, HTTPHeader: header}
	conn, resp, err := websocket.Dial(ctx, c.client.base+"/websocket", options) //nolint:bodyclose // which Dial has seen to
	if err != nil {
		f := &relay.Failure{Kind: relay.Temporary, Err: err}
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			refused := c.client.apiError(resp, "websocket", nil)
			f.Kind, f.After, f.Err = verdict(refused), refused.RetryAfter, refused
		}
		return nil, f
	}
	conn.SetReadLimit(maxFrame)
	d := &ddp{conn: conn, clean: c.client.errorText}
	d.heard.Store(c.now().UnixMilli())
	return d, nil
}

// send writes a frame.
func (d *ddp) send(ctx context.Context, v map[string]any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	return d.conn.Write(ctx, websocket.MessageText, data)
}

// next returns the next frame that is not about the connection itself. What is no frame is passed over.
func (d *ddp) next(ctx context.Context) (frame, error) {
	for {
		_, data, err := d.conn.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return frame{}, err
		}
		d.heard.Store(time.Now().UnixMilli())
		f, ok := readFrame(data)
		switch {
		case !ok, f.Msg == "pong":
		case f.Msg == "ping":
			if err := d.pong(ctx, string(f.ID)); err != nil {
				return frame{}, err
			}
		case f.Msg == "error":
			return frame{}, fmt.Errorf("the server reports: %s", d.clean(string(f.Reason)))
		default:
			return f, nil
		}
	}
}

// readFrame reads a frame, and returns false for what is none.
func readFrame(data []byte) (frame, bool) {
	var f frame
	if decodeObject(data, &f) != nil {
		return frame{}, false
	}
	return f, f.Msg != ""
}

func (d *ddp) pong(ctx context.Context, id string) error {
	answer := map[string]any{"msg": "pong"}
	if id != "" {
		answer["id"] = id
	}
	return d.send(ctx, answer)
}

// watching is how a connection is watched.
type watching struct {
	quiet time.Duration
	ping  func(context.Context) error
	end   func(error)
}

// watch asks a server that is quiet whether it is there, and ends the connection with errQuiet if it does not answer. It
// returns when it has, or ctx ends.
func (d *ddp) watch(ctx context.Context, w watching) {
	tick := time.NewTicker(max(w.quiet/4, time.Millisecond))
	defer tick.Stop()
	asked := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		silence := time.Duration(time.Now().UnixMilli()-d.heard.Load()) * time.Millisecond
		switch {
		case silence < w.quiet:
			asked = false
		case silence >= 2*w.quiet:
			w.end(errQuiet)
			return
		case !asked:
			asked = true
			if err := w.ping(ctx); err != nil {
				w.end(err)
				return
			}
		}
	}
}

// ping asks the server whether it is there.
func (d *ddp) ping(ctx context.Context) error { return d.send(ctx, map[string]any{"msg": "ping"}) }

// number returns an id for a method or a subscription.
func (d *ddp) number() string {
	d.calls++
	return strconv.Itoa(d.calls)
}

// hello begins the session.
func (d *ddp) hello(ctx context.Context) error {
	err := d.send(ctx, map[string]any{"msg": "connect", "version": "1", "support": []string{"1", "pre2", "pre1"}})
	for err == nil {
		var f frame
		if f, err = d.next(ctx); err != nil {
			break
		}
		switch f.Msg {
		case "connected":
			return nil
		case "failed":
			return rejected(fmt.Errorf("listen: the server speaks version %q of the realtime protocol, and not 1", f.Version))
		}
	}
	return err
}

// login authenticates, and returns as whom.
func (d *ddp) login(ctx context.Context, token string) (user string, err error) {
	id := d.number()
	err = d.send(ctx, map[string]any{"msg": "method", "method": "login", "id": id, "params": []any{map[string]string{"resume": token}}})
	for err == nil {
		var f frame
		f, err = d.next(ctx)
		if err != nil || f.Msg != "result" || string(f.ID) != id {
			continue
		}
		if len(f.Error) > 0 {
			return "", d.refusal(f.Error, "login")
		}
		var result struct {
			ID loose `json:"id"`
		}
		if err := decodeObject(f.Result, &result); err != nil {
			return "", fmt.Errorf("login: result: %w", err)
		}
		return string(result.ID), nil
	}
	return "", err
}

// refusal returns what the server's error means: a number as of HTTP, or a code.
func (d *ddp) refusal(raw json.RawMessage, what string) *relay.Failure {
	var w struct {
		Code    loose `json:"error"`
		Reason  loose `json:"reason"`
		Message loose `json:"message"`
		Details struct {
			Wait lenient[int64] `json:"timeToReset"`
		} `json:"details"`
	}
	_ = decodeObject(raw, &w) // whatever is not there is empty
	code, text := d.clean(string(w.Code)), d.clean(string(w.Reason))
	if text == "" {
		text = d.clean(string(w.Message))
	}
	f := &relay.Failure{Kind: relay.Temporary, Err: fmt.Errorf("%s: %s", what, strings.TrimSpace(code+" "+text))}
	switch status := statusOf(code); {
	case code == "too-many-requests" || code == codeTooMany || status == http.StatusTooManyRequests:
		f.Kind, f.After = relay.RateLimited, clampWait(float64(w.Details.Wait.v)/1000)
	case status >= 500:
	default:
		f.Kind = relay.Denied
	}
	return f
}

// statusOf returns a code that is a number; 0 for any other.
func statusOf(code string) int {
	n, err := strconv.Atoi(code)
	if err != nil {
		return 0
	}
	return n
}
