package cometchat

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// Bounds of what is taken over from an error answer.
const (
	maxRetryAfter    = time.Hour
	maxErrorText     = 400 // bytes of one text
	maxErrorDetails  = 16  // fields
	maxErrorMessages = 4   // texts of a field
)

// APIError is the platform's refusal of a call (document "articles/error-guide"). Its texts are the platform's, shortened,
// and less the API key: CometChat repeats the key in some of them.
type APIError struct {
	// Status is the HTTP status.
	Status int
	// Code is such as "ERR_UID_NOT_FOUND"; empty if the answer had none.
	Code string
	// Message is the platform's explanation; empty if the answer had none.
	Message string
	// Details are the complaints per field of the request.
	Details map[string][]string
	// RetryAfter is how long the platform asked to wait, at most an hour; 0 if it did not.
	RetryAfter time.Duration
	// RequestID is what the platform, or the network in front of it, calls the request; empty if it does not tell. Their
	// support asks for it.
	RequestID string

	group relay.Group // of calls that a refusal for too many is about
}

// Retryable reports whether the same call may succeed later: the server's own faults, and rate limits.
func (e *APIError) Retryable() bool {
	kind := verdict(e, false)
	return kind == relay.Temporary || kind == relay.RateLimited
}

// Error returns status, code, message, details and the request's id.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d", e.Status)
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(" " + part)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(e.Details)) {
		fmt.Fprintf(&b, "; %s: %s", field, strings.Join(e.Details[field], " "))
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}

// requestIDHeaders are the headers in which a request id may come. The documents name none: these are those of common
// gateways.
func requestIDHeaders() []string {
	return []string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "X-Amzn-Trace-Id", "X-Amz-Cf-Id", "Cf-Ray"}
}

// apiError reads an error answer. A body that is not the platform's error envelope leaves the status alone.
func (c *Client) apiError(resp *http.Response, body []byte) *APIError {
	e := &APIError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, resp.StatusCode, c.now())}
	for _, name := range requestIDHeaders() {
		if e.RequestID = c.errorText(resp.Header.Get(name)); e.RequestID != "" {
			break
		}
	}
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	if decodeObject(body, &answer) == nil {
		c.readRefusal(answer.Error, e)
	}
	return e
}

// readRefusal takes over what the platform says of an error.
func (c *Client) readRefusal(raw json.RawMessage, e *APIError) {
	var w struct {
		Message    loose           `json:"message"`
		DevMessage loose           `json:"devMessage"`
		Code       loose           `json:"code"`
		Details    json.RawMessage `json:"details"`
	}
	if decodeObject(raw, &w) != nil {
		return
	}
	e.Code = c.errorText(string(w.Code))
	e.Message = c.errorText(string(w.Message))
	if e.Message == "" {
		e.Message = c.errorText(string(w.DevMessage))
	}
	e.Details = c.errorDetails(w.Details)
}

// errorDetails reads {"field": ["text", …]}; a single text may stand in place of the list.
func (c *Client) errorDetails(raw json.RawMessage) map[string][]string {
	var fields map[string]json.RawMessage
	if decodeObject(raw, &fields) != nil || len(fields) == 0 {
		return nil
	}
	details := make(map[string][]string)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if len(details) == maxErrorDetails {
			break
		}
		var texts []loose
		if json.Unmarshal(fields[field], &texts) != nil {
			texts = make([]loose, 1)
			_ = json.Unmarshal(fields[field], &texts[0]) // loose takes anything
		}
		var clean []string
		for _, t := range texts[:min(len(texts), maxErrorMessages)] {
			clean = append(clean, c.errorText(string(t)))
		}
		details[c.errorText(field)] = clean
	}
	return details
}

// errorText returns a text of the platform without the API key, on one line and at a bounded length.
func (c *Client) errorText(s string) string {
	s = strings.ReplaceAll(s, c.key.reveal(), removed)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return s
}

// retryAfter returns how long the platform asks to wait: Retry-After in seconds (or parts of one) or as a date, and else,
// for a rate limit, the time at which it ends, in unix seconds (documents "articles/rate-limits" and "rest-api/rate-limits",
// which spell that header differently).
func retryAfter(h http.Header, status int, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, ok := parseSeconds(value); ok {
		return clampWait(seconds)
	}
	if at, err := http.ParseTime(value); err == nil {
		return clampWait(at.Sub(now).Seconds())
	}
	if status != http.StatusTooManyRequests {
		return 0
	}
	for _, name := range []string{"X-Rate-Limit-Reset", "X-RateLimit-Reset"} {
		if unix, ok := parseSeconds(h.Get(name)); ok {
			return clampWait(unix - float64(now.UnixMilli())/1000)
		}
	}
	return 0
}

func parseSeconds(s string) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

func clampWait(seconds float64) time.Duration {
	seconds = max(0, min(seconds, maxRetryAfter.Seconds()))
	return time.Duration(seconds * float64(time.Second))
}
