package rocketchat

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// Bounds of what is taken over from an error answer.
const (
	maxRefusal    = 1 << 20 // bytes that are read of it
	maxRetryAfter = time.Hour
	maxErrorText  = 400 // bytes of one text
)

// APIError is the platform's refusal of a call. Its texts are the platform's, shortened, and less the token.
type APIError struct {
	// Status is the HTTP status.
	Status int
	// Route is the endpoint that was called.
	Route string
	// Code is the answer's errorType, such as "error-not-allowed", or else the code in brackets at the end of its text; empty if
	// it has neither, as many refusals.
	Code string
	// Text is the platform's explanation, without the code; empty if the answer had none.
	Text string
	// RetryAfter is how long the platform asked to wait, at most an hour; 0 if it did not.
	RetryAfter time.Duration

	// bare is set if the answer was the platform's, and said nothing but that it has failed.
	bare bool
}

// Retryable reports whether the same call may succeed later: the server's own faults, and rate limits.
func (e *APIError) Retryable() bool {
	kind := verdict(e)
	return kind == relay.Temporary || kind == relay.RateLimited
}

// Error returns status, code and text.
func (e *APIError) Error() string {
	s := fmt.Sprintf("HTTP %d", e.Status)
	for _, part := range []string{e.Code, e.Text} {
		if part != "" {
			s += " " + part
		}
	}
	return s
}

// apiError reads an error answer. A body that is not the platform's error envelope leaves the status alone.
func (c *Client) apiError(resp *http.Response, route string, body []byte) *APIError {
	e := &APIError{Status: resp.StatusCode, Route: route}
	var w struct {
		Success   *bool `json:"success"`
		Error     loose `json:"error"`
		ErrorType loose `json:"errorType"`
		Message   loose `json:"message"` // of a 401 up to version 8
	}
	if decodeObject(body, &w) == nil {
		text := string(w.Error)
		if text == "" {
			text = string(w.Message)
		}
		code, text := errorCode(text, string(w.ErrorType))
		e.Code, e.Text = c.errorText(code), c.errorText(text)
		e.bare = w.Success != nil && e.Code == "" && e.Text == ""
	}
	e.RetryAfter = retryAfter(resp, e.Text, c.now())
	return e
}

// errorCode returns the code of a refusal, and what else its text says. The code is the errorType, or else in brackets at the
// end of the text, or else the whole text, as of errors that the server throws without a reason.
func errorCode(text, errorType string) (code, rest string) {
	rest, code = cutCode(text)
	switch {
	case isCode(errorType):
		return errorType, rest
	case code != "":
		return code, rest
	case isCode(text) && strings.ContainsAny(text, "-_") || text == "unauthorized":
		return text, ""
	}
	return "", text
}

func isCode(s string) bool { return s != "" && strings.Trim(s, base62+"-_.") == "" }

// cutCode takes the code in brackets off the end of an error's text: "Not Allowed [error-not-allowed]".
func cutCode(s string) (text, code string) {
	head, found := strings.CutSuffix(strings.TrimSpace(s), "]")
	open := strings.LastIndexByte(head, '[')
	if !found || open < 0 {
		return s, ""
	}
	code = head[open+1:]
	if !isCode(code) {
		return s, ""
	}
	return strings.TrimSpace(head[:open]), code
}

// errorText returns a text of the platform without the token, on one line and at a bounded length.
func (c *Client) errorText(s string) string {
	s = strings.ReplaceAll(s, c.token.reveal(), removed)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return s
}

// retryAfter returns how long the platform asks to wait: Retry-After, which proxies send, in seconds or as a date; and else,
// for a rate limit, the time at which its period ends, or the seconds that the text names.
func retryAfter(resp *http.Response, text string, now time.Time) time.Duration {
	value := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && !math.IsNaN(seconds) {
		return clampWait(seconds)
	}
	if at, err := http.ParseTime(value); err == nil {
		return clampWait(at.Sub(now).Seconds())
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	if at, ok := resetTime(resp.Header, now); ok {
		return clampWait(at.Sub(now).Seconds())
	}
	return clampWait(waitInText(text))
}

// waitInText returns how many seconds a text tells to wait, such as "You must wait 42 seconds before trying this endpoint
// again."; 0 if it does not.
func waitInText(s string) float64 {
	_, rest, found := strings.Cut(s, "must wait ")
	if !found {
		return 0
	}
	number, _, _ := strings.Cut(rest, " ")
	seconds, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return 0
	}
	return float64(seconds)
}

func clampWait(seconds float64) time.Duration {
	seconds = max(0, min(seconds, maxRetryAfter.Seconds()))
	return time.Duration(seconds * float64(time.Second))
}
