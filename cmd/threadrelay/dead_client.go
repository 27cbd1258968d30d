package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay/console"
)

// deadAnswerTime bounds the wait for the answer about one letter. The listener gives up before.
const deadAnswerTime = 20 * time.Second

// deadClient speaks to the admin listener of a running serve.
type deadClient struct {
	base  string
	token secret
	http  *http.Client
}

// newDeadClient finds out where the admin listener is: at address, or else where the environment says.
func newDeadClient(address string, environ []string) (*deadClient, error) {
	values, err := adminEnvironment(environ)
	if err != nil {
		return nil, err
	}
	name := "--admin"
	if address == "" {
		name, address = "THREADRELAY_ADMIN_LISTEN", values["THREADRELAY_ADMIN_LISTEN"]
	}
	base, err := adminURL(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	transport := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
	}
	return &deadClient{base: base, token: secret(values["THREADRELAY_ADMIN_TOKEN"]), http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token stays here
	}}, nil
}

func (c *deadClient) close() { c.http.CloseIdleConnections() }

// adminEnvironment reads the variables of the admin listener and no others: an operator need not have the rest.
func adminEnvironment(environ []string) (map[string]string, error) {
	given := parseEnviron(environ)
	for name := range given {
		if !strings.HasPrefix(name, "THREADRELAY_ADMIN_") {
			delete(given, name)
		}
	}
	found := newFaults(variables())
	values := resolve(given, found)
	for _, v := range variables() {
		if values[v.Name] == "" {
			values[v.Name] = v.Default
		}
	}
	return values, found.err()
}

// adminURL turns the address on which the admin listener listens into the one at which it is reached.
func adminURL(address string) (string, error) {
	if strings.Contains(address, "://") {
		if err := checkHTTP(address); err != nil {
			return "", errors.New("the address " + err.Error())
		}
		return strings.TrimRight(address, "/"), nil
	}
	l, err := parseListener(address)
	if err != nil {
		return "", err
	}
	if l.port == 0 {
		return "", errors.New("port 0 is any free one; --admin takes the address that serve logged")
	}
	switch l.host {
	case "", "0.0.0.0":
		l.host = "127.0.0.1"
	case "::":
		l.host = "::1"
	}
	return "http://" + net.JoinHostPort(l.host, strconv.Itoa(l.port)), nil
}

// answerError is what the admin listener has against a request.
type answerError struct {
	status  int
	problem string
}

func (e *answerError) Error() string { return e.problem }

// do makes a request and returns the body of a 200.
func (c *deadClient) do(ctx context.Context, method, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer func() { _ = res.Body.Close() }()
	return nil, c.refused(res)
}

// unreached explains why there is no answer.
func (c *deadClient) unreached(ctx context.Context, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("no answer from %s: %w", c.base, err)
	}
	return fmt.Errorf("nothing answers at %s: start threadrelay serve, or say with --admin where its admin listener is: %w", c.base, err)
}

func (c *deadClient) refused(res *http.Response) error {
	var p console.Problem
	_ = json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&p) // no problem is named if this fails
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s refuses the admin token, or wants one: set THREADRELAY_ADMIN_TOKEN", c.base)
	case p.Error == "":
		return fmt.Errorf("%s answers %s: it is not the admin listener of a threadrelay that knows dead letters", c.base, res.Status)
	}
	return &answerError{res.StatusCode, p.Error}
}

// list yields the letters that fit, oldest first. It ends after an error.
func (c *deadClient) list(ctx context.Context, f bus.DeadFilter) iter.Seq2[console.Letter, error] {
	return func(yield func(console.Letter, error) bool) {
		query := url.Values{}
		for name, value := range map[string]string{"connection": f.Connection, "stage": f.Stage, "consumer": f.Consumer, "reason": f.Reason} {
			if value != "" {
				query.Set(name, value)
			}
		}
		body, err := c.do(ctx, http.MethodGet, "/dead?"+query.Encode())
		if err != nil {
			yield(console.Letter{}, err)
			return
		}
		defer func() { _ = body.Close() }()
		for lines := json.NewDecoder(body); ; {
			var line struct {
				console.Letter
				console.Problem
			}
			err := lines.Decode(&line)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && line.Error != "" {
				err = errors.New(line.Error)
			}
			if err != nil {
				err = fmt.Errorf("the listing is cut off: %w", err)
			}
			if !yield(line.Letter, err) || err != nil {
				return
			}
		}
	}
}

// show returns one letter.
func (c *deadClient) show(ctx context.Context, id string) (console.Letter, error) {
	var l console.Letter
	err := c.one(ctx, http.MethodGet, "/dead/"+id, &l)
	return l, err
}

// settle replays or drops one letter.
func (c *deadClient) settle(ctx context.Context, verb, id string) (console.Outcome, error) {
	method, path := http.MethodPost, "/dead/"+id+"/replay"
	if verb == "drop" {
		method, path = http.MethodDelete, "/dead/"+id
	}
	var o console.Outcome
	err := c.one(ctx, method, path, &o)
	return o, err
}

// one reads an answer that is one object.
func (c *deadClient) one(ctx context.Context, method, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, deadAnswerTime)
	defer cancel()
	body, err := c.do(ctx, method, path)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("answer of %s: %w", c.base, err)
	}
	return nil
}
