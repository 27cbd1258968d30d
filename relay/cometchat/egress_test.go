package cometchat

import (
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/egress"
)

// TestServerWithAnAuthorityOfItsOwn calls one that speaks HTTP/2.
func TestServerWithAnAuthorityOfItsOwn(t *testing.T) {
	var protocol string
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.Proto
		answer(200, `{"data":{"id":"7"}}`)(w, r)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c := newConnection(t, func(cfg *Config) { cfg.BaseURL, cfg.CAFile = srv.URL, path })
	if r, err := c.Send(t.Context(), reply()); err != nil || r.Message != "7" || protocol != "HTTP/2.0" {
		t.Errorf("%+v, %v, by %s", r, err, protocol)
	}
}

func TestAuthoritiesThatAreAbsent(t *testing.T) {
	cfg := testConfig()
	cfg.CAFile = filepath.Join(t.TempDir(), "absent.pem")
	_, err := New(cfg)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "CAFile: ") || !strings.HasPrefix(err.Error(), "cometchat: ") {
		t.Error(err)
	}
}

// TestRequestTooLong has an action that cannot be sent, now or later, and is not.
func TestRequestTooLong(t *testing.T) {
	var calls int
	c := serve(t, func(http.ResponseWriter, *http.Request) { calls++ })
	a := reply()
	a.Tags = []string{strings.Repeat("x", 1<<20)}
	_, err := c.Send(t.Context(), a)
	var f *relay.Failure
	if !errors.As(err, &f) || f.Kind != relay.Rejected || !errors.Is(err, egress.ErrRequestTooLong) || !strings.Contains(err.Error(), "at most 1048576 are sent") {
		t.Error(err)
	}
	if calls != 0 {
		t.Errorf("%d calls", calls)
	}
	a.Type, a.Target = event.Edit, "5"
	if _, err = c.Send(t.Context(), a); !errors.As(err, &f) || f.Kind != relay.Rejected || calls != 0 {
		t.Errorf("%v, %d calls", err, calls)
	}
}
