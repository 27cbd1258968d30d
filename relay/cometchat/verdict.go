package cometchat

import (
	"errors"
	"net/http"
	"strings"

	"github.com/threadrelay/threadrelay/relay"
)

// failure returns what an error of [Connection.do] means for the action. What is no refusal of the platform happened on the
// way, before or after the platform did it, and is Temporary.
func failure(err error, inThread bool) *relay.Failure {
	var refused *APIError
	if !errors.As(err, &refused) {
		return &relay.Failure{Kind: relay.Temporary, Err: err}
	}
	return &relay.Failure{Kind: verdict(refused, inThread), After: refused.RetryAfter, Err: err}
}

// verdict is the table. The code counts before the status: for most codes the documents do not say which status they come
// with. A call in a thread (inThread) is one whose path names the thread's root.
func verdict(e *APIError, inThread bool) relay.Kind {
	switch code := e.Code; {
	case code == "ERR_MISSION_FAILED", code == "ERR_OPERATION_FAILED", code == "ERR_EXCEPTION":
		return relay.Temporary // the server's own faults, whatever the status
	case e.Status == http.StatusTooManyRequests, code == "ERR_TOO_MANY_REQUESTS":
		return relay.RateLimited
	case inThread && (code == "ERR_MESSAGE_ID_NOT_FOUND" || code == "ERR_MSG_NOT_FOUND"):
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

// isDenial reports a code that says that the key, the user or the user's rights do not suffice.
func isDenial(code string) bool {
	switch code {
	case "ERR_MESSAGE_NO_ACCESS", "ERR_UID_NOT_FOUND":
		return true
	}
	return isNotMember(code) || strings.HasPrefix(code, "AUTH_ERR_") || strings.HasPrefix(code, "ERR_BLOCKED_")
}

// isNotMember reports a code that says that the user is not in the group.
func isNotMember(code string) bool {
	return code == "ERR_GROUP_NOT_JOINED" || code == "ERR_NOT_A_MEMBER"
}
