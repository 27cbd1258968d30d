package sim

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Error is a refusal of the simulated server: what the REST API would answer with.
type Error struct {
	Status  int                 // HTTP status
	Code    string              // CometChat's error code, e.g. ERR_UID_NOT_FOUND (CometChat: articles/error-guide)
	Message string              // for people
	Dev     string              // for developers; empty means the same as Message
	Details map[string][]string // per field, for ERR_BAD_REQUEST
}

// Error returns the code and the message.
func (e *Error) Error() string { return "sim: " + e.Code + ": " + e.Message }

// Statuses of access and thread errors are not documented; 403 and 400 are this simulator's choice, and clients should go by
// the code.
func refuse(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func badField(field, format string, args ...any) *Error {
	const text = "Failed to validate the data sent with the request."
	return &Error{
		Status: http.StatusBadRequest, Code: "ERR_BAD_REQUEST", Message: text,
		Details: map[string][]string{field: {fmt.Sprintf(format, args...)}},
	}
}

func required(fields ...string) *Error {
	e := badField(fields[0], "The %s field is required.", fields[0])
	for _, f := range fields[1:] {
		e.Details[f] = []string{"The " + f + " field is required."}
	}
	return e
}

func noUser(uid string) *Error {
	return refuse(http.StatusNotFound, "ERR_UID_NOT_FOUND", "The UID %s does not exist, please make sure you have created a user with UID %s.", uid, uid)
}

func noGroup(guid string) *Error {
	return refuse(http.StatusNotFound, "ERR_GUID_NOT_FOUND", "The GUID %s does not exist, please make sure you have created a group with GUID %s.", guid, guid)
}

func noMessage(id string) *Error {
	return refuse(http.StatusNotFound, "ERR_MESSAGE_ID_NOT_FOUND", "The message with ID %s does not exist.", id)
}

func notJoined(uid, guid string) *Error {
	return refuse(http.StatusForbidden, "ERR_GROUP_NOT_JOINED", "The user with UID %s has not joined the group with GUID %s.", uid, guid)
}

func notMember(uid, guid string) *Error {
	return refuse(http.StatusNotFound, "ERR_NOT_A_MEMBER", "The user with UID %s is not a member of the group with GUID %s.", uid, guid)
}

func noClearance(uid, guid, scope string) *Error {
	return refuse(http.StatusForbidden, "ERR_GROUP_NO_"+strings.ToUpper(scope)+"_SCOPE",
		"The user with UID %s needs the scope %s in the group with GUID %s.", uid, scope, guid)
}

func nesting(id string) *Error {
	return refuse(http.StatusBadRequest, "ERR_MESSAGE_THREAD_NESTING",
		"The message with ID %s is itself a reply in a thread; threads cannot be nested.", id)
}

func noAccess(uid, id string) *Error {
	return refuse(http.StatusForbidden, "ERR_MESSAGE_NO_ACCESS", "The user with UID %s has no access to the message with ID %s.", uid, id)
}

// faultError is what an injected status answers with when no code was given.
func faultError(status int, code string) *Error {
	if code != "" {
		return refuse(status, code, "%s", http.StatusText(status))
	}
	switch {
	case status == http.StatusTooManyRequests:
		return tooMany()
	case status == http.StatusUnauthorized:
		code = "AUTH_ERR_APIKEY_NOT_FOUND"
	case status == http.StatusForbidden:
		code = "AUTH_ERR_NO_ACCESS"
	case status == http.StatusNotFound:
		code = "ERR_API_NOT_FOUND"
	case status >= http.StatusInternalServerError:
		code = "ERR_MISSION_FAILED"
	default:
		code = "ERR_BAD_REQUEST"
	}
	return refuse(status, code, "%s", http.StatusText(status))
}

func tooMany() *Error {
	e := refuse(http.StatusTooManyRequests, "ERR_TOO_MANY_REQUESTS", "Too many requests. The rate limit is exceeded; retry after the specified time.")
	e.Dev = "Too many requests."
	return e
}

type wireError struct {
	Message    string              `json:"message"`
	DevMessage string              `json:"devMessage"`
	Source     string              `json:"source"`
	Details    map[string][]string `json:"details,omitempty"`
	Code       string              `json:"code"`
}

func (e *Error) wire() map[string]wireError {
	dev := e.Dev
	if dev == "" {
		dev = strings.TrimSpace(e.Message)
	}
	return map[string]wireError{"error": {Message: e.Message, DevMessage: dev, Source: "chat-api", Details: e.Details, Code: e.Code}}
}

// asError is err as a refusal; what is none becomes a server fault.
func asError(err error) *Error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	return refuse(http.StatusInternalServerError, "ERR_MISSION_FAILED", "%s", err)
}
