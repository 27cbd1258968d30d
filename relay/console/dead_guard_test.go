package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/console"
)

func TestDeadLettersAreGuarded(t *testing.T) {
	const token = "drawbridge77portcullis"
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	header := func(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
	right := header("Authorization", "Bearer "+token)
	cases := []struct {
		name, token string
		change      func(*http.Request)
		read, write int
	}{
		{"no token configured", "", func(*http.Request) {}, 200, 404},
		{"localhost", "", host("LocalHost:9090"), 200, 404},
		{"an IPv6 address", "", host("[::1]:9090"), 200, 404},
		{"an address without a port", "", host("127.0.0.1"), 200, 404},
		{"an IPv6 address without a port", "", host("[::1]"), 200, 404},
		{"a name that was bound to our address", "", host("evil.example:9090"), 403, 403},
		{"a name that looks like one", "", host("127.0.0.1.evil.example"), 403, 403},
		{"no host", "", host(""), 403, 403},
		{"another origin", "", header("Origin", "https://evil.example"), 200, 403},
		{"another site", "", header("Sec-Fetch-Site", "cross-site"), 200, 403},
		{"its own origin", "", header("Origin", "http://127.0.0.1:9090"), 200, 404},
		{"the right token", token, right, 200, 404},
		{"the right token, by name", token, func(r *http.Request) { right(r); r.Host = "relay.example" }, 200, 404},
		{"no token", token, func(*http.Request) {}, 401, 401},
		{"a wrong token", token, header("Authorization", "Bearer x"), 401, 401},
		{"the token and another origin", token, func(r *http.Request) { right(r); r.Header.Set("Sec-Fetch-Site", "cross-site") }, 200, 403},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := openMorgue(t, c.token)
			for path, want := range map[string]int{"/dead": c.read, "/dead/3": c.read} {
				if rec := m.ask(http.MethodGet, path, c.change); rec.Code != want {
					t.Errorf("GET %s: %d, want %d", path, rec.Code, want)
				}
			}
			for _, rec := range []*httptest.ResponseRecorder{
				m.ask(http.MethodPost, "/dead/99/replay", c.change), m.ask(http.MethodDelete, "/dead/99", c.change),
			} {
				if rec.Code != c.write || strings.Contains(rec.Body.String(), token) {
					t.Errorf("a write: %d %s, want %d", rec.Code, rec.Body, c.write)
				}
			}
		})
	}
}

func TestWithoutDeadLettersThereIsNoPage(t *testing.T) {
	if rec := get(t, console.New(console.Config{Metrics: registry()}), "/dead", ""); rec.Code != 404 {
		t.Errorf("answer %d", rec.Code)
	}
}
