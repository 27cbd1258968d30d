package cometchat

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func TestMemberOfGroup(t *testing.T) {
	var got seen
	c := record(t, &got, "rest.group.json")
	tests := []struct {
		conversation event.ConversationID
		user         event.UserID
		path, as     string
	}{
		{"group/Harbour-Crew", "Lena", "/v3/groups/harbour-crew", "lena"},
		{"group/harbour-crew", "", "/v3/groups/harbour-crew", "helper"},
		{"group/a/b?c", "", "/v3/groups/a%2Fb%3Fc", "helper"},
	}
	for _, tt := range tests {
		is, err := c.Member(t.Context(), event.MembershipQuery{Conversation: tt.conversation, User: tt.user})
		if err != nil || !is {
			t.Errorf("%v, %v", is, err)
		}
		if got.method != "GET" || got.path != tt.path || got.header.Get("onBehalfOf") != tt.as || got.header.Get("apikey") != testKey || got.body != "" {
			t.Errorf("%+v", got)
		}
	}
}

func TestMemberAnswers(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   bool
		says   string
	}{
		{"joined", 200, `{"data":{"hasJoined":true}}`, true, ""},
		{"not joined", 200, `{"data":{"hasJoined":false}}`, false, ""},
		{"array", 200, `{"data":[{"hasJoined":true}]}`, true, ""},
		{"number", 200, `{"data":{"hasJoined":0}}`, false, ""},
		{"absent", 200, `{"data":{"guid":"g"}}`, false, "does not tell"},
		{"null", 200, `{"data":{"hasJoined":null}}`, false, "does not tell"},
		{"word", 200, `{"data":{"hasJoined":"yes"}}`, false, "does not tell"},
		{"no data", 200, `{}`, false, "missing"},
		{"not joined by code", 403, `{"error":{"code":"ERR_GROUP_NOT_JOINED"}}`, false, ""},
		{"no member by code", 400, `{"error":{"code":"ERR_NOT_A_MEMBER"}}`, false, ""},
		{"no access by code", 404, `{"error":{"code":"ERR_MESSAGE_NO_ACCESS"}}`, false, ""},
		{"no group", 404, `{"error":{"code":"ERR_GUID_NOT_FOUND"}}`, false, "rejected"},
		{"no user", 404, `{"error":{"code":"ERR_UID_NOT_FOUND"}}`, false, "denied"},
		{"wrong key", 401, `{"error":{"message":"` + testKey + `"}}`, false, "denied"},
		{"limited", 429, ``, false, "rate_limited"},
		{"broken", 500, ``, false, "temporary"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			is, err := serve(t, answer(tt.status, tt.body)).Member(t.Context(), event.MembershipQuery{Conversation: "group/g"})
			if is != tt.want || (err == nil) != (tt.says == "") {
				t.Fatalf("%v, %v", is, err)
			}
			if err == nil {
				return
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q in it", err, tt.says)
			}
			var f *relay.Failure
			if errors.As(err, &f) != (tt.status != 200) {
				t.Errorf("%T", err)
			}
			assertNoSecret(t, err)
		})
	}
}

func TestMemberWithoutACall(t *testing.T) {
	tests := []struct {
		conversation event.ConversationID
		user         event.UserID
		bot          string
		want, fails  bool
	}{
		{"user/lena", "", "helper", true, false},
		{"user/lena", "LENA", "helper", true, false},
		{"user/lena", "omar", "helper", false, false},
		{"user/lena", "lena", "", true, false},
		{"user/lena", "omar", "", false, false},
		{"user/lena", "", "", false, true},
		{"users/ana+zoe", "Zoe", "helper", true, false},
		{"users/ana+zoe", "ana", "helper", true, false},
		{"users/ana+zoe", "", "helper", false, false},
		{"message/5", "", "helper", false, true},
		{"group/", "", "helper", false, true},
		{"", "", "helper", false, true},
	}
	for _, tt := range tests {
		c := newConnection(t, func(cfg *Config) {
			cfg.BotUID, cfg.HTTP = tt.bot, &http.Client{Transport: refusing{t}}
		})
		is, err := c.Member(t.Context(), event.MembershipQuery{Conversation: tt.conversation, User: tt.user})
		if is != tt.want || (err != nil) != tt.fails {
			t.Errorf("%+v: %v, %v", tt, is, err)
		}
	}
}
