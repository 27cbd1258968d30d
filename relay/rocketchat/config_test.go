package rocketchat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestValidateNamesEveryFault(t *testing.T) {
	cfg := Config{ID: "no spaces", URL: "ftp://h", UserID: "a b", AuthToken: "token with spaces", Rooms: []string{"GENERAL", "# x"}, UserAgent: "a\nb", Timeout: -1, MediaTimeout: -1}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"ID", "URL", "UserID", "AuthToken", "Rooms[1]", "UserAgent", "Timeout", "MediaTimeout"} {
		if !strings.Contains(err.Error(), "rocketchat: "+field+": ") {
			t.Errorf("%s is not named in:\n%v", field, err)
		}
	}
	if strings.Contains(err.Error(), "token with") {
		t.Errorf("the token stands in: %v", err)
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		fault  string
	}{
		{"complete", func(*Config) {}, ""},
		{"no hook", func(c *Config) { c.WebhookToken = "" }, ""},
		{"below a path", func(c *Config) { c.URL = "http://127.0.0.1:3000/chat/" }, ""},
		{"rooms", func(c *Config) { c.Rooms = []string{"GENERAL", "#général", "@ana"} }, ""},
		{"no id", func(c *Config) { c.ID = "" }, "ID"},
		{"no url", func(c *Config) { c.URL = "" }, "URL"},
		{"url of the API", func(c *Config) { c.URL = "https://h/api/v1" }, "URL"},
		{"url without host", func(c *Config) { c.URL = "https:///x" }, "URL"},
		{"url with query", func(c *Config) { c.URL = "https://h/?k=v" }, "URL"},
		{"url with password", func(c *Config) { c.URL = "https://u:" + testToken + "@h" }, "URL"},
		{"url unparsable with password", func(c *Config) { c.URL = "https://u:" + testToken + "@h:x/%zz" }, "URL"},
		{"no user", func(c *Config) { c.UserID = "" }, "UserID"},
		{"user by name", func(c *Config) { c.UserID = "@bot" }, "UserID"},
		{"no token", func(c *Config) { c.AuthToken = "" }, "AuthToken"},
		{"token with newline", func(c *Config) { c.AuthToken = testToken + "\n" }, "AuthToken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			tt.change(&cfg)
			err := cfg.Validate()
			_, newErr := New(cfg)
			if fmt.Sprint(err) != fmt.Sprint(newErr) {
				t.Errorf("Validate says %v, New says %v", err, newErr)
			}
			if tt.fault == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "rocketchat: "+tt.fault+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("want the one fault of %s, got: %v", tt.fault, err)
			}
			assertNoSecret(t, err)
		})
	}
}

func TestDefaults(t *testing.T) {
	c := newConnection(t, func(cfg *Config) { cfg.URL += "/" })
	if c.client.base != "https://chat.example.org" || c.client.userAgent != "threadrelay" || c.client.timeout != 15*time.Second || c.client.mediaTimeout != 2*time.Minute || c.self != testUser || c.ID() != "rc" {
		t.Errorf("%s, %q, %v, %v", c, c.client.userAgent, c.client.timeout, c.client.mediaTimeout)
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	cfg := testConfig()
	cfg.URL = "https://someone:" + testToken + "@chat.example.net"
	valid := testConfig()
	c := newConnection(t, nil)
	type outer struct {
		conn   *Connection
		client Client
		secret secret
	}
	if s := fmt.Sprintf("%v %v", cfg, cfg.LogValue()); strings.Contains(s, testToken) {
		t.Errorf("%s holds the password of the URL", s)
	}
	for _, v := range []any{valid, &valid, c, c.client, outer{c, *c.client, c.token}, []any{valid, c}, map[string]Config{"a": valid}, c.token} {
		assertNoSecret(t, v)
	}
	for _, v := range []any{valid, c, c.client} {
		if s := fmt.Sprintf("%v", v); !strings.Contains(s, "https://chat.example.org") {
			t.Errorf("%s says too little", s)
		}
	}
}

// assertNoSecret prints and logs v in every way.
func assertNoSecret(t *testing.T, v any) {
	t.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	if js, err := json.Marshal(v); err == nil {
		b.Write(js)
	}
	for _, secret := range []string{testToken, testHook, fmt.Sprintf("%x", testToken), fmt.Sprintf("%x", testHook)} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%T prints a secret:\n%s", v, b.String())
			return
		}
	}
}
