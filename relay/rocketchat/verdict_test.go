package rocketchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/threadrelay/threadrelay/relay"
)

// TestEveryStatus holds what each status means when nothing else is known.
func TestEveryStatus(t *testing.T) {
	want := func(status int) relay.Kind {
		switch status {
		case 408, 425:
			return relay.Temporary
		case 401, 403:
			return relay.Denied
		case 429:
			return relay.RateLimited
		}
		if status >= 500 {
			return relay.Temporary
		}
		return relay.Rejected
	}
	for status := 100; status < 600; status++ {
		err := fmt.Errorf("x: %w", &APIError{Status: status, Route: "chat.x"})
		f := failure(err)
		if f.Kind != want(status) || !errors.Is(f, err) {
			t.Errorf("%d: %v", status, f)
		}
		if (f.Group == relay.Group{Scope: "route", Key: "chat.x"}) != (status == 429) {
			t.Errorf("%d is about %v", status, f.Group)
		}
	}
}

// TestRefusals are the refusals that the server's source and its tests have, of all versions.
func TestRefusals(t *testing.T) {
	tests := []struct {
		status     int
		body       string
		code, text string
		want       relay.Kind
	}{
		{401, `{"success":false,"error":"You must be logged in to do this.","status":"error","message":"You must be logged in to do this."}`, "", "You must be logged in to do this.", relay.Denied},
		{401, `{"success":false,"error":"You must be logged in to do this."}`, "", "You must be logged in to do this.", relay.Denied},
		{401, `{"status":"error","message":"You must be logged in to do this."}`, "", "You must be logged in to do this.", relay.Denied},
		{400, `{"success":false,"error":"Not Allowed [error-not-allowed]","errorType":"error-not-allowed"}`, "error-not-allowed", "Not Allowed", relay.Denied},
		{403, `{"success":false,"error":"Not Allowed","errorType":"error-forbidden"}`, "error-forbidden", "Not Allowed", relay.Denied},
		{403, `{"success":false,"error":"unauthorized"}`, "unauthorized", "", relay.Denied},
		{400, `{"success":false,"error":"not-allowed","errorType":"Not Allowed"}`, "not-allowed", "", relay.Denied},
		{400, `{"success":false,"error":"Threads Disabled [error-not-allowed]","errorType":"error-not-allowed"}`, "error-not-allowed", "Threads Disabled", relay.Denied},
		{400, `{"success":false,"error":"Not enough permission"}`, "", "Not enough permission", relay.Denied},
		{400, `{"success":false,"error":"You can't send messages because the room is readonly."}`, "", "You can't send messages because the room is readonly.", relay.Denied},
		{400, `{"success":false,"error":"room_is_blocked"}`, "room_is_blocked", "", relay.Denied},
		{400, `{"success":false,"error":"TOTP Required [totp-required]","errorType":"totp-required","details":{"method":"totp"}}`, "totp-required", "TOTP Required", relay.Denied},
		{400, `{"success":false,"error":"Message editing not allowed [error-action-not-allowed]","errorType":"error-action-not-allowed"}`, "error-action-not-allowed", "Message editing not allowed", relay.Denied},
		{400, `{"success":false,"error":"Invalid emoji provided. [error-not-allowed]","errorType":"error-not-allowed"}`, "error-not-allowed", "Invalid emoji provided.", relay.Rejected},
		{403, `{"success":false,"error":"Invalid emoji provided.","errorType":"error-forbidden"}`, "error-forbidden", "Invalid emoji provided.", relay.Denied},
		{400, `{"success":false,"error":"[invalid-channel]","errorType":"invalid-channel"}`, "invalid-channel", "", relay.Rejected},
		{400, `{"success":false,"error":"must have required property 'tmid' [invalid-params]","errorType":"invalid-params"}`, "invalid-params", "must have required property 'tmid'", relay.Rejected},
		{400, `{"success":false,"error":"must have required property 'tmid'","errorType":"error-invalid-params"}`, "error-invalid-params", "must have required property 'tmid'", relay.Rejected},
		{400, `{"success":false,"error":"[The required \"mid\" body param is missing.]","errorType":"The required \"mid\" body param is missing."}`, "", `[The required "mid" body param is missing.]`, relay.Rejected},
		{400, `{"success":false,"error":"error-message-size-exceeded"}`, "error-message-size-exceeded", "", relay.Rejected},
		{400, `{"success":false,"error":"Cannot read properties of undefined (reading 'starred')"}`, "", "Cannot read properties of undefined (reading 'starred')", relay.Rejected},
		{400, `{"success":false}`, "", "", relay.Rejected},
		{404, `{"success":false,"error":"Resource not found"}`, "", "Resource not found", relay.Rejected},
		{413, `<html>`, "", "", relay.Rejected},
		{429, `{"success":false,"error":"Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again. [error-too-many-requests]"}`, "error-too-many-requests", "Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again.", relay.RateLimited},
		{400, `{"success":false,"error":"Error, too many requests. [error-too-many-requests]","errorType":"error-too-many-requests"}`, "error-too-many-requests", "Error, too many requests.", relay.RateLimited},
		{500, `{"success":false,"error":"Internal server error"}`, "", "Internal server error", relay.Temporary},
		{401, `{"success":false,"error":401,"message":"Unauthorized"}`, "", "401", relay.Denied},
	}
	for _, tt := range tests {
		c := newConnection(t, nil).client
		e := c.apiError(&http.Response{StatusCode: tt.status, Header: http.Header{}}, "chat.x", []byte(tt.body))
		if e.Code != tt.code || e.Text != tt.text || verdict(e) != tt.want || e.Status != tt.status {
			t.Errorf("%s: %+v is %s, want %q %q %s", tt.body, e, verdict(e), tt.code, tt.text, tt.want)
		}
		if retryable := tt.want == relay.Temporary || tt.want == relay.RateLimited; e.Retryable() != retryable {
			t.Errorf("%s: retryable %t", tt.body, e.Retryable())
		}
	}
}

func TestOtherFailures(t *testing.T) {
	if f := failure(errors.New("x")); f.Kind != relay.Temporary {
		t.Error(f)
	}
	own := &relay.Failure{Kind: relay.RootGone, Err: errors.New("x")}
	if f := failure(fmt.Errorf("y: %w", own)); f != own {
		t.Error(f)
	}
}

func TestWhatARefusalIsAbout(t *testing.T) {
	tests := []struct {
		status                 int
		body                   string
		noMessage, noUser, rep bool
	}{
		{400, `{"success":false}`, true, false, false},
		{400, ``, false, false, false},
		{400, `{}`, false, false, false},
		{400, `<html>`, false, false, false},
		{500, `{"success":false}`, false, false, false},
		{400, `{"success":false,"error":"No message found with the id of \"x\"."}`, true, false, false},
		{400, `{"success":false,"error":"Invalid Message [error-invalid-message]","errorType":"error-invalid-message"}`, true, false, false},
		{400, `{"success":false,"error":"x [error-message-not-found]","errorType":"error-message-not-found"}`, true, false, false},
		{400, `{"success":false,"error":"User not found."}`, false, true, false},
		{400, `{"success":false,"error":"error-user-not-found"}`, false, true, false},
		{400, `{"success":false,"error":"Cannot read properties of undefined (reading 'starred')"}`, false, false, true},
		{400, `{"success":false,"error":"Cannot read property 'starred' of undefined"}`, false, false, true},
		{400, `{"success":false,"error":"E11000 duplicate key error"}`, false, false, true},
		{400, `{"success":false,"error":"Cannot read properties of undefined (reading 'name')"}`, false, false, false},
		{500, `{"success":false,"error":"Cannot read property 'starred' of undefined"}`, false, false, false},
	}
	for _, tt := range tests {
		c := serve(t, answer(tt.status, tt.body))
		_, err := c.client.Message(t.Context(), "m")
		if IsNoMessage(err) != tt.noMessage || IsNoUser(err) != tt.noUser || IsRepeat(err) != tt.rep {
			t.Errorf("%d %s: no message %t, no user %t, repeat %t", tt.status, tt.body, IsNoMessage(err), IsNoUser(err), IsRepeat(err))
		}
	}
	if IsNoMessage(nil) || IsNoUser(nil) || IsRepeat(nil) {
		t.Error("no error is about something")
	}
}

func TestErrorsAreShortAndClean(t *testing.T) {
	long := ""
	for range 1000 {
		long += "ö\n"
	}
	body, err := json.Marshal(map[string]any{"success": false, "error": testToken + long, "errorType": testToken})
	must(t, err)
	c := serve(t, answer(400, string(body)))
	_, err = c.client.Me(t.Context())
	if n := len(err.Error()); n > 600 {
		t.Errorf("%d bytes", n)
	}
	assertNoSecret(t, err)
}
