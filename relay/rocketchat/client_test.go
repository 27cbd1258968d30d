package rocketchat

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/egress"
)

func TestConnectionsAreUsedAgain(t *testing.T) {
	var dialled, calls atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch calls.Add(1) % 3 {
		case 0:
			answer(500, `{"success":false}`+strings.Repeat(" ", 9000))(w, r)
		case 1:
			answer(502, strings.Repeat("<html>", 20000))(w, r)
		default:
			answer(200, `{"success":true,"message":{"_id":"1"}}`+strings.Repeat(" ", 100000))(w, r)
		}
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			dialled.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	c := newConnection(t, func(cfg *Config) { cfg.URL = srv.URL })
	for range 30 {
		_, _ = c.Send(t.Context(), postOf("x"))
	}
	if calls.Load() != 30 || dialled.Load() != 1 {
		t.Errorf("%d calls over %d connections", calls.Load(), dialled.Load())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(thief.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := serve(t, http.RedirectHandler(thief.URL, status).ServeHTTP)
		own := newConnection(t, func(cfg *Config) {
			cfg.URL = c.client.base
			cfg.HTTP = &http.Client{Transport: c.client.ways.calls.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		})
		for _, c := range []*Connection{c, own} {
			if got := sendKind(t, c, postOf("x")); got.Kind != relay.Rejected || elsewhere.Load() != 0 {
				t.Errorf("%d: %v; %d calls elsewhere", status, got, elsewhere.Load())
			}
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	const most = 1 << 20
	big := `{"success":true,"x":"` + strings.Repeat("x", most) + `"}`
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 4*most))
	must(t, z.Close())
	for name, h := range map[string]http.HandlerFunc{
		"long": answer(200, big),
		"bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
	} {
		c := serve(t, h)
		c.client.maxAnswer = most
		err := c.client.React(t.Context(), "m", "x", true)
		if !errors.Is(err, egress.ErrAnswerTooLong) {
			t.Errorf("%s: %v", name, err)
		}
		if got := sendKind(t, c, postOf("x")); got.Kind != relay.Temporary {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := sendKind(t, serve(t, answer(404, big)), postOf("x")); got.Kind != relay.Rejected {
		t.Error(got)
	}
}

func TestUnreadableAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "html": "<html>", "array": "[]", "nothing": "{}", "string": `"x"`, "half": `{"success":true,"message":{"_id"`, "two": `{"success":true}{}`,
		"somebody else's": `{"ok":true}`, "no message": `{"success":true}`, "message without id": `{"success":true,"message":{}}`, "message is text": `{"success":true,"message":"x"}`,
		"success is text": `{"success":"yes"}`,
	} {
		if got := sendKind(t, serve(t, answer(200, body)), postOf("x")); got.Kind != relay.Temporary || !strings.Contains(got.Error(), "chat.sendMessage: ") {
			t.Errorf("%s: %v", name, got)
		}
	}
	got := sendKind(t, serve(t, answer(200, `{"success":false,"error":"Nope [error-x]"}`)), postOf("x"))
	if got.Kind != relay.Rejected || !strings.Contains(got.Error(), "HTTP 200 error-x Nope") {
		t.Error(got)
	}
}

func TestUploadsThatAreGivenUp(t *testing.T) {
	held := make(chan struct{})
	var once atomic.Bool
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		if once.CompareAndSwap(false, true) {
			close(held)
		}
		_, _ = io.Copy(io.Discard, r.Body) // until whoever uploads gives up
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-held; cancel() }()
	_, err := c.client.UploadMedia(ctx, "r", Upload{Name: "a", Content: endless{}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	_, err = c.client.UploadMedia(ctx, "r", Upload{Name: "a", Content: endless{}}) // before it begins
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestUploadTypes(t *testing.T) {
	for in, want := range map[string]string{
		"": "application/octet-stream", "image/png": "image/png", "text/plain; charset=utf-8": "text/plain; charset=utf-8", "a\r\nX: y": "application/octet-stream",
		"image/png\r\nX-Y: z": "application/octet-stream", "image": "image",
	} {
		if got := mediaType(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		c := newConnection(t, func(cfg *Config) { cfg.HTTP, cfg.Timeout, cfg.MediaTimeout = stuck, 3*time.Second, time.Minute })
		start := time.Now()
		_, err := c.client.Me(t.Context())
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		start = time.Now()
		_, err = c.client.UploadMedia(t.Context(), "r", Upload{Content: strings.NewReader("")})
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != time.Minute {
			t.Errorf("%v after %s", err, took)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f(r)
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return resp, err
}
