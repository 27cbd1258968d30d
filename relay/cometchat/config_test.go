package cometchat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestValidateNamesEveryFault(t *testing.T) {
	cfg := Config{
		ID: "no spaces", AppID: "a/b", Region: "mars", APIKey: "key with spaces", BotUID: "a b",
		WebhookUsername: "us:er", UserAgent: "a\nb", Timeout: -1,
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"ID", "AppID", "Region", "APIKey", "BotUID", "WebhookUsername", "WebhookPassword", "UserAgent", "Timeout"} {
		if !strings.Contains(err.Error(), "cometchat: "+field+": ") {
			t.Errorf("%s is not named in:\n%v", field, err)
		}
	}
	if strings.Contains(err.Error(), "key with") {
		t.Errorf("the key stands in: %v", err)
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		fault  string
	}{
		{"complete", func(*Config) {}, ""},
		{"no hook", func(c *Config) { c.WebhookUsername, c.WebhookPassword = "", "" }, ""},
		{"no bot", func(c *Config) { c.BotUID = "" }, ""},
		{"base url instead of region", func(c *Config) { c.Region, c.BaseURL = "", "http://127.0.0.1:9/v3" }, ""},
		{"no id", func(c *Config) { c.ID = "" }, "ID"},
		{"no app", func(c *Config) { c.AppID = "" }, "AppID"},
		{"no region", func(c *Config) { c.Region = "" }, "Region"},
		{"no key", func(c *Config) { c.APIKey = "" }, "APIKey"},
		{"key with newline", func(c *Config) { c.APIKey = testKey + "\n" }, "APIKey"},
		{"password alone", func(c *Config) { c.WebhookUsername = "" }, "WebhookUsername"},
		{"user alone", func(c *Config) { c.WebhookPassword = "" }, "WebhookPassword"},
		{"base url of another scheme", func(c *Config) { c.BaseURL = "ftp://h/v3" }, "BaseURL"},
		{"base url without host", func(c *Config) { c.BaseURL = "https:///v3" }, "BaseURL"},
		{"base url with query", func(c *Config) { c.BaseURL = "https://h/v3?k=v" }, "BaseURL"},
		{"base url with password", func(c *Config) { c.BaseURL = "https://u:" + testPassword + "@h/v3" }, "BaseURL"},
		{"base url unparsable with password", func(c *Config) { c.BaseURL = "https://u:" + testPassword + "@h:x/%zz" }, "BaseURL"},
		{"authorities for another's client", func(c *Config) { c.HTTP, c.CAFile = http.DefaultClient, "x.pem" }, "CAFile"},
		{"bot too long", func(c *Config) { c.BotUID = strings.Repeat("x", 101) }, "BotUID"},
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
			if err == nil || !strings.HasPrefix(err.Error(), "cometchat: "+tt.fault+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("want the one fault of %s, got: %v", tt.fault, err)
			}
			assertNoSecret(t, err)
		})
	}
}

func TestDefaults(t *testing.T) {
	c := newConnection(t, nil)
	if c.client.base != "https://app1.api-eu.cometchat.io/v3" || c.client.userAgent != "threadrelay" || c.client.timeout != 15*time.Second || c.self != "helper" || c.ID() != "cc" {
		t.Errorf("base %q, user agent %q, timeout %v, self %q, id %q", c.client.base, c.client.userAgent, c.client.timeout, c.self, c.ID())
	}
	c = newConnection(t, func(cfg *Config) { cfg.BaseURL = "http://localhost:1/v3/" })
	if c.client.base != "http://localhost:1/v3" {
		t.Errorf("base %q", c.client.base)
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	cfg := testConfig()
	cfg.BaseURL = "https://someone:" + testPassword + "@chat.example.net/v3"
	valid := testConfig()
	c := newConnection(t, nil)
	type outer struct {
		c    *Connection
		copy Connection
	}
	for _, v := range []any{valid, &valid, c, *c, outer{c, *c}, []any{valid, c}, map[string]Config{"a": valid}, c.key} {
		assertNoSecret(t, v)
	}
	if s := fmt.Sprintf("%v %v", cfg, cfg.LogValue()); strings.Contains(s, testPassword) {
		t.Errorf("%s holds the password of the URL", s)
	}
	for _, v := range []any{valid, c} {
		if s := fmt.Sprintf("%v", v); !strings.Contains(s, "app1") {
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
	for _, secret := range []string{testKey, testPassword, fmt.Sprintf("%x", testKey), fmt.Sprintf("%x", testPassword)} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%T prints a secret:\n%s", v, b.String())
			return
		}
	}
}
