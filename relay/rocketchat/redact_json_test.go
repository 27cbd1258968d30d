package rocketchat

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	c := newConnection(t, nil)
	for in, want := range map[string]string{
		`{"token":"abc","a":[1.50,true,null,"<&>"],"b":{"authToken":{"x":1}}}`: `{"token":"[removed]","a":[1.50,true,null,"<&>"],"b":{"authToken":"[removed]"}}`,
		`{"a":"x ` + testToken + ` y","` + testToken + `":1}`:                  `{"a":"x [removed] y","[removed]":1}`,
		`{"u":"https://me:pw@example.org/x"}`:                                  `{"u":"https://[removed]@example.org/x"}`,
		` [ ] `:                                                                `[]`, `{}`: `{}`, `"x"`: `"x"`, `12345678901234567890`: `12345678901234567890`,
		`{"user":{"services":{"password":{"bcrypt":"x"}},"n":1}}`: `{"user":{"services":"[removed]","n":1}}`,
		`{"a":`: `"[removed]"`, ``: `"[removed]"`, `{"token":"x"} {}`: `"[removed]"`,
	} {
		if got := string(c.Redact([]byte(in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	deep := strings.Repeat(`{"a":`, 500) + `"` + testToken + `"` + strings.Repeat("}", 500)
	if got := string(c.Redact([]byte(deep))); strings.Contains(got, testToken) || len(got) != len(deep)-len(testToken)+len(removed) {
		t.Error("a deep value is not as it was")
	}
}
