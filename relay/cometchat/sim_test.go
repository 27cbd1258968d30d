package cometchat

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// simulate starts a simulated app with three people, the bot "helper" among them, and a group of all three.
func simulate(t *testing.T, change func(*sim.CometChatConfig)) (*sim.CometChat, *Connection) {
	t.Helper()
	cfg := sim.CometChatConfig{AppID: "app1", APIKey: testKey, AuthKey: testKey[1:]}
	if change != nil {
		change(&cfg)
	}
	s, err := sim.NewCometChat(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for _, uid := range []string{"ana", "zoe", "helper"} {
		must(t, s.AddUser(sim.User{UID: uid, Name: strings.ToUpper(uid[:1]) + uid[1:]}))
	}
	must(t, s.AddGroup(sim.Group{GUID: "crew", Name: "Crew", Members: []string{"ana", "zoe", "helper"}}))
	srv := httptest.NewServer(s.API())
	t.Cleanup(srv.Close)
	return s, newConnection(t, func(c *Config) { c.BaseURL = srv.URL + "/v3" })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func say(t *testing.T, s *sim.CometChat, m sim.Say) sim.Message {
	t.Helper()
	said, err := s.Say(m)
	must(t, err)
	return said
}

func TestClientOnTheSimulator(t *testing.T) {
	s, conn := simulate(t, func(c *sim.CometChatConfig) { c.ConversationArray = true })
	app, ana, zoe := conn.Client(), conn.Client().As("ana"), conn.Client().As("zoe")
	ctx := t.Context()
	m, err := ana.SendMessage(ctx, Draft{Receiver: "zoe", ReceiverType: "user", Data: DraftData{Text: "hi <@uid:zoe>"}, Tags: []string{"t"}, MUID: "m1"})
	if err != nil || m.Sender != "ana" || m.MUID != "m1" || m.Data.Text != "hi <@uid:zoe>" || m.SentAt.IsZero() || m.ConversationID != "ana_user_zoe" {
		t.Fatalf("%+v, %v", m, err)
	}
	reply, err := zoe.SendThreaded(ctx, m.ID, Draft{Receiver: "ana", ReceiverType: "user", Data: DraftData{Text: "ho"}})
	if err != nil || reply.ParentID != m.ID {
		t.Fatalf("%+v, %v", reply, err)
	}
	thread := ids(t, app.Thread(ctx, m.ID, ThreadOptions{}), messageKey)
	talk := ids(t, zoe.UserMessages(ctx, "ana", UserMessageOptions{Cursor: Cursor{Affix: Append}}), messageKey)
	if len(thread) != 1 || len(talk) != 2 {
		t.Errorf("%v, %v", thread, talk)
	}
	edited, err := ana.EditMessage(ctx, m.ID, MessageChange{Text: "better"})
	if err != nil || edited.ID != m.ID || edited.Data.Text != "better" || edited.EditedAt.IsZero() || edited.EditedBy != "ana" {
		t.Errorf("%+v, %v", edited, err)
	}
	pinned, err := zoe.PinMessage(ctx, m.ID)
	if err != nil || pinned.PinnedBy != "zoe" || pinned.PinnedAt.IsZero() {
		t.Errorf("%+v, %v", pinned, err)
	}
	if _, err := zoe.UnpinMessage(ctx, m.ID); err != nil {
		t.Error(err)
	}
	if r, err := zoe.AddReaction(ctx, m.ID, "👍🏽"); err != nil || !slices.Equal(r.Data.Reactions, []ReactionCount{{"👍🏽", 1, true}}) {
		t.Errorf("%+v, %v", r.Data.Reactions, err)
	}
	for r, err := range app.Reactions(ctx, m.ID, ReactionOptions{}) {
		if err != nil || r.UID != "zoe" || r.Reaction != "👍🏽" || r.MessageID != m.ID || r.ReactedBy.Name != "Zoe" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if _, err := zoe.RemoveReaction(ctx, m.ID, "👍🏽"); err != nil {
		t.Error(err)
	}
	deleted, err := zoe.DeleteMessage(ctx, reply.ID, false)
	if err != nil || deleted.ID != reply.ID || deleted.DeletedAt.IsZero() || deleted.DeletedBy != "zoe" {
		t.Errorf("%+v, %v", deleted, err)
	}
	if _, err := ana.DeleteMessage(ctx, m.ID, true); err != nil {
		t.Error(err)
	}
	if _, err := app.Message(ctx, m.ID); !isGone(err) {
		t.Error(err)
	}
	must(t, s.AddBot(sim.Bot{UID: "helper"}))
	if b, err := app.SendAsBot(ctx, "helper", Draft{Receiver: "crew", ReceiverType: "group", Data: DraftData{Text: "beep"}}); err != nil || b.Sender != "helper" {
		t.Errorf("%+v, %v", b, err)
	}
}

func isGone(err error) bool {
	var refused *APIError
	return errors.As(err, &refused) && isNoMessage(refused.Code)
}

func TestConversationsOnTheSimulator(t *testing.T) {
	for _, array := range []bool{false, true} {
		s, conn := simulate(t, func(c *sim.CometChatConfig) { c.ConversationArray = array })
		ctx, zoe := t.Context(), conn.Client().As("zoe")
		if _, err := zoe.Conversation(ctx, UserPeer("ana")); err == nil || !strings.Contains(err.Error(), "ERR_CONVERSATION_NOT_ACCESSIBLE") {
			t.Errorf("before anything was said: %v", err)
		}
		say(t, s, sim.Say{From: "ana", ToUser: "zoe", Text: "hi"})
		say(t, s, sim.Say{From: "ana", ToGroup: "crew", Text: "all"})
		direct, err := zoe.Conversation(ctx, UserPeer("ana"))
		if err != nil || direct.ID != "ana_user_zoe" || direct.WithUser == nil || direct.WithUser.UID != "ana" || direct.LastMessage.Data.Text != "hi" || direct.UnreadMessageCount != 1 {
			t.Errorf("%+v, %v", direct, err)
		}
		old, err := zoe.ConversationByID(ctx, "group_crew")
		group, errGroup := zoe.Conversation(ctx, GroupPeer("crew"))
		if err != nil || errGroup != nil || old.ID != "group_crew" || old.Type != "group" || old.WithGroup == nil || jsonText(old) != jsonText(group) {
			t.Errorf("%+v, %v, %v", old, err, errGroup)
		}
		counts, err := zoe.CountMessages(ctx, MessageOptions{MessageFilter: MessageFilter{Unread: new(true)}})
		if err != nil || len(counts) != 2 {
			t.Errorf("%+v, %v", counts, err)
		}
		must(t, zoe.MarkDelivered(ctx, UserPeer("ana")))
		must(t, zoe.MarkDelivered(ctx, GroupPeer("crew")))
		must(t, zoe.MarkRead(ctx, UserPeer("ana")))
		must(t, zoe.MarkRead(ctx, GroupPeer("crew")))
		n := 0
		for v, err := range zoe.Conversations(ctx, ConversationOptions{}) {
			if n++; err != nil || v.UnreadMessageCount != 0 {
				t.Errorf("%+v, %v", v, err)
			}
		}
		if n != 2 {
			t.Errorf("%d conversations", n)
		}
	}
}

func TestPeopleOnTheSimulator(t *testing.T) {
	_, conn := simulate(t, nil)
	ctx, app := t.Context(), conn.Client()
	if u, err := app.CreateUser(ctx, UserDraft{UID: "Bo", Name: "Bo", Avatar: "http://x/a.png", Metadata: []byte(`{"a":1}`)}); err != nil || u.UID != "bo" || u.Avatar == "" || string(u.Metadata) != `{"a":1}` {
		t.Errorf("%+v, %v", u, err)
	}
	if u, err := app.UpdateUser(ctx, "bo", UserDraft{Name: "Bob"}); err != nil || u.Name != "Bob" || u.Avatar == "" {
		t.Errorf("%+v, %v", u, err)
	}
	var all []string
	for u, err := range app.Users(ctx, UserOptions{Paging: Paging{PerPage: 1}}) {
		must(t, err)
		all = append(all, u.UID)
	}
	if slices.Sort(all); !slices.Equal(all, []string{"ana", "app_system", "bo", "helper", "zoe"}) && !slices.Equal(all, []string{"ana", "bo", "helper", "zoe"}) {
		t.Errorf("%v", all)
	}
	if g, err := app.As("ana").CreateGroup(ctx, GroupDraft{GUID: "new", Name: "New", Type: "public"}); err != nil || g.GUID != "new" || g.HasJoined == nil || !*g.HasJoined {
		t.Errorf("%+v, %v", g, err)
	}
	if g, err := app.UpdateGroup(ctx, "new", GroupDraft{Description: "d"}); err != nil || g.Description != "d" || g.Name != "New" {
		t.Errorf("%+v, %v", g, err)
	}
	refused, err := app.AddMembers(ctx, "new", NewMembers{Participants: []string{"bo", "nobody"}, Admins: []string{"zoe"}})
	if err != nil || len(refused) != 1 || refused["nobody"] == nil || refused["nobody"].Code != "ERR_UID_NOT_FOUND" {
		t.Errorf("%+v, %v", refused, err)
	}
	must(t, app.RemoveMember(ctx, "new", "bo"))
	var members []string
	for m, err := range app.Members(ctx, "new", MemberOptions{Paging: Paging{PerPage: 1}}) {
		must(t, err)
		members = append(members, m.UID+" "+m.Scope)
	}
	if slices.Sort(members); !slices.Equal(members, []string{"ana admin", "zoe admin"}) {
		t.Errorf("%v", members)
	}
	var groups []string
	for g, err := range app.Groups(ctx, GroupOptions{}) {
		must(t, err)
		groups = append(groups, g.GUID)
	}
	if slices.Sort(groups); !slices.Equal(groups, []string{"crew", "new"}) {
		t.Errorf("%v", groups)
	}
}

// TestPollTellsWhatWebhooksTell compares the events of the poller with those of the webhooks, over everything that can happen
// to a message.
func TestPollTellsWhatWebhooksTell(t *testing.T) {
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprintf("live shape %t", live), func(t *testing.T) {
			s, conn := simulate(t, nil)
			told := hookInto(t, s, conn, live)
			first, err := conn.Poll(t.Context(), relay.PollRequest{Source: "app"})
			must(t, err)
			s.Moderate(&sim.Moderation{Pending: []string{"hmm"}, Blocked: []string{"damn"}})
			root := say(t, s, sim.Say{From: "ana", ToGroup: "crew", Text: "hello"})
			say(t, s, sim.Say{From: "zoe", Parent: root.ID, Text: "a reply"})
			say(t, s, sim.Say{From: "zoe", ToUser: "helper", Text: "direct"})
			say(t, s, sim.Say{From: "zoe", ToUser: "ana", Text: "damn"})
			pending := say(t, s, sim.Say{From: "zoe", ToUser: "ana", Text: "hmm"})
			_, err = s.Edit("ana", root.ID, "hello again")
			must(t, err)
			page, err := conn.Poll(t.Context(), relay.PollRequest{Source: "app", After: first.Next})
			must(t, err)
			must(t, s.Approve(pending.ID))
			gone := say(t, s, sim.Say{From: "zoe", ToUser: "helper", Text: "oops"})
			must(t, s.Delete("zoe", gone.ID))
			at := time.Now().Add(10 * time.Second)
			conn.now = func() time.Time { return at }
			next, err := conn.Poll(t.Context(), relay.PollRequest{Source: "app", After: page.Next})
			must(t, err)

			polled := map[event.ID]event.Type{}
			for _, e := range append(page.Events, next.Events...) {
				if e.Type != event.Other {
					polled[e.ID] = e.Type
				}
			}
			if len(polled) != 6 { // four creations, one of them when it was approved, an edit and a delete
				t.Errorf("%d events: %v", len(polled), polled)
			}
			must(t, s.AwaitDeliveries(t.Context(), func([]sim.Delivery) bool {
				for id := range polled {
					if _, ok := told.get(id); !ok {
						return false
					}
				}
				return true
			}))
			for id, typ := range polled {
				if got, _ := told.get(id); got != typ {
					t.Errorf("%s: polled %s, told %s", id, typ, got)
				}
			}
			for _, what := range []event.ID{"created", "deleted"} {
				id := event.ID("cometchat:app1:" + gone.ID + ":" + string(what))
				if _, ok := polled[id]; ok != (what == "deleted") {
					t.Errorf("%s was polled: %t", id, ok)
				}
			}
		})
	}
}

// tidings are the events that webhooks told.
type tidings struct {
	mu     sync.Mutex
	events map[event.ID]event.Type
}

func (n *tidings) get(id event.ID) (event.Type, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	typ, ok := n.events[id]
	return typ, ok
}

func hookInto(t *testing.T, s *sim.CometChat, conn *Connection, live bool) *tidings {
	t.Helper()
	n := &tidings{events: map[event.ID]event.Type{}}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body := noteRequest(t, r).body
		events, err := conn.Receive(r.Header, []byte(body))
		if err != nil {
			t.Error(err)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, e := range events {
			n.events[event.ID(strings.TrimSuffix(string(e.ID), incompleteSuffix))] = e.Type
		}
	}))
	t.Cleanup(srv.Close)
	must(t, s.AddWebhook(sim.Webhook{ID: "hook", URL: srv.URL, Username: "hook", Password: testPassword, LiveShape: live}))
	return n
}
