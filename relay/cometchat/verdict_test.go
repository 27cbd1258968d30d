package cometchat

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay"
)

func TestVerdictOfEachStatus(t *testing.T) {
	for status := 300; status < 600; status++ {
		want := relay.Rejected
		switch {
		case status == 401 || status == 403:
			want = relay.Denied
		case status == 408 || status == 425 || status >= 500:
			want = relay.Temporary
		case status == 429:
			want = relay.RateLimited
		}
		for _, inThread := range []bool{false, true} {
			for _, code := range []string{"", "ERR_SOMETHING_NEW"} {
				if got := verdict(&APIError{Status: status, Code: code}, inThread); got != want {
					t.Errorf("%d %q: %v, want %v", status, code, got, want)
				}
			}
		}
	}
}

// codes is the table: every code of the document "articles/error-guide".
func codes() map[string]relay.Kind {
	kinds := map[relay.Kind]string{
		relay.Temporary:   `ERR_MISSION_FAILED ERR_OPERATION_FAILED ERR_EXCEPTION ERR_BAD_ERROR_RESPONSE`,
		relay.RateLimited: `ERR_TOO_MANY_REQUESTS`,
		relay.Denied: `AUTH_ERR_EMPTY_APPID AUTH_ERR_INVALID_APPID AUTH_ERR_EMPTY_APIKEY AUTH_ERR_APIKEY_NOT_FOUND AUTH_ERR_NO_ACCESS
			AUTH_ERR_EMPTY_AUTH_HEADER AUTH_ERR_EMPTY_AUTH_TOKEN AUTH_ERR_AUTH_TOKEN_NOT_FOUND ERR_APIKEY_NOT_FOUND
			ERR_PLAN_RESTRICTION ERR_SUBSCRIPTION_EXPIRED ERR_PLAN_QUOTA_RESTRICTION ERR_UID_NOT_FOUND ERR_BOT_NOT_FOUND
			ERR_NOT_A_MEMBER ERR_GROUP_NOT_JOINED ERR_NO_VACANCY ERR_BANNED_GROUPMEMBER ERR_GROUP_NO_CLEARANCE
			ERR_GROUP_NO_ADMIN_SCOPE ERR_GROUP_NO_MODERATOR_SCOPE ERR_GROUP_NO_SCOPE_CLEARANCE ERR_GROUP_JOIN_NOT_ALLOWED
			ERR_EMPTY_GROUP_PASS ERR_WRONG_GROUP_PASS ERR_CONVERSATION_NOT_ACCESSIBLE ERR_MESSAGE_NOT_A_SENDER
			ERR_MESSAGE_NO_ACCESS ERR_BLOCKED_RECEIVER ERR_BLOCKED_SENDER ERR_BLOCKED_BY_EXTENSION ERR_BLOCKED_BY_WEBHOOK`,
		relay.Rejected: `ERR_APIKEY_NO_SELF_ACTION ERR_UID_DELETE_FAILED ERR_BOT_ALREADY_EXISTS ERR_GUID_NOT_FOUND ERR_ALREADY_JOINED
			ERR_GROUP_NO_SELF_ACTION ERR_SAME_SCOPE ERR_EMPTY_RECEIVER ERR_INVALID_RECEIVER_TYPE ERR_CONVERSATION_NOT_FOUND
			ERR_USER_MESSAGE_DELETE_FAILED ERR_MESSAGE_ID_NOT_FOUND ERR_MSG_NOT_FOUND ERR_INVALID_MESSAGE_DATA
			ERR_EMPTY_MESSAGE_TEXT ERR_INVALID_MESSAGE_TEXT ERR_EMPTY_MESSAGE_CATEGORY ERR_INVALID_MESSAGE_CATEGORY
			ERR_EMPTY_MESSAGE_TYPE ERR_INVALID_MESSAGE_TYPE ERR_EMPTY_MESSAGE_FILE ERR_MESSAGE_ACTION_NOT_ALLOWED
			ERR_EMPTY_CUSTOM_DATA ERR_INVALID_CUSTOM_DATA ERR_INVALID_MEDIA_MESSAGE ERR_INVALID_METADATA
			ERR_WRONG_MESSAGE_THREAD ERR_MESSAGE_THREAD_NESTING ERR_WRONG_MESSAGE_THREAD_CATEGORY
			ERR_PINNED_MESSAGES_LIMIT_EXCEEDED ERR_SAVED_MESSAGES_LIMIT_EXCEEDED ERR_CANNOT_BLOCK_SELF
			ERR_WEBHOOK_NOT_FOUND ERR_TRIGGER_NOT_FOUND ERR_INVALID_API_VERSION ERR_API_NOT_FOUND ERR_BAD_REQUEST`,
	}
	all := map[string]relay.Kind{}
	for kind, list := range kinds {
		for code := range strings.FieldsSeq(list) {
			all[code] = kind
		}
	}
	return all
}

func TestVerdictOfEachCode(t *testing.T) {
	for code, want := range codes() {
		for _, status := range []int{400, 404, 409, 422} {
			if got := verdict(&APIError{Status: status, Code: code}, false); got != want {
				t.Errorf("%d %s: %v, want %v", status, code, got, want)
			}
			inThread := want
			if code == "ERR_MESSAGE_ID_NOT_FOUND" || code == "ERR_MSG_NOT_FOUND" {
				inThread = relay.RootGone
			}
			if got := verdict(&APIError{Status: status, Code: code}, true); got != inThread {
				t.Errorf("%d %s in a thread: %v, want %v", status, code, got, inThread)
			}
		}
		// With a status of its own meaning, the code still counts where it has one.
		wholeRange := []relay.Kind{relay.Temporary, relay.Denied}
		for status := 300; status < 600; status++ {
			if status == http.StatusTooManyRequests && want != relay.Temporary {
				continue
			}
			if got := verdict(&APIError{Status: status, Code: code}, false); slices.Contains(wholeRange, want) && got != want {
				t.Errorf("%d %s: %v, want %v", status, code, got, want)
			}
		}
	}
}

func TestFailureKeepsTheCause(t *testing.T) {
	cause := errors.New("cable cut")
	if f := failure(cause, true); f.Kind != relay.Temporary || !errors.Is(f, cause) {
		t.Error(f)
	}
	refusal := &APIError{Status: 429, RetryAfter: 5}
	if f := failure(errors.Join(cause, refusal), true); f.Kind != relay.RateLimited || f.After != 5 || !errors.Is(f, refusal) {
		t.Error(f)
	}
}
