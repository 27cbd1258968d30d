package rocketsim

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Error is a refusal of the simulated server: what the REST API would answer with.
type Error struct {
	Status  int    // HTTP status
	Code    string // errorType, e.g. error-not-allowed; empty for what the server throws or answers as plain text
	Reason  string // for people, without the code
	Details any    // further data of some refusals

	bare    bool           // the answer is {"success": false} alone
	invalid bool           // found by a schema; written differently per version
	inQuery bool           // the schema was the query's, not the body's
	body    map[string]any // the whole answer, where an endpoint has one of its own
}

// Error returns the reason and the code.
func (e *Error) Error() string { return "rocketsim: " + e.text() }

// text is a refusal as Meteor.Error words it: the reason, and the code in brackets.
func (e *Error) text() string {
	switch {
	case e.Code == "":
		return e.Reason
	case e.Reason == "":
		return "[" + e.Code + "]"
	}
	return e.Reason + " [" + e.Code + "]"
}

// refuse is what the server throws as Meteor.Error(code, reason).
func refuse(code, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Reason: fmt.Sprintf(format, args...)}
}

// refuseIn is refuse with the method that the real server adds as details.
func refuseIn(method, code, format string, args ...any) *Error {
	e := refuse(code, format, args...)
	e.Details = map[string]any{"method": method}
	return e
}

// plain is what the server throws as a JavaScript Error, or answers as API.v1.failure(text): it has no code.
func plain(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Reason: fmt.Sprintf(format, args...)}
}

// failure is API.v1.failure() without anything.
func failure() *Error { return &Error{Status: http.StatusBadRequest, bare: true} }

// forbidden is API.v1.forbidden(), whose text is "unauthorized" before 9.
func forbidden() *Error { return &Error{Status: http.StatusForbidden} }

// duplicate is how the server answers a message whose id it has: it stores nothing, and trips over having nothing to show
// (Rocket.Chat issue 16291).
func duplicate() *Error { return plain("Cannot read properties of undefined (reading 'starred')") }

// denials are the codes that 9 answers with 403 and error-forbidden instead of 400 and the code (Rocket.Chat pull 43214).
func denials() []string {
	return []string{
		"error-not-allowed", "not-allowed", "not-authorized", "not_authorized", "no-permission", "error-not-authorized-federation",
		"error-unauthorized",
	}
}

// answer is the status and the body of a refusal by a server of a version.
func (e *Error) answer(version int) (int, map[string]any) {
	body := map[string]any{"success": false}
	switch {
	case e.body != nil:
		return e.Status, e.body
	case e.bare:
		return e.Status, body
	case e.Status == http.StatusUnauthorized:
		return e.Status, e.unauthorized(version)
	case e.invalid:
		return e.Status, e.validation(version)
	case e.Status == http.StatusForbidden && e.Code == "":
		body["error"] = "unauthorized"
		if version >= 9 {
			body["error"] = "forbidden"
		}
		return e.Status, body
	case version >= 9 && slices.Contains(denials(), e.Code):
		body["errorType"] = "error-forbidden"
		if body["error"] = e.Reason; e.Reason == "" {
			body["error"] = "[" + e.Code + "]"
		}
		return http.StatusForbidden, body
	}
	body["error"] = e.text()
	if e.Code != "" && (e.Status != http.StatusTooManyRequests || version < 8) {
		body["errorType"] = e.Code
	}
	if e.Details != nil && e.Status == http.StatusBadRequest {
		body["details"] = e.Details
	}
	return e.Status, body
}

// unauthorized is the body of a 401: up to 8 the keys of an older API stand beside the newer ones.
func (e *Error) unauthorized(version int) map[string]any {
	body := map[string]any{"success": false, "error": e.Reason}
	if version < 9 {
		body["status"], body["message"] = "error", e.Reason
	}
	return body
}

// validation is the body of what a schema refuses: 7 throws it as Meteor.Error, the router of later versions answers it itself.
func (e *Error) validation(version int) map[string]any {
	body := map[string]any{"success": false, "error": e.Reason, "errorType": "invalid-params"}
	switch {
	case version < 8:
		body["error"] = e.Reason + " [invalid-params]"
	case e.inQuery:
		body["errorType"] = "error-invalid-params"
	}
	return body
}

// asError is err as a refusal; what is none becomes a server fault.
func asError(err error) *Error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	return &Error{Status: http.StatusInternalServerError, Reason: "Internal server error"}
}
