package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wire is a network of pipes, for tests in which time is made.
type wire chan net.Conn

func (w wire) connect(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case w <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept, Close and Addr make a listener of it.
func (w wire) Accept() (net.Conn, error) {
	conn, ok := <-w
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (w wire) Close() error {
	close(w)
	return nil
}

func (w wire) Addr() net.Addr { return &net.TCPAddr{} }

// bubble runs a test against a server on a wire, in time of its own. The server speaks TLS if it has a configuration for that.
func bubble(t *testing.T, h http.HandlerFunc, secured *tls.Config, test func(*testing.T, wire)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := make(wire)
		srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Hour, TLSConfig: secured.Clone()}
		served := make(chan error)
		go func() {
			if secured == nil {
				served <- srv.Serve(w)
			} else {
				served <- srv.ServeTLS(w, "", "")
			}
		}()
		test(t, w)
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// forever writes a byte each second until the client is gone.
func forever(w http.ResponseWriter, r *http.Request) {
	for {
		if _, err := io.WriteString(w, "x"); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			return
		}
	}
}

// after answers when so much time is gone, or the client is.
func after(wait time.Duration, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(wait):
			next(w, r)
		case <-r.Context().Done():
		}
	}
}

func TestPhasesAreBounded(t *testing.T) {
	tests := []struct {
		name   string
		cfg    Config
		answer http.HandlerFunc
		want   time.Duration
		says   string
	}{
		{"header", Config{}, after(time.Hour, nil), 10 * time.Second, "awaiting response headers"},
		{"header, as configured", Config{HeaderTimeout: 3 * time.Second}, after(time.Hour, nil), 3 * time.Second, "awaiting response headers"},
		{"body that trickles", Config{}, forever, 10 * time.Second, "the answer's body took longer than 10s"},
		{"body, as configured", Config{BodyTimeout: 3 * time.Second}, after(9*time.Second, forever), 12 * time.Second, "the answer's body took longer than 3s"},
		{"all of it", Config{}, after(9*time.Second, forever), 15 * time.Second, ""},
		{"all of it, as configured", Config{Timeout: 6 * time.Second}, after(3*time.Second, forever), 6 * time.Second, ""},
		{"header of a shorter whole", Config{Timeout: 6 * time.Second}, after(5*time.Second, forever), 4 * time.Second, "awaiting response headers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, tt.answer, nil, func(t *testing.T, w wire) {
				start := time.Now()
				_, err := fetch(client(t, tt.cfg, w.connect), "http://127.0.0.1/")
				if took := time.Since(start); took != tt.want {
					t.Errorf("took %s, want %s", took, tt.want)
				}
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), tt.says) {
					t.Error(err)
				}
			})
		})
	}
}

// TestIdleSocketIsClosed has calls with pauses between them.
func TestIdleSocketIsClosed(t *testing.T) {
	bubble(t, says(200, 1, true), nil, func(t *testing.T, w wire) {
		m := newMeter()
		m.dial = w.connect
		c := client(t, Config{}, m.connect)
		for _, tt := range []struct {
			pause time.Duration
			want  int
		}{{0, 1}, {idleTime - time.Second, 1}, {idleTime + time.Second, 2}} {
			<-time.After(tt.pause)
			if _, err := fetch(c, "http://127.0.0.1/"); err != nil {
				t.Fatal(err)
			}
			if total, _, _ := m.counts(); total != tt.want {
				t.Errorf("%d sockets after a pause of %s", total, tt.pause)
			}
		}
	})
}

func TestConnectIsBounded(t *testing.T) {
	silent := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for want, cfg := range map[time.Duration]Config{5 * time.Second: {}, 2 * time.Second: {ConnectTimeout: 2 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, err := fetch(client(t, cfg, silent), "http://127.0.0.1/")
			if took := time.Since(start); took != want {
				t.Errorf("took %s, want %s", took, want)
			}
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no network connection to 127.0.0.1:80 within "+want.String()) {
				t.Error(err)
			}
		})
	}
}

// TestHandshakeIsBounded has a server accept and then say nothing.
func TestHandshakeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := make(wire, 1)
		start := time.Now()
		go func() {
			conn := <-w
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}()
		_, err := fetch(client(t, Config{}, w.connect), "https://127.0.0.1/")
		if took := time.Since(start); took != 5*time.Second || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "TLS handshake timeout") {
			t.Errorf("%v after %s", err, took)
		}
	})
}

// TestWaitForASocketIsBounded has more calls than sockets, none of which is answered.
func TestWaitForASocketIsBounded(t *testing.T) {
	bubble(t, after(time.Hour, nil), nil, func(t *testing.T, w wire) {
		c := client(t, Config{MaxConns: 1, HeaderTimeout: time.Hour}, w.connect)
		start := time.Now()
		lanes(t, 3, 1, func() error {
			_, err := fetch(c, "http://127.0.0.1/")
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != defaultTimeout {
				return errors.New("not in time")
			}
			return nil
		})
	})
}
