package cometchat

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestObserve(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		headers map[string]string
		want    Rate
	}{
		{"classic", 200, map[string]string{"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "699"}, Rate{Known: true, Limit: 700, Remaining: 699, remains: true}},
		{"newer", 200, map[string]string{"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000060"},
			Rate{Known: true, Limit: 30, remains: true, Reset: time.Unix(1700000060, 0).UTC()}},
		{"limited", 429, map[string]string{"Retry-After": "15", "X-Rate-Limit-Reset": "1700000060"}, Rate{Reset: time.Unix(1700000060, 0).UTC(), RetryAfter: 15 * time.Second}},
		{"none", 200, nil, Rate{}},
		{"nonsense", 200, map[string]string{"X-Rate-Limit": "many", "X-Rate-Limit-Remaining": "-1", "X-Rate-Limit-Reset": "1e99"}, Rate{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				for name, value := range tt.headers {
					w.Header().Set(name, value)
				}
				answer(tt.status, `{"data":{"uid":"ana"},"error":{"code":"X_LIMIT"}}`)(w, r)
			})
			var got []Observation
			c.client.observe = func(o Observation) { got = append(got, o) }
			c.client.now = func() time.Time { return time.Unix(1_700_000_000, 0) }
			_, err := c.Client().As("Zoe").User(t.Context(), "ana")
			if len(got) != 1 || got[0].Rate != tt.want || got[0].Status != tt.status || got[0].Route != "/users/{id}" || got[0].As != "zoe" || got[0].Method != "GET" || got[0].Clock.IsZero() {
				t.Errorf("%+v, %v", got, err)
			}
			if (got[0].Code == "X_LIMIT") != (tt.status == 429) {
				t.Errorf("code %q", got[0].Code)
			}
		})
	}
}

func TestObserveWhatGotNoAnswer(t *testing.T) {
	var got Observation
	c := newConnection(t, func(cfg *Config) {
		cfg.HTTP, cfg.Observe = &http.Client{Transport: nowhere{}}, func(o Observation) { got = o }
	})
	_, err := c.Client().User(t.Context(), "ana")
	if err == nil || got.Status != 0 || got.Route != "/users/{id}" || got.Start.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRoutes(t *testing.T) {
	for path, want := range map[string]string{
		"/messages": "/messages", "/messages/5": "/messages/{id}", "/messages/5/thread": "/messages/{id}/thread",
		"/messages/5/thread/subscription": "/messages/{id}/thread/subscription", "/messages/5/reactions/%F0%9F": "/messages/{id}/reactions/{id}",
		"/users/conversation/conversation/read": "/users/{id}/conversation/read", "/groups/a%2Fb/members/ana": "/groups/{id}/members/{id}",
		"/conversations/group_x": "/conversations/{id}", "": "/",
	} {
		if got := routeOf(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// TestClientKeepsTheKey looks for the key in everything that a client gives away.
func TestClientKeepsTheKey(t *testing.T) {
	var seen http.Header
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		w.Header().Set("X-Request-Id", "req "+testKey)
		answer(403, `{"error":{"code":"AUTH_ERR_NO_ACCESS","message":"`+testKey+`","devMessage":"`+testKey+`","details":{"`+testKey+`":["`+testKey+`"]}}}`)(w, r)
	})
	client := c.Client().As("ana")
	req, err := client.NewRequest(t.Context(), Request{Method: "GET", Path: []string{"users", "ana"}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s %d", client, *client, client, req.Header, client)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "client", client, "header", req.Header)
	err = client.Do(req, nil)
	var refused *APIError
	if !errors.As(err, &refused) || refused.RequestID != "req [removed]" || !strings.HasSuffix(err.Error(), "(request req [removed])") || refused.Retryable() {
		t.Errorf("%+v", err)
	}
	fmt.Fprintf(&out, "%v %+v %#v", err, refused, refused)
	if strings.Contains(out.String(), testKey) || seen.Get("apikey") != testKey {
		t.Errorf("%s; the server saw %q", out.String(), seen.Get("apikey"))
	}
	for _, v := range []any{client, *client, err, refused, req.Header} {
		assertNoSecret(t, v)
	}
}

func TestDoSendsTheKeyNowhereElse(t *testing.T) {
	c := newConnection(t, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: refusing{t}} }).Client()
	for _, url := range []string{"http://thief.example/v3/users", "https://app1.api-eu.cometchat.io.thief.example/v3/users", "https://app1.api-eu.cometchat.io/v31/users", "https://app1.api-eu.cometchat.io/"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Do(req, nil); err == nil || !strings.Contains(err.Error(), "elsewhere") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
