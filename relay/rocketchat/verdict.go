package rocketchat

import (
	"errors"
	"net/http"
	"strings"

	"github.com/threadrelay/threadrelay/relay"
)

// failure returns what an error of a call means for an action. What is no refusal of the platform happened on the way, before
// or after the platform did it, and is Temporary. A failure that is one already stays as it is.
func failure(err error, route string) *relay.Failure {
	var f *relay.Failure
	if errors.As(err, &f) {
		return f
	}
	var refused *APIError
	if !errors.As(err, &refused) {
		return &relay.Failure{Kind: relay.Temporary, Err: err}
	}
	f = &relay.Failure{Kind: verdict(refused), After: refused.RetryAfter, Err: err}
	if f.Kind == relay.RateLimited && route != "" {
		f.Group = routeGroup(route)
	}
	return f
}

// verdict is the table. The status counts before the code: up to version 8 most refusals are a 400 with a code, and from 9 on
// those for want of a right are a 403 with "error-forbidden".
func verdict(e *APIError) relay.Kind {
	switch {
	case e.Status == http.StatusTooManyRequests, e.Code == codeTooMany:
		return relay.RateLimited
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return relay.Denied
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly, e.Status >= 500:
		return relay.Temporary
	case isDenial(e):
		return relay.Denied
	}
	return relay.Rejected
}

// codeTooMany is the code of a rate limit. Realtime methods have it without "error-".
const codeTooMany = "error-too-many-requests"

// isDenial reports a refusal that says that the account, its roles or the workspace's settings do not allow the call.
func isDenial(e *APIError) bool {
	switch e.Code {
	case "error-not-allowed", "not-allowed", "error-forbidden", "error-unauthorized", "unauthorized", "not-authorized", "not_authorized",
		"no-permission", "error-no-permission", "error-action-not-allowed", "error-message-editing-blocked", "error-message-deleting-blocked",
		"error-not-authorized-federation", "error-invalid-user", "error-logged-user-not-in-room", "error-user-not-in-room",
		"totp-required", "totp-invalid", "room_is_blocked", "You_have_been_muted", "error-user-muted":
		return true
	}
	return e.Code == "" && strings.EqualFold(e.Text, textNoPermission)
}

// textNoPermission is the refusal of an alias or an avatar without the permission "message-impersonate".
const textNoPermission = "Not enough permission"
