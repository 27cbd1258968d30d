package cometchat

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestRedact(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", " {\"a\" : 1e999,\n\"b\":\"x@y=z\",\"a\":[1 ,2]} ", ""},
		{"invalid utf-8 is kept", "{\"a\":\"\xff\\ud800\",\"t\":\"x=\xfe\"}", ""},
		{"any depth, any case", `{"a":[{"ApiKey":"x"},[{"b":{"AUTHTOKEN":{"c":[1,"]}"]}}}]]}`, `{"a":[{"ApiKey":"[removed]"},[{"b":{"AUTHTOKEN":"[removed]"}}]]}`},
		{"the rest keeps its bytes", "{ \"n\": 1.50e+1, \"password\" : null , \"n\": \"\\u0041\" }", "{ \"n\": 1.50e+1, \"password\" : \"[removed]\" , \"n\": \"\\u0041\" }"},
		{"all names", `{"apikey":1,"api_key":1,"AuthKey":1,"auth_key":1,"accessToken":1,"access_token":1,"refreshToken":1,"refresh_token":1,"authToken":1,"auth_token":1,"authorization":1,"password":1,"secret":1,"token":1,"fat":1,"fate":1}`,
			`{"apikey":"[removed]","api_key":"[removed]","AuthKey":"[removed]","auth_key":"[removed]","accessToken":"[removed]","access_token":"[removed]","refreshToken":"[removed]","refresh_token":"[removed]","authToken":"[removed]","auth_token":"[removed]","authorization":"[removed]","password":"[removed]","secret":"[removed]","token":"[removed]","fat":"[removed]","fate":1}`},
		{"key with escapes", `{"pass\u0077ord":"x"}`, `{"pass\u0077ord":"[removed]"}`},
		{"duplicate keys", `{"secret":1,"secret":{"secret":2}}`, `{"secret":"[removed]","secret":"[removed]"}`},
		{"already removed", `{"secret":"[removed]"}`, ""},
		{"user info", `["see https://u:p@host/x and ftp://k@h", "mail a@b.c", "https://h/x@y"]`, `["see https://[removed]@host/x and ftp://[removed]@h", "mail a@b.c", "https://h/x@y"]`},
		{"escaped slashes", `"https:\/\/u:p@host\/x"`, `"https://[removed]@host/x"`},
		{"fat", `"https://f/x?a=1&fat=abc&b=2 https://f/y?FAT=z; fat=free"`, `"https://f/x?a=1&fat=[removed]&b=2 https://f/y?FAT=[removed]; fat=free"`},
		{"the key itself", `{"note":"k ` + testKey + `!","` + testKey + `":1}`, `{"note":"k [removed]!","[removed]":1}`},
		{"scalar", `12`, ""},
		{"markup stays", `["<a&b>","x?fat=1 <b>&"]`, `["<a&b>","x?fat=[removed] <b>&"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := []byte(tt.in)
			got := redact(in, testKey)
			if string(in) != tt.in {
				t.Fatal("the input was changed")
			}
			if tt.want == "" {
				tt.want = tt.in
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if again := redact(got, testKey); !bytes.Equal(again, got) {
				t.Errorf("a second pass changes it to %s", again)
			}
		})
	}
}

func TestRedactIsLinear(t *testing.T) {
	inputs := map[string]string{
		"nested credentials": strings.Repeat(`{"token":`, 9000) + "1" + strings.Repeat("}", 9000),
		"nested arrays":      strings.Repeat("[", 9999) + strings.Repeat("]", 9999),
		"many credentials":   "[" + strings.Repeat(`{"token":1},`, 40000) + "1]",
		"many urls":          `"` + strings.Repeat("a://b@c?fat=d ", 40000) + `"`,
		"many marks":         `"` + strings.Repeat("://", 170000) + `"`,
	}
	for name, in := range inputs {
		start := time.Now()
		if out := redact([]byte(in), testKey); !json.Valid(out) {
			t.Errorf("%s: not JSON any more", name)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func TestConnectionRedactsWhatReceiveWasGiven(t *testing.T) {
	c, err := New(Config{ID: "cc", AppID: "app", Region: "eu", APIKey: "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	got := string(c.Redact([]byte(`{"apiKey":"x","note":"key 0123456789abcdef","text":"kept"}`)))
	if want := `{"apiKey":"[removed]","note":"key [removed]","text":"kept"}`; got != want {
		t.Errorf("redacted to %s, want %s", got, want)
	}
	for _, broken := range []string{``, `{"apiKey"`, `{"apiKey":"x"`, `key 0123456789abcdef`} {
		if got := string(c.Redact([]byte(broken))); got != `"[removed]"` {
			t.Errorf("%s redacted to %s", broken, got)
		}
	}
}
