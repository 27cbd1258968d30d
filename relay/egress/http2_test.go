package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestProtocolIsNegotiated(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*httptest.Server)
		want   string
	}{
		"HTTP/2 where it is offered": {withHTTP2, "HTTP/2.0"},
		"HTTP/1.1 otherwise":         {withTLS, "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }, tt.change)
			got, err := fetch(client(t, Config{CAFile: authorityOf(t, srv)}, nil), srv.URL)
			if err != nil || got.proto != tt.want || got.text != tt.want {
				t.Errorf("%v, the server has seen %q", err, got.text)
			}
		})
	}
}

// TestLanesShareOneHTTP2Connection has one call find out that there is HTTP/2, or all at once.
func TestLanesShareOneHTTP2Connection(t *testing.T) {
	const many, calls = 64, 4
	for name, answer := range map[string]http.HandlerFunc{
		"answers": says(200, 100, true), "errors that nobody reads": says(503, 40<<10, false), "far too long": says(200, 100<<10, false),
	} {
		for _, warm := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, first call alone: %t", name, warm), func(t *testing.T) {
				m := newMeter()
				srv := serve(t, answer, withHTTP2)
				c := client(t, Config{CAFile: authorityOf(t, srv), Timeout: time.Minute, MaxAnswer: 1 << 10}, m.connect)
				call := func() error {
					resp, err := c.Post(srv.URL, "text/plain", strings.NewReader("hello"))
					if err != nil {
						return err
					}
					return resp.Body.Close()
				}
				if warm {
					lanes(t, 1, 1, call)
				}
				lanes(t, many, calls, call)
				if total, _, peak := m.counts(); peak > many || warm && total != 1 {
					t.Errorf("%d sockets for %d calls, %d at a time", total, many*calls, peak)
				}
			})
		}
	}
}

// TestCallsAtATimeAreBounded has them on a socket that could take more.
func TestCallsAtATimeAreBounded(t *testing.T) {
	const most = 4
	var running, peak atomic.Int32
	srv := serve(t, gather(most, func(http.ResponseWriter, *http.Request) {
		if n := running.Add(1); n > peak.Load() {
			peak.Store(n)
		}
		runtime.Gosched()
		running.Add(-1)
	}), withHTTP2)
	c := client(t, Config{CAFile: authorityOf(t, srv), MaxConns: most, Timeout: time.Minute}, nil)
	lanes(t, 64, 4, func() error {
		_, err := fetch(c, srv.URL)
		return err
	})
	if peak.Load() > most {
		t.Errorf("%d calls at a time", peak.Load())
	}
}

// TestServerAllowsFewHTTP2Calls has more lanes than the server allows calls at a time.
func TestServerAllowsFewHTTP2Calls(t *testing.T) {
	for _, tt := range []struct{ atOnce, maxConns int }{{4, 64}, {4, 8}} {
		t.Run(fmt.Sprintf("%d on a socket, %d sockets", tt.atOnce, tt.maxConns), func(t *testing.T) {
			m := newMeter()
			srv := serve(t, says(200, 100, true), func(srv *httptest.Server) {
				withHTTP2(srv)
				srv.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: tt.atOnce}
			})
			c := client(t, Config{CAFile: authorityOf(t, srv), Timeout: time.Minute, MaxConns: tt.maxConns}, m.connect)
			lanes(t, 32, 6, func() error {
				_, err := fetch(c, srv.URL)
				return err
			})
			if _, _, peak := m.counts(); peak > tt.maxConns {
				t.Errorf("%d sockets at a time", peak)
			}
		})
	}
}

// TestHTTP2ConnectionIsLost has the server close it, more often than there may be sockets.
func TestHTTP2ConnectionIsLost(t *testing.T) {
	const often = 5
	m := newMeter()
	srv := serve(t, says(200, 1, true), withHTTP2)
	c := client(t, Config{CAFile: authorityOf(t, srv), Timeout: time.Minute, MaxConns: 2}, m.connect)
	call := func() error {
		_, err := fetch(c, srv.URL)
		return err
	}
	for range often {
		lanes(t, 1, 1, call)
		lanes(t, 4, 2, call)
		srv.CloseClientConnections()
		m.waitOpen(0)
	}
	if total, _, _ := m.counts(); total != often {
		t.Errorf("%d sockets", total)
	}
}

// deaf is a network connection that, once it is cut, brings nothing more through and says nothing of it.
type deaf struct {
	net.Conn
	cut, closed chan struct{}
	once        sync.Once
}

func (d *deaf) isCut() bool {
	select {
	case <-d.cut:
		return true
	default:
		return false
	}
}

func (d *deaf) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	if d.isCut() {
		<-d.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (d *deaf) Write(p []byte) (int, error) {
	if d.isCut() {
		return len(p), nil
	}
	return d.Conn.Write(p)
}

func (d *deaf) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Conn.Close()
}

// TestHTTP2ConnectionThatDiedSilently has the connection found dead while nobody calls, so that the next call has a new one.
func TestHTTP2ConnectionThatDiedSilently(t *testing.T) {
	secured := serve(t, nil, withHTTP2)
	authority := authorityOf(t, secured)
	bubble(t, says(200, 1, true), secured.TLS, func(t *testing.T, w wire) {
		cut := make(chan struct{})
		var dialled int
		c := client(t, Config{CAFile: authority}, func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := w.connect(ctx, network, addr)
			if dialled++; dialled == 1 && err == nil {
				conn = &deaf{Conn: conn, cut: cut, closed: make(chan struct{})}
			}
			return conn, err
		})
		if got, err := fetch(c, "https://127.0.0.1/"); err != nil || got.proto != "HTTP/2.0" {
			t.Fatal(err)
		}
		close(cut)
		<-time.After(silentTime + silentGrace)
		synctest.Wait()
		start := time.Now()
		if _, err := fetch(c, "https://127.0.0.1/"); err != nil || dialled != 2 || time.Since(start) > time.Second {
			t.Errorf("%v after %s, by connection %d", err, time.Since(start), dialled)
		}
	})
}

func TestHTTP2PhasesAreBounded(t *testing.T) {
	secured := serve(t, nil, withHTTP2)
	authority := authorityOf(t, secured)
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   time.Duration
	}{
		"body that trickles": {after(time.Second, forever), 11 * time.Second},
		"header":             {after(time.Hour, nil), 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, tt.answer, secured.TLS, func(t *testing.T, w wire) {
				start := time.Now()
				_, err := fetch(client(t, Config{CAFile: authority}, w.connect), "https://127.0.0.1/")
				if took := time.Since(start); took != tt.want || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v after %s", err, took)
				}
			})
		})
	}
}
