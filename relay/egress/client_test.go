package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var elsewhere int
		thief := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere++ }, nil)
		srv := serve(t, http.RedirectHandler(thief.URL, status).ServeHTTP, nil)
		got, err := fetch(client(t, Config{}, nil), srv.URL)
		if err != nil || got.status != status || elsewhere != 0 {
			t.Errorf("%d: %v, %d calls elsewhere", status, err, elsewhere)
		}
	}
}

func TestUserAgent(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.UserAgent()) }, nil)
	for _, tt := range []struct{ configured, own, want string }{
		{"", "", "threadrelay"}, {"threadrelay/1.2.3", "", "threadrelay/1.2.3"}, {"threadrelay/1.2.3", "own", "own"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if tt.own != "" {
			req.Header.Set("User-Agent", tt.own)
		}
		got, err := do(client(t, Config{UserAgent: tt.configured}, nil), req)
		if err != nil || got.text != tt.want || req.Header.Get("User-Agent") != tt.own {
			t.Errorf("%q with %q: %q, %v", tt.configured, tt.own, got.text, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	var cfg Config
	cfg.setDefaults()
	want := Config{
		Timeout: 15 * time.Second, ConnectTimeout: 5 * time.Second, HeaderTimeout: 10 * time.Second, BodyTimeout: 10 * time.Second,
		MaxRequest: 1 << 20, MaxAnswer: 16 << 20, MaxConns: 64, UserAgent: "threadrelay", drainTime: 500 * time.Millisecond,
	}
	if cfg != want {
		t.Errorf("got %+v, want %+v", cfg, want)
	}
	given := Config{1, 2, 3, 4, 5, 6, 7, "file", "agent", 8}
	kept := given
	if kept.setDefaults(); kept != given {
		t.Errorf("got %+v, want %+v", kept, given)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	cfg := Config{-1, -1, -1, -1, -1, -1, -1, "", "a\nb", 0}
	_, err := New(cfg)
	for _, field := range []string{"Timeout", "ConnectTimeout", "HeaderTimeout", "BodyTimeout", "MaxRequest", "MaxAnswer", "MaxConns", "UserAgent"} {
		if err == nil || !strings.Contains(err.Error(), "egress: "+field+": ") {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestCause(t *testing.T) {
	inner := errors.New("inner")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late := fmt.Errorf("late: %w", context.Canceled)
	tests := []struct {
		name   string
		caller context.Context
		err    error
		want   string
	}{
		{"as it is", t.Context(), inner, "inner"},
		{"less the address", t.Context(), &url.Error{Op: "Get", URL: "http://host/?secret", Err: inner}, "inner"},
		{"the caller is gone", gone, inner, "context canceled: inner"},
		{"the caller is gone, as the error knows", gone, late, "late: context canceled"},
	}
	for _, tt := range tests {
		if got := Cause(tt.caller, tt.err); got.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, got, tt.want)
		}
	}
}

// TestNoPlaceIsLost makes more calls of each kind than can run at a time.
func TestNoPlaceIsLost(t *testing.T) {
	srv := serve(t, says(200, 100, true), nil)
	c := client(t, Config{MaxConns: 1, MaxRequest: 10, Timeout: 10 * time.Second}, nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		long, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, strings.NewReader("longer than ten"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := do(c, long); !errors.Is(err, ErrRequestTooLong) {
			t.Fatal(err)
		}
		if _, err := fetch(c, "http://127.0.0.1:0/"); err == nil {
			t.Fatal("there is no such port")
		}
		if req, err := http.NewRequestWithContext(gone, http.MethodGet, srv.URL, http.NoBody); err != nil {
			t.Fatal(err)
		} else if _, err := do(c, req); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		resp, err := c.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // and a second time once it is closed
		_ = resp.Body.Close()
		_ = resp.Body.Close()
	}
	if left := len(c.Transport.(*transport).calls.hosts); left != 0 {
		t.Errorf("%d hosts have calls running", left)
	}
}
