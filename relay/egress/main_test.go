package egress

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests, or in a child process that they start, a single call; see [childGet].
func TestMain(m *testing.M) {
	if address := os.Getenv(childAddress); address != "" {
		fmt.Print(childGet(address, os.Getenv(childAuthorities)))
		return
	}
	goleak.VerifyTestMain(m)
}

// meter counts sockets where they are opened.
type meter struct {
	dial              dialFunc
	mu                sync.Mutex
	changed           *sync.Cond
	total, open, peak int
}

func newMeter() *meter {
	m := &meter{dial: (&net.Dialer{}).DialContext}
	m.changed = sync.NewCond(&m.mu)
	return m
}

func (m *meter) count(change int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total += max(change, 0)
	m.open += change
	m.peak = max(m.peak, m.open)
	m.changed.Broadcast()
}

func (m *meter) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := m.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	m.count(1)
	return &socket{Conn: conn, free: sync.OnceFunc(func() { m.count(-1) })}, nil
}

// waitOpen waits until so many sockets are open.
func (m *meter) waitOpen(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.open != n {
		m.changed.Wait()
	}
}

func (m *meter) counts() (total, open, peak int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total, m.open, m.peak
}

// client returns a client of the configuration that opens its sockets by the function; nil is the real network.
func client(t testing.TB, cfg Config, dial dialFunc) *http.Client {
	t.Helper()
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	c, err := newClient(cfg, dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// serve starts a server, with TLS and perhaps HTTP/2 if that is asked for by the change.
func serve(t testing.TB, h http.HandlerFunc, change func(*httptest.Server)) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that the client breaks off
	if change == nil {
		srv.Start()
	} else {
		change(srv)
		srv.StartTLS()
	}
	t.Cleanup(srv.Close)
	return srv
}

func withHTTP2(srv *httptest.Server) { srv.EnableHTTP2 = true }
func withTLS(*httptest.Server)       {}

// authorityOf returns the path of a PEM file with the authority of the test server's certificate.
func authorityOf(t testing.TB, srv *httptest.Server) string {
	t.Helper()
	return writeFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})))
}

func writeFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// answer is what became of a call.
type answer struct {
	proto  string
	status int
	text   string
}

// fetch makes a call and reads the answer.
func fetch(c *http.Client, address string) (answer, error) {
	req, err := http.NewRequest(http.MethodGet, address, http.NoBody)
	if err != nil {
		return answer{}, err
	}
	return do(c, req)
}

func do(c *http.Client, req *http.Request) (answer, error) {
	resp, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{proto: resp.Proto, status: resp.StatusCode, text: string(text)}, err
}

func readText(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
