package rocketchat

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// apiCall is a method of the client, the request that it has to make and an answer.
type apiCall struct {
	name   string
	do     func(context.Context, *Client) (any, error)
	method string
	// target is the path below /api/v1 with its query, and body the JSON that is sent.
	target, body string
	answer       string
	want         any
}

func apiCalls() []apiCall {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.FixedZone("", 3600))
	const stamp = "2026-01-02T02%3A04%3A05.678Z"
	id := func(m Message, err error) (any, error) { return m.ID, err }
	ids := func(p Page[Message], err error) (any, error) {
		var all []string
		for _, m := range p.Rows {
			all = append(all, m.ID)
		}
		return []any{all, p.Offset, p.Total}, err
	}
	page := []any{[]string{"a", "b"}, 1, 7}
	const list = `[{"_id":"a"},{"_id":"b"}],"count":2,"offset":1,"total":7`
	return []apiCall{
		{"message", func(ctx context.Context, c *Client) (any, error) { return id(c.Message(ctx, "m")) }, "GET", "chat.getMessage?msgId=m", "", `"message":{"_id":"m"}`, "m"},
		{"send", func(ctx context.Context, c *Client) (any, error) {
			return id(c.SendMessage(ctx, Draft{ID: "i", RoomID: "r", Text: "<&>", ThreadID: "t", InChannel: true, Alias: "a", Bot: &BotMark{"x"}, Stamp: &Stamp{Action: "act"}}))
		}, "POST", "chat.sendMessage", `{"message":{"_id":"i","rid":"r","msg":"<&>","tmid":"t","tshow":true,"alias":"a","bot":{"i":"x"},"threadrelay":{"action":"act"}}}`, `"message":{"_id":"i"}`, "i"},
		{"post", func(ctx context.Context, c *Client) (any, error) {
			return id(c.PostMessage(ctx, Post{RoomID: "#r", ThreadID: "t", Text: "x", Emoji: ":tada:"}))
		}, "POST", "chat.postMessage", `{"roomId":"#r","tmid":"t","text":"x","emoji":":tada:"}`, `"ts":1481748965123,"channel":"general","message":{"_id":"i"}`, "i"},
		{"update", func(ctx context.Context, c *Client) (any, error) { return id(c.UpdateMessage(ctx, "r", "m", "x")) }, "POST", "chat.update", `{"msgId":"m","roomId":"r","text":"x"}`, `"message":{"_id":"m"}`, "m"},
		{"delete", func(ctx context.Context, c *Client) (any, error) { return c.DeleteMessage(ctx, "r", "m") }, "POST", "chat.delete", `{"msgId":"m","roomId":"r"}`, `"_id":"m","ts":"1696533809813"`, time.UnixMilli(1696533809813).UTC()},
		{"react", func(ctx context.Context, c *Client) (any, error) { return nil, c.React(ctx, "m", "tada", true) }, "POST", "chat.react", `{"emoji":"tada","messageId":"m","shouldReact":true}`, ``, nil},
		{"unreact", func(ctx context.Context, c *Client) (any, error) { return nil, c.React(ctx, "m", "tada", false) }, "POST", "chat.react", `{"emoji":"tada","messageId":"m","shouldReact":false}`, ``, nil},
		{"follow", func(ctx context.Context, c *Client) (any, error) { return nil, c.FollowMessage(ctx, "m") }, "POST", "chat.followMessage", `{"mid":"m"}`, ``, nil},
		{"unfollow", func(ctx context.Context, c *Client) (any, error) { return nil, c.UnfollowMessage(ctx, "m") }, "POST", "chat.unfollowMessage", `{"mid":"m"}`, ``, nil},
		{"thread", func(ctx context.Context, c *Client) (any, error) {
			return ids(c.ThreadPage(ctx, "t", Paging{Offset: 1, Count: 500, Sort: Sort{Field: "ts", Descending: true}}))
		}, "GET", "chat.getThreadMessages?count=100&offset=1&sort=%7B%22ts%22%3A-1%7D&tmid=t", "", `"messages":` + list, page},
		{"threads", func(ctx context.Context, c *Client) (any, error) {
			return ids(c.ThreadsPage(ctx, "r", Threads{Type: "following", Text: "x y"}))
		}, "GET", "chat.getThreadsList?rid=r&text=x+y&type=following", "", `"threads":` + list, page},
		{"deleted", func(ctx context.Context, c *Client) (any, error) {
			return ids(c.DeletedPage(ctx, "r", at, Paging{}))
		}, "GET", "chat.getDeletedMessages?roomId=r&since=" + stamp, "", `"messages":` + list, page},
		{"sync thread", func(ctx context.Context, c *Client) (any, error) {
			ch, err := c.SyncThread(ctx, "t", at)
			return []int{len(ch.Updated), len(ch.Deleted)}, err
		}, "GET", "chat.syncThreadMessages?tmid=t&updatedSince=" + stamp, "", `"messages":{"update":[{"_id":"a"}],"remove":[{"_id":"b","_deletedAt":"2026-01-02T03:04:05.678Z"}]}`, []int{1, 1}},
		{"sync", func(ctx context.Context, c *Client) (any, error) {
			ch, err := c.SyncMessages(ctx, "r", Sync{Since: at})
			var at []time.Time
			for _, m := range append(ch.Updated, ch.Deleted...) {
				at = append(at, m.DeletedAt)
			}
			return at, err
		}, "GET", "chat.syncMessages?lastUpdate=" + stamp + "&roomId=r", "", `"result":{"updated":[{"_id":"a"}],"deleted":[{"_id":"b","_deletedAt":"2026-01-02T03:04:05.678Z"}]}`, []time.Time{{}, time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)}},
		{"sync behind a cursor", func(ctx context.Context, c *Client) (any, error) {
			ch, err := c.SyncMessages(ctx, "r", Sync{Next: 1700000000000, Count: 20})
			return ch.Next, err
		}, "GET", "chat.syncMessages?count=20&next=1700000000000&roomId=r&type=UPDATED", "", `"result":{"updated":[],"deleted":[],"cursor":{"next":"1700000000050","previous":null}}`, int64(1700000000050)},
		{"sync deletions before one", func(ctx context.Context, c *Client) (any, error) {
			ch, err := c.SyncMessages(ctx, "r", Sync{Previous: 1700000000000, Deleted: true})
			return ch.Next, err
		}, "GET", "chat.syncMessages?previous=1700000000000&roomId=r&type=DELETED", "", `"result":{"updated":[],"deleted":[],"cursor":{"next":null}}`, int64(0)},
		{"history", func(ctx context.Context, c *Client) (any, error) {
			return ids(c.HistoryPage(ctx, Channel, "r", History{Latest: at, Oldest: at, Inclusive: true, NoThreads: true}))
		}, "GET", "channels.history?inclusive=true&latest=" + stamp + "&oldest=" + stamp + "&roomId=r&showThreadMessages=false", "", `"messages":[{"_id":"a"},{"_id":"b"}]`, []any{[]string{"a", "b"}, 0, -1}},
		{"history of a group", func(ctx context.Context, c *Client) (any, error) {
			return ids(c.HistoryPage(ctx, Group, "r", History{}))
		}, "GET", "groups.history?roomId=r", "", `"messages":[]`, []any{[]string(nil), 0, -1}},
		{"history of two", func(ctx context.Context, c *Client) (any, error) {
			return ids(c.HistoryPage(ctx, Direct, "r", History{}))
		}, "GET", "im.history?roomId=r", "", `"messages":[]`, []any{[]string(nil), 0, -1}},
		{"room", func(ctx context.Context, c *Client) (any, error) { return c.Room(ctx, "r") }, "GET", "rooms.info?roomId=r", "", `"room":{"_id":"r","t":"p","name":"n","fname":"N","ro":true}`, Room{ID: "r", Kind: Group, Name: "n", Title: "N", ReadOnly: true}},
		{"room by name", func(ctx context.Context, c *Client) (any, error) { return c.Room(ctx, "#n") }, "GET", "rooms.info?roomName=n", "", `"room":{"_id":"r","t":"d","uids":["a","b"],"usernames":["x","y"]}`, Room{ID: "r", Kind: Direct, UserIDs: []string{"a", "b"}, Usernames: []string{"x", "y"}}},
		{"rooms", func(ctx context.Context, c *Client) (any, error) { return c.Rooms(ctx, at) }, "GET", "rooms.get?updatedSince=" + stamp, "", `"update":[{"_id":"r","archived":true},5,{}],"remove":[]`, []Room{{ID: "r", Archived: true}}},
		{"direct", func(ctx context.Context, c *Client) (any, error) { return c.OpenDirect(ctx, "ana") }, "POST", "im.create", `{"username":"ana"}`, `"room":{"t":"d","rid":"r"}`, Room{ID: "r", Kind: Direct}},
		{"members", func(ctx context.Context, c *Client) (any, error) {
			p, err := c.MembersPage(ctx, Channel, "r", Members{Paging: Paging{Count: 5}, Filter: "an"})
			return []any{len(p.Rows), p.Total}, err
		}, "GET", "channels.members?count=5&filter=an&roomId=r", "", `"members":[{"_id":"u","username":"ana"}],"total":1`, []any{1, 1}},
		{"is member", func(ctx context.Context, c *Client) (any, error) { return c.IsMember(ctx, "r", "u") }, "GET", "rooms.isMember?roomId=r&userId=u", "", `"isMember":true`, true},
		{"confirm", func(ctx context.Context, c *Client) (any, error) {
			return id(c.ConfirmMedia(ctx, "r/1", "f", MediaDraft{Text: "x", ThreadID: "t"}))
		}, "POST", "rooms.mediaConfirm/r%2F1/f", `{"msg":"x","tmid":"t"}`, `"message":{"_id":"m"}`, "m"},
		{"me", func(ctx context.Context, c *Client) (any, error) { u, err := c.Me(ctx); return u.Roles, err }, "GET", "me", "", `"_id":"u","username":"bot","roles":["user","bot"]`, []string{"user", "bot"}},
		{"user", func(ctx context.Context, c *Client) (any, error) { u, err := c.User(ctx, "u"); return u.Inactive, err }, "GET", "users.info?userId=u", "", `"user":{"_id":"u","active":false}`, true},
		{"user by name", func(ctx context.Context, c *Client) (any, error) {
			u, err := c.UserByName(ctx, "ana")
			return u.ID, err
		}, "GET", "users.info?username=ana", "", `"user":{"_id":"u","active":true}`, "u"},
		{"info", func(ctx context.Context, c *Client) (any, error) { i, err := c.Info(ctx); return i.Major(), err }, "GET", "info", "", `"version":"8.8"`, 8},
		{"info for the privileged", func(ctx context.Context, c *Client) (any, error) { i, err := c.Info(ctx); return i, err }, "GET", "info", "", `"info":{"version":"8.8.1"}`, Info{"8.8.1"}},
	}
}

// TestCalls compares each call with what the documents say it looks like. That none of them has "query" or "fields" follows,
// and is looked at all the same.
func TestCalls(t *testing.T) {
	for _, tt := range apiCalls() {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				target := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v1/")
				if r.URL.RawQuery != "" {
					target += "?" + r.URL.RawQuery
				}
				body, _ := io.ReadAll(r.Body)
				if r.Method != tt.method || target != tt.target || strings.TrimSpace(string(body)) != tt.body {
					t.Errorf("%s %s %s, want %s %s %s", r.Method, target, body, tt.method, tt.target, tt.body)
				}
				if (tt.body != "") != (r.Header.Get("Content-Type") == "application/json") || r.Header.Get("X-User-Id") != testUser || r.Header.Get("X-Auth-Token") != testToken || r.UserAgent() != "threadrelay" {
					t.Errorf("%v", r.Header)
				}
				q, _ := url.ParseQuery(r.URL.RawQuery)
				if q.Has("query") || q.Has("fields") {
					t.Errorf("%s has a parameter that is gone", target)
				}
				body = []byte(`{` + tt.answer + `,"success":true}`)
				if tt.answer == "" {
					body = []byte(`{"success":true}`)
				}
				answer(200, string(body))(w, r)
			})
			got, err := tt.do(t.Context(), c.client)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, %v, want %#v", got, err, tt.want)
			}
		})
	}
}

// TestCallsThatFail has each call refused, and then answered with something else than what was asked for.
func TestCallsThatFail(t *testing.T) {
	lenient := map[string]bool{"delete": true, "react": true, "unreact": true, "follow": true, "unfollow": true, "info": true, "info for the privileged": true}
	for _, tt := range apiCalls() {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, answer(400, `{"success":false,"error":"No `+testToken+` [error-x]","errorType":"error-x"}`))
			_, err := tt.do(t.Context(), c.client)
			var refused *APIError
			route, _, _ := strings.Cut(tt.target, "?")
			route, _, _ = strings.Cut(route, "/")
			if !errors.As(err, &refused) || refused.Code != "error-x" || refused.Text != "No [removed]" || refused.Route != route || !strings.HasPrefix(err.Error(), tt.method+" "+route+": HTTP 400 error-x") {
				t.Errorf("%v", err)
			}
			c = serve(t, answer(200, `{"success":true}`))
			_, err = tt.do(t.Context(), c.client)
			isList := strings.Contains(tt.answer, "[") && !strings.HasPrefix(tt.answer, `"room"`)
			if (err == nil) != (lenient[tt.name] || isList) && tt.name != "me" {
				t.Errorf("an empty answer: %v", err)
			}
		})
	}
}

func TestCallsThatCannotBe(t *testing.T) {
	c := newConnection(t, nil).client
	ctx := t.Context()
	for name, err := range map[string]error{
		"live chats": second(c.HistoryPage(ctx, LiveChat, "r", History{})),
		"members":    second(c.MembersPage(ctx, "", "r", Members{})),
		"no cursor":  second(c.SyncMessages(ctx, "r", Sync{})),
		"two":        second(c.SyncMessages(ctx, "r", Sync{Since: time.Now(), Next: 1})),
		"both ways":  second(c.SyncMessages(ctx, "r", Sync{Previous: 1, Next: 1})),
		"climbing":   second(c.ConfirmMedia(ctx, "..", "f", MediaDraft{})),
		"no route":   c.Do(ctx, Request{Method: "GET"}, nil),
		"no method":  c.Do(ctx, Request{Method: "G T", Route: "x"}, nil),
		"no JSON":    c.Do(ctx, Request{Method: "POST", Route: "x", Body: make(chan int)}, nil),
	} {
		var refused *APIError
		if err == nil || errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// The examples in the vendor's API description, and of the frames that were composed from the server's source, can be read.
func TestDocumentedMessages(t *testing.T) {
	for name, want := range map[string]Message{
		`{"_id":"CeX","rid":"agh","msg":"s","ts":"2018-10-05T13:48:21.616Z","u":{"_id":"KP","username":"marc.pow","name":"Marc Pow"},"_updatedAt":"2018-10-05T13:48:49.535Z","reactions":{":frowning2:":{"usernames":["marcos.defendi"]}},"mentions":[],"channels":[],"starred":{"_id":"KP"}}`: {
			ID: "CeX", RoomID: "agh", Text: "s", Time: time.Date(2018, 10, 5, 13, 48, 21, 616e6, time.UTC), UpdatedAt: time.Date(2018, 10, 5, 13, 48, 49, 535e6, time.UTC),
			User: UserRef{"KP", "marc.pow", "Marc Pow"}, Reactions: map[string][]string{":frowning2:": {"marcos.defendi"}},
		},
	} {
		var got Message
		must(t, json.Unmarshal([]byte(name), &got))
		got.Raw = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
