package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDeadFindsTheAdminListener(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, flag  string
		environ     []string
		base, token string
		problem     string
	}{
		{"the default", "", nil, "http://127.0.0.1:9090", "", ""},
		{"the environment", "", []string{"THREADRELAY_ADMIN_LISTEN=localhost:1", "THREADRELAY_ADMIN_TOKEN=t"}, "http://127.0.0.1:1", "t", ""},
		{"every address", "", []string{"THREADRELAY_ADMIN_LISTEN=:1"}, "http://127.0.0.1:1", "", ""},
		{"every IPv4 address", "", []string{"THREADRELAY_ADMIN_LISTEN=0.0.0.0:1"}, "http://127.0.0.1:1", "", ""},
		{"every IPv6 address", "", []string{"THREADRELAY_ADMIN_LISTEN=[::]:1"}, "http://[::1]:1", "", ""},
		{"the flag", "relay.example:2", []string{"THREADRELAY_ADMIN_LISTEN=:0"}, "http://relay.example:2", "", ""},
		{"a URL", "https://relay.example/admin/", nil, "https://relay.example/admin", "", ""},
		{"a token in a file", "", []string{"THREADRELAY_ADMIN_TOKEN_FILE=" + file}, "http://127.0.0.1:9090", "from-file", ""},
		{"other variables do not matter", "", []string{"COMETCHAT_API_KEY_FILE=/nowhere", "THREADRELAY_FSYNC=x"}, "http://127.0.0.1:9090", "", ""},
		{"a token file that is missing", "", []string{"THREADRELAY_ADMIN_TOKEN_FILE=/nowhere"}, "", "", "THREADRELAY_ADMIN_TOKEN"},
		{"any free port", "", []string{"THREADRELAY_ADMIN_LISTEN=127.0.0.1:0"}, "", "", "THREADRELAY_ADMIN_LISTEN: port 0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := newDeadClient(c.flag, c.environ)
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("got %v, want %q", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.base != c.base || got.token.Reveal() != c.token {
				t.Errorf("base %q, token %q", got.base, got.token.Reveal())
			}
		})
	}
}

func TestDeadWithOtherServers(t *testing.T) {
	letter := `{"id":"1","stage":"ingest"}` + "\n"
	cases := []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"not ours", http.NotFound, "is not the admin listener"},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }, "302"},
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "cut off"},
		{"an error at the end", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(letter + `{"error":"out of paper"}`))
		}, "cut off: out of paper"},
		{"half a line", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(letter + letter[:9])) }, "cut off: unexpected EOF"},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(letter))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "cut off: unexpected EOF"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(c.answer)
			t.Cleanup(srv.Close)
			code, _, stderr := invoke(t, nil, "dead", "ls", "--admin", srv.URL)
			if code != exitFailed || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d, %s; want %q", code, stderr, c.want)
			}
			if code, stdout, _ := invoke(t, nil, "dead", "drop", "--all", "--admin", srv.URL); code != exitFailed || stdout != "" {
				t.Errorf("something was dropped: exit code %d, %s", code, stdout)
			}
		})
	}
}

func TestDeadStopsWhenTheListenerIsGone(t *testing.T) {
	var srv *httptest.Server
	calls := 0
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 2 {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(`{"id":"7","outcome":"dropped"}`))
	}))
	t.Cleanup(srv.Close)
	code, stdout, stderr := invoke(t, nil, "dead", "drop", "7", "8", "9", "--admin", srv.URL)
	if code != exitFailed || stdout != "dropped 7\n" || !strings.Contains(stderr, "letter 8, after 1 that were settled") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestDeadWhereNothingListens(t *testing.T) {
	for _, args := range [][]string{{"ls"}, {"show", "1"}, {"drop", "1"}, {"replay", "--all"}} {
		environ := []string{"THREADRELAY_ADMIN_LISTEN=" + unusedAddress(t), "THREADRELAY_ADMIN_TOKEN=swordfish"}
		code, stdout, stderr := invoke(t, environ, append([]string{"dead"}, args...)...)
		if code != exitFailed || stdout != "" || !strings.Contains(stderr, "start threadrelay serve") || !strings.Contains(stderr, "--admin") {
			t.Errorf("%q: exit code %d, %q, %q", args, code, stdout, stderr)
		}
		if strings.Contains(stderr, "swordfish") {
			t.Errorf("%q: the error holds the token: %s", args, stderr)
		}
	}
}

func TestDeadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(srv.Close)
	var out bytes.Buffer
	code := run(ctx, invocation{args: []string{"dead", "ls", "--admin", srv.URL}, stdout: &out, stderr: &out})
	if code != exitFailed || !strings.Contains(out.String(), "no answer from") {
		t.Errorf("exit code %d, %s", code, &out)
	}
}
