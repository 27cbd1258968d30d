package cometchat

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const (
	aMessage = `{"data":{"id":"7","sender":"ana"}}`
	aList    = `{"data":[{"id":"7","sender":"ana","uid":"ana","guid":"crew","conversationId":"group_crew","entityId":"ana","entityType":"user","count":3}]}`
)

// endpoint is one call of the client, and what the server is to see of it.
type endpoint struct {
	name   string
	as     string
	do     func(context.Context, *Client) error
	answer string
	call   string // method and path with query
	body   string
}

func only[T any](_ T, err error) error { return err }

func endpoints() []endpoint {
	draft := Draft{Receiver: "zoe", ReceiverType: "user", Data: DraftData{Text: "<hi>"}}
	const sent = `{"receiver":"zoe","receiverType":"user","category":"message","type":"text","data":{"text":"<hi>"}}`
	return append([]endpoint{
		{"send", "ana", func(ctx context.Context, c *Client) error { return only(c.SendMessage(ctx, draft)) }, aMessage, "POST /messages", sent},
		{"threaded", "ana", func(ctx context.Context, c *Client) error { return only(c.SendThreaded(ctx, "5", draft)) }, aMessage, "POST /messages/5/thread", sent},
		{"as bot", "", func(ctx context.Context, c *Client) error { return only(c.SendAsBot(ctx, "helper", draft)) }, aMessage, "POST /bots/helper/messages", sent},
		{"get", "", func(ctx context.Context, c *Client) error { return only(c.Message(ctx, "7")) }, aMessage, "GET /messages/7", ""},
		{"edit", "ana", func(ctx context.Context, c *Client) error {
			return only(c.EditMessage(ctx, "7", MessageChange{Text: "x", Tags: []string{}}))
		}, aMessage, "PUT /messages/7", `{"data":{"text":"x"},"tags":[]}`},
		{"delete", "ana", func(ctx context.Context, c *Client) error { return only(c.DeleteMessage(ctx, "7", false)) }, aMessage, "DELETE /messages/7", ""},
		{"delete for good", "", func(ctx context.Context, c *Client) error { return only(c.DeleteMessage(ctx, "7", true)) }, aMessage, "DELETE /messages/7", `{"permanent":true}`},
		{"pin", "", func(ctx context.Context, c *Client) error { return only(c.PinMessage(ctx, "7")) }, aMessage, "POST /messages/7/pin", ""},
		{"unpin", "", func(ctx context.Context, c *Client) error { return only(c.UnpinMessage(ctx, "7")) }, aMessage, "DELETE /messages/7/pin", ""},
		{"react", "ana", func(ctx context.Context, c *Client) error { return only(c.AddReaction(ctx, "7", "😅/?")) }, aMessage, "POST /messages/7/reactions/%F0%9F%98%85%2F%3F", ""},
		{"unreact", "ana", func(ctx context.Context, c *Client) error { return only(c.RemoveReaction(ctx, "7", ":tada:")) }, aMessage, "DELETE /messages/7/reactions/:tada:", ""},
		{"reactions", "", func(ctx context.Context, c *Client) error {
			return only(c.ListReactions(ctx, "7", ReactionOptions{Cursor: Cursor{Limit: 2}}))
		}, aList, "GET /messages/7/reactions?limit=2", ""},
		{"reactions with", "", func(ctx context.Context, c *Client) error {
			return only(c.ListReactions(ctx, "7", ReactionOptions{Emoji: "x"}))
		}, aList, "GET /messages/7/reactions/x", ""},
		{"list", "", func(ctx context.Context, c *Client) error {
			return only(c.ListMessages(ctx, MessageOptions{HideDeleted: new(true)}))
		}, aList, "GET /messages?hideDeleted=true", ""},
		{"list user", "zoe", func(ctx context.Context, c *Client) error {
			return only(c.ListUserMessages(ctx, "ana", UserMessageOptions{PerPage: 5}))
		}, aList, "GET /users/ana/messages?perPage=5", ""},
		{"list group", "", func(ctx context.Context, c *Client) error {
			return only(c.ListGroupMessages(ctx, "a/b?c", GroupMessageOptions{}))
		}, aList, "GET /groups/a%2Fb%3Fc/messages", ""},
		{"list thread", "", func(ctx context.Context, c *Client) error {
			return only(c.ListThread(ctx, "5", ThreadOptions{Page: 2, PerPage: 9}))
		}, aList, "GET /messages/5/thread?page=2&perPage=9", ""},
		{"count", "ana", func(ctx context.Context, c *Client) error {
			return only(c.CountMessages(ctx, MessageOptions{MessageFilter: MessageFilter{Unread: new(true)}}))
		}, aList, "GET /messages?count=true&unread=true", ""},
		{"count user", "ana", func(ctx context.Context, c *Client) error {
			return only(c.CountUserMessages(ctx, "zoe", UserMessageOptions{}))
		}, aList, "GET /users/zoe/messages?count=true", ""},
		{"count group", "ana", func(ctx context.Context, c *Client) error {
			return only(c.CountGroupMessages(ctx, "crew", GroupMessageOptions{}))
		}, aList, "GET /groups/crew/messages?count=true", ""},
	}, morePoints()...)
}

func morePoints() []endpoint {
	const user, group, conversation = `{"data":{"uid":"ana"}}`, `{"data":{"guid":"crew"}}`, `{"data":[{"conversationId":"group_crew"}]}`
	return []endpoint{
		{"conversations", "ana", func(ctx context.Context, c *Client) error {
			return only(c.ListConversations(ctx, ConversationOptions{Unread: new(true)}))
		}, aList, "GET /conversations?unread=true", ""},
		{"user conversation", "ana", func(ctx context.Context, c *Client) error { return only(c.Conversation(ctx, UserPeer("zoe"))) }, conversation, "GET /users/zoe/conversation", ""},
		{"group conversation", "ana", func(ctx context.Context, c *Client) error { return only(c.Conversation(ctx, GroupPeer("crew"))) }, conversation, "GET /groups/crew/conversation", ""},
		{"conversation", "ana", func(ctx context.Context, c *Client) error { return only(c.ConversationByID(ctx, "group_crew")) }, conversation, "GET /conversations/group_crew", ""},
		{"read user", "ana", func(ctx context.Context, c *Client) error { return c.MarkRead(ctx, UserPeer("zoe")) }, `{"data":{"success":true}}`, "POST /users/zoe/conversation/read", ""},
		{"read group", "ana", func(ctx context.Context, c *Client) error { return c.MarkRead(ctx, GroupPeer("crew")) }, `{"data":{}}`, "POST /groups/crew/conversation/read", ""},
		{"delivered user", "ana", func(ctx context.Context, c *Client) error { return c.MarkDelivered(ctx, UserPeer("zoe")) }, `{"data":{}}`, "POST /users/zoe/conversation/delivered", ""},
		{"delivered group", "ana", func(ctx context.Context, c *Client) error { return c.MarkDelivered(ctx, GroupPeer("crew")) }, `{"data":{}}`, "POST /groups/crew/conversation/delivered", ""},
		{"user", "", func(ctx context.Context, c *Client) error { return only(c.User(ctx, "ana")) }, user, "GET /users/ana", ""},
		{"create user", "", func(ctx context.Context, c *Client) error {
			return only(c.CreateUser(ctx, UserDraft{UID: "ana", Name: "Ana"}))
		}, user, "POST /users", `{"uid":"ana","name":"Ana"}`},
		{"update user", "", func(ctx context.Context, c *Client) error {
			return only(c.UpdateUser(ctx, "ana", UserDraft{UID: "other", Avatar: "u"}))
		}, user, "PUT /users/ana", `{"avatar":"u"}`},
		{"users", "", func(ctx context.Context, c *Client) error { return only(c.ListUsers(ctx, UserOptions{Role: "r"})) }, aList, "GET /users?role=r", ""},
		{"group", "ana", func(ctx context.Context, c *Client) error { return only(c.Group(ctx, "crew")) }, group, "GET /groups/crew", ""},
		{"create group", "", func(ctx context.Context, c *Client) error {
			return only(c.CreateGroup(ctx, GroupDraft{GUID: "crew", Name: "Crew", Type: "public"}))
		}, group, "POST /groups", `{"guid":"crew","name":"Crew","type":"public"}`},
		{"update group", "", func(ctx context.Context, c *Client) error {
			return only(c.UpdateGroup(ctx, "crew", GroupDraft{GUID: "x", Name: "New"}))
		}, group, "PUT /groups/crew", `{"name":"New"}`},
		{"groups", "", func(ctx context.Context, c *Client) error {
			return only(c.ListGroups(ctx, GroupOptions{HasJoined: new(false)}))
		}, aList, "GET /groups?hasJoined=false", ""},
		{"members", "", func(ctx context.Context, c *Client) error { return only(c.ListMembers(ctx, "crew", MemberOptions{})) }, aList, "GET /groups/crew/members", ""},
		{"add members", "", func(ctx context.Context, c *Client) error {
			return only(c.AddMembers(ctx, "crew", NewMembers{Participants: []string{"ana"}}))
		}, `{"data":{}}`, "POST /groups/crew/members", `{"participants":["ana"]}`},
		{"remove member", "", func(ctx context.Context, c *Client) error { return c.RemoveMember(ctx, "crew", "ana") }, `{"data":{"success":true}}`, "DELETE /groups/crew/members/ana", ""},
	}
}

func TestEndpoints(t *testing.T) {
	for _, e := range endpoints() {
		t.Run(e.name, func(t *testing.T) {
			var got seen
			var query string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got, query = noteRequest(t, r), r.URL.RawQuery
				answer(200, e.answer)(w, r)
			})
			if err := e.do(t.Context(), c.Client().As(strings.ToUpper(e.as))); err != nil {
				t.Fatal(err)
			}
			call := got.method + " " + strings.TrimPrefix(got.path, "/v3")
			if query != "" {
				call += "?" + query
			}
			if call != e.call || strings.TrimSpace(got.body) != e.body || got.header.Get("onBehalfOf") != e.as || got.header.Get("apikey") != testKey {
				t.Errorf("%s as %q with %s", call, got.header.Get("onBehalfOf"), got.body)
			}
			if hasType := got.header.Get("Content-Type") != ""; hasType != (e.body != "") {
				t.Errorf("content type %q", got.header.Get("Content-Type"))
			}
		})
	}
}

// TestEndpointsRefused has each call fail in the same way.
func TestEndpointsRefused(t *testing.T) {
	for _, e := range endpoints() {
		c := serve(t, answer(404, `{"error":{"code":"ERR_GUID_NOT_FOUND","message":"`+testKey+`"}}`))
		err := e.do(t.Context(), c.Client().As("ana"))
		if err == nil || err.Error() != "HTTP 404 ERR_GUID_NOT_FOUND [removed]" {
			t.Errorf("%s: %v", e.name, err)
		}
		assertNoSecret(t, err)
	}
}

func TestCallsThatWantAUser(t *testing.T) {
	c := newConnection(t, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: refusing{t}} }).Client()
	ctx := t.Context()
	for name, err := range map[string]error{
		"thread": only(c.SendThreaded(ctx, "5", Draft{})), "react": only(c.AddReaction(ctx, "5", "x")), "conversation": only(c.Conversation(ctx, UserPeer("zoe"))),
		"by id": only(c.ConversationByID(ctx, "group_g")), "read": c.MarkRead(ctx, UserPeer("zoe")),
	} {
		if err == nil || !strings.Contains(err.Error(), "in a user's name") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCallsThatGoNowhere(t *testing.T) {
	c := newConnection(t, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: refusing{t}} }).Client()
	ctx := t.Context()
	for name, err := range map[string]error{
		"no id": only(c.Message(ctx, "")), "climbing": only(c.User(ctx, "..")), "here": only(c.Group(ctx, ".")), "as": only(c.As("a b").User(ctx, "ana")),
		"count":    only(c.ListMessages(ctx, MessageOptions{MessageFilter: MessageFilter{Count: new(true)}})),
		"not JSON": only(c.SendMessage(ctx, Draft{Data: DraftData{CustomData: json.RawMessage("{")}})),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "cometchat: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSendToSeveral(t *testing.T) {
	for _, body := range []string{aMessage, `{"data":[{"id":"7"},{"id":"8"}]}`} {
		var got seen
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			got = noteRequest(t, r)
			answer(200, body)(w, r)
		})
		m, err := c.Client().SendMessage(t.Context(), Draft{Multiple: &Receivers{UIDs: []string{"a"}, GUIDs: []string{"g"}}, Tags: []string{"t"}})
		if err != nil || m.ID != "7" {
			t.Errorf("%+v, %v", m, err)
		}
		if want := `{"category":"message","type":"text","data":{},"multipleReceivers":{"uids":["a"],"guids":["g"]},"tags":["t"]}`; strings.TrimSpace(got.body) != want {
			t.Error(got.body)
		}
	}
	c := serve(t, answer(200, `{"data":"x"}`))
	if _, err := c.Client().SendMessage(t.Context(), Draft{Multiple: &Receivers{}}); err == nil {
		t.Error("no error")
	}
}

func TestAddMembersRefused(t *testing.T) {
	c := serve(t, answer(200, `{"data":{"admins":[],"usersToBan":{},"participants":{
		"ana":{"success":true,"data":{"id":"4"}},"bo":{"success":false,"error":{"code":"ERR_ALREADY_JOINED"}},"cy":{"success":"false","error":{"code":"ERR_UID_NOT_FOUND","message":"no cy"}},
		"di":{"success":false},"ed":5}}}`))
	refused, err := c.Client().AddMembers(t.Context(), "crew", NewMembers{})
	if err != nil || len(refused) != 2 || refused["cy"].Code != "ERR_UID_NOT_FOUND" || refused["di"] == nil {
		t.Errorf("%+v, %v", refused, err)
	}
}
