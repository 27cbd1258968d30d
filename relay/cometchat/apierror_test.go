package cometchat

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

func TestAPIErrorHoldsNoKey(t *testing.T) {
	body := strings.ReplaceAll(string(golden(t, "rest.error.key_echoed.json")), "KEYVALUE", testKey)
	f := sendError(t, serve(t, answer(403, body)))
	var e *APIError
	if !errors.As(f, &e) {
		t.Fatal(f)
	}
	want := &APIError{Status: 403, Code: "AUTH_ERR_NO_ACCESS", Message: "The key [removed] cannot be used for this."}
	if f.Kind != relay.Denied || !reflect.DeepEqual(e, want) {
		t.Errorf("%v: %+v", f.Kind, e)
	}
	everywhere := `{"error":{"code":"` + testKey + `","devMessage":"` + strings.Repeat("x", 395) + testKey + `","details":{"` + testKey + `":["` + testKey + `"],"b":"` + testKey + `"}}}`
	f = sendError(t, serve(t, answer(418, everywhere)))
	if strings.Contains(f.Error(), testKey[:8]) {
		t.Errorf("a part of the key stands in %v", f)
	}
}

func TestAPIErrorText(t *testing.T) {
	f := sendError(t, serve(t, answer(400, string(golden(t, "rest.error.bad_request.json")))))
	want := "rejected: cometchat: send act-1: HTTP 400 ERR_BAD_REQUEST Failed to validate the data.; " +
		"data.text: Too long. Not nice.; receiver: The receiver field is required."
	if f.Error() != want {
		t.Errorf("got  %s\nwant %s", f, want)
	}
}

func TestAPIErrorBodies(t *testing.T) {
	long := strings.Repeat("é", 400)
	tests := []struct {
		name, body string
		want       APIError
	}{
		{"empty", ``, APIError{}},
		{"html", `<html>no</html>`, APIError{}},
		{"array", `[]`, APIError{}},
		{"error string", `{"error":"no"}`, APIError{}},
		{"wrong types", `{"error":{"message":{},"devMessage":[],"code":5,"details":[]}}`, APIError{Code: "5"}},
		{"dev message", `{"error":{"devMessage":"a\n b"}}`, APIError{Message: "a b"}},
		{"long", `{"error":{"message":"` + long + `"}}`, APIError{Message: strings.Repeat("é", 200) + "…"}},
		{"detail text", `{"error":{"details":{"a":"b","c":["d","e","f","g","h"],"i":[]}}}`, APIError{Details: map[string][]string{"a": {"b"}, "c": {"d", "e", "f", "g"}, "i": nil}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Status = 400
			var e *APIError
			if f := sendError(t, serve(t, answer(400, tt.body))); !errors.As(f, &e) || !reflect.DeepEqual(*e, tt.want) {
				t.Errorf("got %+v, want %+v", e, tt.want)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Unix(1760000000, 0)
	tests := []struct {
		name, retry, reset, resetOther string
		status                         int
		want                           time.Duration
	}{
		{"nothing", "", "", "", 429, 0},
		{"seconds", "15", "", "", 429, 15 * time.Second},
		{"fraction", " 0.25 ", "", "", 429, 250 * time.Millisecond},
		{"date", "Thu, 09 Oct 2025 08:53:50 GMT", "", "", 429, 30 * time.Second},
		{"date gone by", "Thu, 09 Oct 2025 08:53:10 GMT", "", "", 429, 0},
		{"seconds before reset", "15", "1760000040", "", 429, 15 * time.Second},
		{"reset", "", "1760000040", "", 429, 40 * time.Second},
		{"newer spelling", "", "", "1760000050", 429, 50 * time.Second},
		{"no number", "soon", "", "1760000050", 429, 50 * time.Second},
		{"reset gone by", "", "1759999999", "", 429, 0},
		{"too long", "999999999999999999999", "", "", 429, time.Hour},
		{"reset too late", "", "1860000000", "", 429, time.Hour},
		{"negative", "-5", "", "", 429, 0},
		{"infinite", "Inf", "", "", 429, 0},
		{"not a number", "NaN", "1760000040", "", 429, 40 * time.Second},
		{"reset of a success window", "", "1760000040", "", 503, 0},
		{"unavailable", "7", "", "", 503, 7 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				for name, value := range map[string]string{"Retry-After": tt.retry, "X-Rate-Limit-Reset": tt.reset, "X-RateLimit-Reset": tt.resetOther} {
					if value != "" {
						w.Header().Set(name, value)
					}
				}
				answer(tt.status, `{}`)(w, r)
			})
			c.client.now = func() time.Time { return now }
			if f := sendError(t, c); f.After != tt.want {
				t.Errorf("got %v, want %v", f.After, tt.want)
			}
		})
	}
}
