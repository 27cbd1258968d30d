package cometchat

import (
	"errors"
	"net/http"
	"strings"

	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/egress"
)

// failure returns what an error of [Client.Do] means for the action. What is no refusal of the platform happened on the
// way, before or after the platform did it, and is Temporary, except that a request too long was not made at all. A failure
// that is one already stays as it is.
func failure(err error, inThread bool) *relay.Failure {
	var f *relay.Failure
	if errors.As(err, &f) {
		return f
	}
	if errors.Is(err, egress.ErrRequestTooLong) {
		return &relay.Failure{Kind: relay.Rejected, Err: err}
	}
	var refused *APIError
	if !errors.As(err, &refused) {
		return &relay.Failure{Kind: relay.Temporary, Err: err}
	}
	f = &relay.Failure{Kind: verdict(refused, inThread), After: refused.RetryAfter, Err: err}
	if f.Kind == relay.RateLimited {
		f.Group = refused.group
	}
	return f
}

// verdict is the table. The code counts before the status: for most codes the documents do not say which status they come
// with. A call in a thread (inThread) is one whose path names the thread's root.
func verdict(e *APIError, inThread bool) relay.Kind {
	switch code := e.Code; {
	case isServerFault(code):
		return relay.Temporary
	case e.Status == http.StatusTooManyRequests, code == "ERR_TOO_MANY_REQUESTS":
		return relay.RateLimited
	case inThread && isNoMessage(code):
		return relay.RootGone
	case isDenial(code):
		return relay.Denied
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly, e.Status >= 500:
		return relay.Temporary
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return relay.Denied
	}
	return relay.Rejected
}

// isServerFault reports a code for the server's own faults, whatever the status. What became of the call is not known.
func isServerFault(code string) bool {
	switch code {
	case "ERR_MISSION_FAILED", "ERR_OPERATION_FAILED", "ERR_EXCEPTION", "ERR_BAD_ERROR_RESPONSE":
		return true
	}
	return false
}

// isDenial reports a code that says that the key, the plan, the user or the user's rights do not suffice.
func isDenial(code string) bool {
	switch code {
	case "ERR_APIKEY_NOT_FOUND", "ERR_PLAN_RESTRICTION", "ERR_PLAN_QUOTA_RESTRICTION", "ERR_SUBSCRIPTION_EXPIRED",
		"ERR_UID_NOT_FOUND", "ERR_BOT_NOT_FOUND", "ERR_MESSAGE_NO_ACCESS", "ERR_MESSAGE_NOT_A_SENDER", "ERR_CONVERSATION_NOT_ACCESSIBLE",
		"ERR_BANNED_GROUPMEMBER", "ERR_GROUP_JOIN_NOT_ALLOWED", "ERR_NO_VACANCY", "ERR_EMPTY_GROUP_PASS", "ERR_WRONG_GROUP_PASS",
		"ERR_GROUP_NO_CLEARANCE", "ERR_GROUP_NO_ADMIN_SCOPE", "ERR_GROUP_NO_MODERATOR_SCOPE", "ERR_GROUP_NO_SCOPE_CLEARANCE":
		return true
	}
	return isNotMember(code) || strings.HasPrefix(code, "AUTH_ERR_") || strings.HasPrefix(code, "ERR_BLOCKED_")
}

// isNotMember reports a code that says that the user is not in the group.
func isNotMember(code string) bool {
	return code == "ERR_GROUP_NOT_JOINED" || code == "ERR_NOT_A_MEMBER"
}
