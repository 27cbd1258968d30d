package cometchat

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func reply() event.Action {
	return event.Action{
		ID: "act-1", Type: event.Reply, Bot: "echo", Text: "You said: <hi> & “ö”", Cause: "e",
		Thread: event.ThreadRef{Connection: "cc", Conversation: "user/lena", Root: "5101"},
	}
}

// sendError sends the reply and returns the failure.
func sendError(t *testing.T, c *Connection) *relay.Failure {
	t.Helper()
	r, err := c.Send(t.Context(), reply())
	var f *relay.Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %+v, %v", r, err)
	}
	assertNoSecret(t, err)
	return f
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var dialled atomic.Int32
	var calls atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch calls.Add(1) % 3 {
		case 0:
			answer(500, `{"error":{"code":"ERR_EXCEPTION"}}`+strings.Repeat(" ", 9000))(w, r)
		case 1:
			answer(502, strings.Repeat("<html>", 20000))(w, r)
		default:
			answer(200, `{"data":{"id":"1"}}`+strings.Repeat(" ", 100000))(w, r)
		}
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			dialled.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	c := newConnection(t, func(cfg *Config) { cfg.BaseURL = srv.URL })
	for range 30 {
		_, _ = c.Send(t.Context(), reply())
	}
	if calls.Load() != 30 || dialled.Load() != 1 {
		t.Errorf("%d calls over %d connections", calls.Load(), dialled.Load())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, own := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d own client %t", status, own), func(t *testing.T) {
				var elsewhere atomic.Int32
				thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
				t.Cleanup(thief.Close)
				srv := httptest.NewServer(http.RedirectHandler(thief.URL, status))
				t.Cleanup(srv.Close)
				c := newConnection(t, func(cfg *Config) {
					cfg.BaseURL = srv.URL
					if own {
						cfg.HTTP = &http.Client{Transport: srv.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
					}
				})
				if f := sendError(t, c); f.Kind != relay.Rejected || elsewhere.Load() != 0 {
					t.Errorf("%v; %d calls elsewhere", f, elsewhere.Load())
				}
				if _, err := c.Member(t.Context(), event.MembershipQuery{Conversation: "group/g"}); err == nil || elsewhere.Load() != 0 {
					t.Errorf("%v; %d calls elsewhere", err, elsewhere.Load())
				}
			})
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	big := `{"data":{"id":"1","x":"` + strings.Repeat("x", maxAnswer) + `"}}`
	if f := sendError(t, serve(t, answer(200, big))); f.Kind != relay.Temporary || !strings.Contains(f.Error(), "longer than 1048576 bytes") {
		t.Error(f)
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 8*maxAnswer))
	_ = z.Close()
	f := sendError(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	}))
	if f.Kind != relay.Temporary || !strings.Contains(f.Error(), "longer than") {
		t.Error(f)
	}
	if f := sendError(t, serve(t, answer(404, big))); f.Kind != relay.Rejected {
		t.Error(f)
	}
}

func TestUnreadableAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "html": "<html>", "array": "[]", "no data": "{}", "data null": `{"data":null}`, "data string": `{"data":"x"}`,
		"no id": `{"data":{"sentAt":1}}`, "id no id": `{"data":{"id":"x"}}`, "two": `{"data":[{"id":1},{"id":2}]}`, "none": `{"data":[]}`,
		"error number": `{"error":5}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := sendError(t, serve(t, answer(200, body)))
			want := relay.Temporary
			if name == "error number" {
				want = relay.Rejected // an error envelope, though under 200
			}
			if f.Kind != want || f.After != 0 {
				t.Error(f)
			}
		})
	}
}

func TestTruncatedAnswer(t *testing.T) {
	for status, want := range map[int]relay.Kind{200: relay.Temporary, 404: relay.Rejected, 503: relay.Temporary} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"data":{"id":`))
		})
		if f := sendError(t, c); f.Kind != want {
			t.Errorf("%d: %v", status, f)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	srv := httptest.NewServer(nil)
	url := srv.URL
	srv.Close()
	c := newConnection(t, func(cfg *Config) { cfg.BaseURL = url })
	if f := sendError(t, c); f.Kind != relay.Temporary || !strings.Contains(f.Error(), "POST /messages/5101/thread") {
		t.Error(f)
	}
}

// stuck returns a handler that answers nothing until its caller goes away, and tells when it has been called.
func stuck() (h http.HandlerFunc, called <-chan struct{}) {
	in := make(chan struct{})
	var once sync.Once
	return func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices that the caller is gone once the body is read
		once.Do(func() { close(in) })
		<-r.Context().Done()
	}, in
}

func TestTimeout(t *testing.T) {
	h, _ := stuck()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c := newConnection(t, func(cfg *Config) { cfg.BaseURL, cfg.Timeout = srv.URL, 30*time.Millisecond })
	f := sendError(t, c)
	if f.Kind != relay.Temporary || !errors.Is(f, context.DeadlineExceeded) {
		t.Error(f)
	}
}

func TestCancelledByCaller(t *testing.T) {
	h, called := stuck()
	c := serve(t, h)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-called
		cancel(errors.New("a reason of the caller's own"))
	}()
	_, err := c.Send(ctx, reply())
	var f *relay.Failure
	if !errors.As(err, &f) || f.Kind != relay.Temporary || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := c.Member(ctx, event.MembershipQuery{Conversation: "group/g"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestConcurrentUse(t *testing.T) {
	c := serve(t, answer(200, `{"data":{"id":"1","sentAt":5}}`))
	body := golden(t, "message_sent.group-reply.json")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.Send(t.Context(), reply()); err != nil {
				t.Error(err)
			}
			if _, err := c.Receive(goodAuth(), body); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
