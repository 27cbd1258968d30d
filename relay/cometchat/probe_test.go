package cometchat

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// told returns the findings, one a line.
func told(findings []relay.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		if f.Fault != nil {
			fmt.Fprintf(&b, "%s: FAULT %v\n", f.Subject, f.Fault)
			continue
		}
		fmt.Fprintf(&b, "%s: %s\n", f.Subject, f.Note)
	}
	return b.String()
}

// probeTold probes a server and checks that each fault is a sentence.
func probeTold(t *testing.T, c *Connection) string {
	t.Helper()
	findings := c.Probe(t.Context())
	for _, f := range findings {
		if f.Subject == "" || f.Fault != nil && (!strings.Contains(f.Fault.Error(), ": ") || strings.ToUpper(f.Fault.Error()[:1]) != f.Fault.Error()[:1]) {
			t.Errorf("%s: no sentence: %v", f.Subject, f.Fault)
		}
		assertNoSecret(t, f)
	}
	return told(findings)
}

func TestProbeOfTheSimulator(t *testing.T) {
	s, conn := simulate(t, nil)
	must(t, s.AddGroup(sim.Group{GUID: "closed", Name: "Closed", Members: []string{"ana"}}))
	m := say(t, s, sim.Say{From: "ana", ToGroup: "crew", Text: "hello"})
	tests := []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"all is well", func(cfg *Config) { cfg.Sources = []string{"app", "ana", "user/zoe", "group/crew", "thread/" + m.ID} }, []string{
			"base url: http://", "app id: app1\n", "api key: accepted", "bot uid: helper\n", "source app: \n", "source ana: \n", "source user/zoe: \n",
			"source group/crew: \n", "source thread/" + m.ID + ": \n", "clock: ",
		}},
		{"no bot", func(cfg *Config) { cfg.BotUID, cfg.Sources = "", []string{"group/closed"} }, []string{
			"base url: ", "app id: ", "api key: ", "bot uid: none is configured", "source group/closed: \n", "clock: ",
		}},
		{"wrong key", func(cfg *Config) { cfg.APIKey = strings.Repeat("0", 40) }, []string{"base url: ", `api key: FAULT The API key is not one of app "app1"`, "clock: "}},
		{"key of another scope", func(cfg *Config) { cfg.APIKey = testKey[1:] }, []string{"base url: ", "api key: FAULT The API key lacks the scope", "clock: "}},
		{"no such bot", func(cfg *Config) { cfg.BotUID = "nobody" }, []string{"base url: ", "app id: ", "api key: ", `bot uid: FAULT There is no user "nobody" in app "app1"`, "clock: "}},
		{"sources", func(cfg *Config) {
			cfg.Sources = []string{"group/closed", "group/none", "user/nobody", "thread/999", "room/x"}
		}, []string{
			"base url: ", "app id: ", "api key: ", "bot uid: helper\n", `source group/closed: FAULT The bot "helper" is no member of the group "closed"`,
			`source group/none: FAULT There is no group "none"`, `source user/nobody: FAULT There is no user "nobody"`,
			"source thread/999: FAULT There is no message 999", `source room/x: FAULT The source "room/x": want app`, "clock: ",
		}},
		{"wrong path", func(cfg *Config) { cfg.BaseURL += "/v9" }, []string{"base url: FAULT There is no CometChat API at http://", "clock: "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newConnection(t, func(cfg *Config) {
				cfg.BaseURL = conn.client.base
				tt.change(cfg)
			})
			got := probeTold(t, c)
			lines := strings.SplitAfter(strings.TrimSuffix(got, "\n"), "\n")
			lines[len(lines)-1] += "\n"
			for i, want := range tt.want {
				if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
					t.Errorf("want %q in line %d of\n%s", want, i, got)
				}
			}
			if len(lines) != len(tt.want) {
				t.Errorf("%d lines, want %d:\n%s", len(lines), len(tt.want), got)
			}
		})
	}
}

func TestProbeRefusals(t *testing.T) {
	tests := []struct {
		status     int
		body, want string
	}{
		{401, `{"error":{"code":"AUTH_ERR_INVALID_APPID"}}`, "app id: FAULT There is no app"},
		{401, `{"error":{"code":"AUTH_ERR_EMPTY_APPID"}}`, "app id: FAULT There is no app"},
		{401, `{"error":{"code":"AUTH_ERR_APIKEY_NOT_FOUND","message":"` + testKey + `"}}`, "api key: FAULT The API key is not one of app"},
		{401, ``, "api key: FAULT The API key is not one of app"},
		{401, `{"error":{"code":"SOMETHING_NEW"}}`, "api key: FAULT The API key is not one of app"},
		{403, `{"error":{"code":"AUTH_ERR_NO_ACCESS"}}`, "api key: FAULT The API key lacks the scope"},
		{403, ``, "api key: FAULT The server forbids the call"},
		{402, `{"error":{"code":"ERR_SUBSCRIPTION_EXPIRED"}}`, "app id: FAULT The app's plan"},
		{404, ``, "base url: FAULT There is no CometChat API"},
		{404, `{"error":{"code":"ERR_API_NOT_FOUND"}}`, "base url: FAULT There is no CometChat API"},
		{301, ``, "base url: FAULT There is no CometChat API"},
		{429, ``, "api key: FAULT The app's rate limit"},
		{503, ``, "base url: FAULT CometChat has trouble"},
		{400, `{"error":{"code":"ERR_EXCEPTION"}}`, "base url: FAULT CometChat has trouble"},
		{200, `<html>welcome</html>`, "base url: FAULT What answers at"},
		{200, `{}`, "base url: FAULT What answers at"},
	}
	for _, tt := range tests {
		if got := probeTold(t, serve(t, answer(tt.status, tt.body))); !strings.Contains(got, tt.want) || strings.Count(got, "FAULT") != 1 {
			t.Errorf("%d %s:\n%s", tt.status, tt.body, got)
		}
	}
}

func TestProbeUnreachable(t *testing.T) {
	srv := httptest.NewServer(nil)
	srv.Close()
	got := probeTold(t, newConnection(t, func(cfg *Config) { cfg.BaseURL = srv.URL + "/v3" }))
	if !strings.HasPrefix(got, "base url: FAULT The host "+strings.TrimPrefix(srv.URL, "http://")+" cannot be reached") {
		t.Error(got)
	}
	h, _ := stuck()
	slow := httptest.NewServer(h)
	t.Cleanup(slow.Close)
	got = probeTold(t, newConnection(t, func(cfg *Config) { cfg.BaseURL, cfg.Timeout = slow.URL, 20*time.Millisecond }))
	if !strings.Contains(got, "did not answer in time") {
		t.Error(got)
	}
	stranger := httptest.NewUnstartedServer(nil)
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0) // says that the client breaks off
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	got = probeTold(t, newConnection(t, func(cfg *Config) { cfg.BaseURL = stranger.URL }))
	if !strings.Contains(got, "is signed by an authority that is not known here") {
		t.Error(got)
	}
	got = probeTold(t, newConnection(t, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: nowhere{}} }))
	if !strings.Contains(got, "The host app1.api-eu.cometchat.io does not exist: check app id") {
		t.Error(got)
	}
}

func TestProbeClock(t *testing.T) {
	for _, tt := range []struct {
		skew time.Duration
		want string
	}{
		{0, "clock: 0s ahead"},
		{10 * time.Second, "s ahead of CometChat's"},
		{-10 * time.Second, "s behind CometChat's"},
		{5 * time.Minute, "FAULT This machine's clock is 5m0s ahead"},
		{-time.Hour, "FAULT This machine's clock is 1h0m0s behind"},
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Unix(1_700_000_000, 0).UTC().Format(http.TimeFormat))
			answer(200, `{"data":{"uid":"helper"}}`)(w, r)
		})
		c.client.now = func() time.Time { return time.Unix(1_700_000_000, int64(500*time.Millisecond)).Add(tt.skew) }
		if got := probeTold(t, c); !strings.Contains(got, tt.want) {
			t.Errorf("%v:\n%s", tt.skew, got)
		}
	}
}
