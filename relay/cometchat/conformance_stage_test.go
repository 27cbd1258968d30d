package cometchat

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/relaytest"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// stage is the simulated app as the conformance suite wants it.
type stage struct {
	sim      *sim.CometChat
	pageSize int

	mu    sync.Mutex
	calls []relaytest.Call
	more  chan struct{} // closed at the next call
}

func newStage(t testing.TB, c relaytest.StageConfig) relaytest.Stage {
	t.Helper()
	app, err := sim.NewCometChat(sim.CometChatConfig{
		AppID: "app1", APIKey: testKey, AuthKey: testKey[1:], Now: c.Now, NewestFirst: c.NewestFirst, PlainTexts: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(app.Close)
	s := &stage{sim: app, pageSize: c.PageSize, more: make(chan struct{})}
	hooks := httptest.NewServer(http.HandlerFunc(s.hook))
	t.Cleanup(hooks.Close)
	for _, uid := range []string{"ana", "zoe", "helper", "olga"} {
		if err == nil {
			err = app.AddUser(sim.User{UID: uid, Name: strings.ToUpper(uid[:1]) + uid[1:]})
		}
	}
	if err == nil {
		err = app.AddGroup(sim.Group{GUID: "crew", Name: "Crew", Members: []string{"ana", "zoe", "helper"}})
	}
	if err == nil {
		err = app.AddWebhook(sim.Webhook{ID: "hook", URL: hooks.URL, Username: "hook", Password: testPassword})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Scene is a group of three and somebody who is not in it.
func (s *stage) Scene() relaytest.Scene {
	const group, direct = "group/crew", "user/ana"
	return relaytest.Scene{
		Self: "helper", People: [2]event.UserID{"ana", "zoe"}, Stranger: "olga", Nobody: "nobody", Group: group, Direct: direct, NoMessage: "999999",
		Sources: []relaytest.Source{
			{Name: "app", Conversations: []event.ConversationID{group, direct}},
			{Name: "group/crew", Conversations: []event.ConversationID{group}},
			{Name: "user/ana", Conversations: []event.ConversationID{direct}},
		},
	}
}

// hook takes the calls of the webhook.
func (s *stage) hook(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, relaytest.Call{Header: r.Header, Body: body})
	close(s.more)
	s.more = make(chan struct{})
}

// AwaitHooks waits for calls of the webhook.
func (s *stage) AwaitHooks(ctx context.Context, done func([]relaytest.Call) bool) error {
	for {
		s.mu.Lock()
		calls, more := s.calls[:len(s.calls):len(s.calls)], s.more
		s.mu.Unlock()
		if done(calls) {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Handler serves the API with pages of the stage's size at most.
func (s *stage) Handler() http.Handler {
	api := s.sim.API()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); r.Method == http.MethodGet && s.pageSize > 0 {
			s.bound(q)
			u := *r.URL
			u.RawQuery = q.Encode()
			r = r.Clone(r.Context())
			r.URL = &u
		}
		api.ServeHTTP(w, r)
	})
}

func (s *stage) bound(q url.Values) {
	for _, name := range []string{"limit", "per_page", "perPage"} {
		if n, err := strconv.Atoi(q.Get(name)); q.Has(name) && (err != nil || n > s.pageSize) {
			q.Set(name, strconv.Itoa(s.pageSize))
		}
	}
	if !q.Has("limit") && !q.Has("per_page") && !q.Has("perPage") {
		q.Set("limit", strconv.Itoa(s.pageSize))
	}
}

// Say says something as somebody in the app.
func (s *stage) Say(by event.UserID, in event.ThreadRef, text string) (event.MessageID, error) {
	say := sim.Say{From: string(by), Text: text, Parent: string(in.Root)}
	if guid, ok := strings.CutPrefix(string(in.Conversation), "group/"); ok {
		say.ToGroup = guid
	} else if say.ToUser = strings.TrimPrefix(string(in.Conversation), "user/"); say.ToUser == say.From {
		say.ToUser = "helper"
	}
	m, err := s.sim.Say(say)
	return event.MessageID(m.ID), err
}

// Edit changes what somebody has said.
func (s *stage) Edit(by event.UserID, id event.MessageID, text string) error {
	_, err := s.sim.Edit(string(by), string(id), text)
	return err
}

// Delete takes it back.
func (s *stage) Delete(by event.UserID, id event.MessageID) error {
	return s.sim.Delete(string(by), string(id))
}

// React adds a reaction.
func (s *stage) React(by event.UserID, id event.MessageID, emoji string) error {
	return s.sim.React(string(by), string(id), emoji)
}

// Unreact takes a reaction away.
func (s *stage) Unreact(by event.UserID, id event.MessageID, emoji string) error {
	return s.sim.Unreact(string(by), string(id), emoji)
}

// Lines are the app's messages, less those that record what has happened to others.
func (s *stage) Lines() []relaytest.Line {
	var lines []relaytest.Line
	for _, m := range s.sim.Messages() {
		if m.Category == "action" {
			continue
		}
		conversation := groupConversation(m.Receiver)
		if m.ReceiverType == "user" {
			conversation = userConversation("helper", m.Sender, m.Receiver)
		}
		lines = append(lines, relaytest.Line{
			ID: event.MessageID(m.ID), Parent: event.MessageID(m.ParentID), Conversation: conversation, Sender: event.UserID(m.Sender),
			Name: s.nameOf(m.Sender), Text: m.Text, Deleted: !m.DeletedAt.IsZero(),
		})
	}
	return lines
}

// nameOf asks the API who somebody is.
func (s *stage) nameOf(uid string) string {
	var answer struct{ Data struct{ Name string } }
	s.ask("/v3/users/"+uid, &answer)
	return answer.Data.Name
}

// Reacted asks the API whether somebody's reaction is there.
func (s *stage) Reacted(by event.UserID, id event.MessageID, emoji string) bool {
	var answer struct {
		Data []struct{ UID, Reaction string }
	}
	s.ask("/v3/messages/"+string(id)+"/reactions?limit=100", &answer)
	for _, r := range answer.Data {
		if r.UID == string(by) && r.Reaction == emoji {
			return true
		}
	}
	return false
}

// ask makes a request of the stage's own, which nobody counts.
func (s *stage) ask(target string, into any) {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("apikey", testKey)
	w := httptest.NewRecorder()
	s.sim.API().ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), into) // what cannot be read is what is not there
}
