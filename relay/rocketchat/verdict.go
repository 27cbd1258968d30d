package rocketchat

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/threadrelay/threadrelay/relay"
)

// failure returns what an error of a call means for an action. What is no refusal of the platform happened on the way, before
// or after the platform did it, and is Temporary. A failure that is one already stays as it is.
func failure(err error) *relay.Failure {
	var f *relay.Failure
	if errors.As(err, &f) {
		return f
	}
	var refused *APIError
	if !errors.As(err, &refused) {
		return &relay.Failure{Kind: relay.Temporary, Err: err}
	}
	f = &relay.Failure{Kind: verdict(refused), After: refused.RetryAfter, Err: err}
	if f.Kind == relay.RateLimited {
		f.Group = routeGroup(refused.Route)
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

// codeTooMany is the code of a rate limit.
const codeTooMany = "error-too-many-requests"

// isDenial reports a refusal that says that the account, its roles or the workspace's settings do not allow the call.
func isDenial(e *APIError) bool {
	if isBadEmoji(e) {
		return false
	}
	return slices.Contains(denials(), e.Code) || hasPrefixFold(e.Text, textNoPermission) || hasPrefixFold(e.Text, textCannotSend)
}

// denials are the codes of refusals for want of a right.
func denials() []string {
	return []string{
		"error-not-allowed", "not-allowed", "error-forbidden", "error-unauthorized", "unauthorized", "not-authorized", "not_authorized",
		"no-permission", "error-no-permission", "error-action-not-allowed", "error-message-editing-blocked",
		"error-message-deleting-blocked", "error-not-authorized-federation", "error-invalid-user", "error-logged-user-not-in-room",
		"error-user-not-in-room", "error-user-muted", "room_is_blocked", "totp-required", "totp-invalid",
	}
}

// Texts of refusals that have no code: of an alias or an avatar without the permission "message-impersonate", and of a
// message to a room that is read-only or in which the user is muted.
const (
	textNoPermission = "Not enough permission"
	textCannotSend   = "You can't send messages because"
)

// textNoMessage is how the refusal of a change begins whose message is not there.
const textNoMessage = "No message found with the id of"

// isBadEmoji reports the refusal of an emoji that the workspace does not have. It has the code of a missing right.
func isBadEmoji(e *APIError) bool { return hasPrefixFold(e.Text, "Invalid emoji") }

// IsRepeat reports whether an error may be the refusal of a message whose id is there already. That it is a fault of the
// server's, with a text of its programming language; or, of two calls at the same time, of its database. What else goes wrong
// in that place has the same text, so the message has to be looked at.
func IsRepeat(err error) bool {
	var refused *APIError
	if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
		return false
	}
	text := refused.Text
	return strings.Contains(text, "'starred'") && strings.Contains(text, "undefined") || strings.Contains(text, "E11000")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
