package rocketchat

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/relaytest"
	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// Who and what is on a stage, by id.
const (
	stageAna   = "anaUserId00000001"
	stageZoe   = "zoeUserId00000001"
	stageOlga  = "olgaUserId0000001"
	stageCrew  = "crewRoomId0000001"
	stageAnaDM = stageAna + testUser
)

// stage is the simulated workspace as the conformance suite wants it.
type stage struct {
	t        testing.TB
	chat     *rocketsim.Server
	pageSize int

	mu    sync.Mutex
	calls []relaytest.Call
	more  chan struct{}             // closed at the next call
	lines map[string]relaytest.Line // by id, as they were before something was deleted
	sent  map[string]time.Time
}

// newStage returns what makes stages of a version of the server.
func newStage(version int) func(testing.TB, relaytest.StageConfig) relaytest.Stage {
	return func(t testing.TB, c relaytest.StageConfig) relaytest.Stage {
		t.Helper()
		s := &stage{t: t, pageSize: c.PageSize, more: make(chan struct{}), lines: map[string]relaytest.Line{}, sent: map[string]time.Time{}}
		chat, err := rocketsim.New(rocketsim.Config{
			Version: version, Now: ticking(c.Now), PlainTexts: true,
			Settings: rocketsim.Settings{UpperCountLimit: c.PageSize, DefaultCount: c.PageSize, NoInfiniteCount: c.PageSize > 0},
			Hooks:    rocketsim.HooksConfig{Transport: &http.Transport{DisableKeepAlives: true}},
		})
		must(t, err)
		s.chat = chat
		t.Cleanup(chat.Close)
		hooks := httptest.NewServer(http.HandlerFunc(s.hook))
		t.Cleanup(hooks.Close)
		s.furnish(hooks.URL)
		return s
	}
}

// ticking is a clock of which no two readings are in the same millisecond, so that the order of messages is that of their times.
func ticking(now func() time.Time) func() time.Time {
	if now == nil {
		now = time.Now
	}
	var mu sync.Mutex
	var last time.Time
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		t := now().Truncate(time.Millisecond)
		if !t.After(last) {
			t = last.Add(time.Millisecond)
		}
		last = t
		return t
	}
}

// furnish makes people, rooms and the webhook.
func (s *stage) furnish(hook string) {
	s.t.Helper()
	for _, u := range []rocketsim.User{
		{ID: stageAna, Username: "ana", Name: "Ana"}, {ID: stageZoe, Username: "zoe", Name: "Zoe"}, {ID: stageOlga, Username: "olga", Name: "Olga"},
		{ID: testUser, Username: "helper", Name: "Helper", Roles: []string{"user", "bot"}, Token: testToken},
	} {
		_, err := s.chat.AddUser(u)
		must(s.t, err)
	}
	for _, r := range []rocketsim.Room{
		{ID: stageCrew, Type: rocketsim.Group, Name: "crew", Members: []string{"ana", "zoe", "helper"}},
		{ID: stageAnaDM, Type: rocketsim.Direct, Members: []string{"ana", "helper"}},
	} {
		_, err := s.chat.AddRoom(r)
		must(s.t, err)
	}
	_, err := s.chat.AddIntegration(rocketsim.Integration{
		URLs: []string{hook}, Token: testHook, RunOnEdits: true, Channel: []string{"all_public_channels", "all_private_groups", "all_direct_messages"},
	})
	must(s.t, err)
}

// Scene is a group of three and somebody who is not in it.
func (s *stage) Scene() relaytest.Scene {
	return relaytest.Scene{
		Self: testUser, People: [2]event.UserID{stageAna, stageZoe}, Stranger: stageOlga, Nobody: "nobodyUserId00001",
		Group: stageCrew, Direct: stageAnaDM, NoMessage: "noMessageId000001",
		Sources: []relaytest.Source{
			{Name: stageCrew, Conversations: []event.ConversationID{stageCrew}},
			{Name: "#crew", Conversations: []event.ConversationID{stageCrew}},
			{Name: stageAnaDM, Conversations: []event.ConversationID{stageAnaDM}},
			{Name: "@ana", Conversations: []event.ConversationID{stageAnaDM}},
		},
	}
}

// hook takes the calls of the webhook.
func (s *stage) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	_, _ = w.Write([]byte("{}"))
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
	api := s.chat.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/chat.delete") {
			s.Lines()
		}
		if q := r.URL.Query(); s.pageSize > 0 && s.bound(q) {
			u := *r.URL
			u.RawQuery = q.Encode()
			r = r.Clone(r.Context())
			r.URL = &u
		}
		api.ServeHTTP(w, r)
	})
}

// bound reports whether more was asked for than there is to be on a page.
func (s *stage) bound(q url.Values) bool {
	n, err := strconv.Atoi(q.Get("count"))
	if !q.Has("count") || err == nil && n > 0 && n <= s.pageSize {
		return false
	}
	q.Set("count", strconv.Itoa(s.pageSize))
	return true
}

// Say says something as somebody in the workspace.
func (s *stage) Say(by event.UserID, in event.ThreadRef, text string) (event.MessageID, error) {
	id, err := s.chat.Say(rocketsim.Say{From: string(by), Room: string(in.Conversation), Thread: string(in.Root), Text: text})
	return event.MessageID(id), err
}

// Edit changes what somebody has said.
func (s *stage) Edit(by event.UserID, id event.MessageID, text string) error {
	return s.chat.EditAs(string(by), string(id), text)
}

// Delete takes it back.
func (s *stage) Delete(by event.UserID, id event.MessageID) error {
	s.Lines()
	return s.chat.DeleteAs(string(by), string(id))
}

// React adds a reaction.
func (s *stage) React(by event.UserID, id event.MessageID, emoji string) error {
	return s.chat.ReactAs(string(by), string(id), shortcode(emoji), true)
}

// Unreact takes a reaction away.
func (s *stage) Unreact(by event.UserID, id event.MessageID, emoji string) error {
	return s.chat.ReactAs(string(by), string(id), shortcode(emoji), false)
}

// shortcode is the name that the workspace has for an emoji of the suite.
func shortcode(emoji string) string {
	names := map[string]string{"👍": ":thumbsup:", "🎉": ":tada:", "❤️": ":heart:", "👀": ":eyes:"}
	if name, ok := names[emoji]; ok {
		return name
	}
	return emoji
}

// Lines are the messages of the rooms, less those that record what has happened there, and those that were deleted since Lines
// has seen them: the workspace keeps nothing of them.
func (s *stage) Lines() []relaytest.Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := map[string]bool{}
	for _, room := range []string{stageCrew, stageAnaDM} {
		for _, m := range s.chat.Messages(room) {
			if m.Hidden || m.Type != "" && m.Type != "rm" {
				continue
			}
			there[m.ID] = m.Type == ""
			s.sent[m.ID] = m.At
			if m.Type == "" {
				s.lines[m.ID] = lineOf(m)
			}
		}
	}
	var lines []relaytest.Line
	for id, line := range s.lines {
		line.Deleted = !there[id]
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b relaytest.Line) int { return s.sent[string(a.ID)].Compare(s.sent[string(b.ID)]) })
	return lines
}

func lineOf(m rocketsim.Message) relaytest.Line {
	name := m.Alias
	if name == "" {
		name = m.From
	}
	return relaytest.Line{
		ID: event.MessageID(m.ID), Parent: event.MessageID(m.Thread), Conversation: event.ConversationID(m.Room),
		Sender: event.UserID(m.FromID), Name: name, Text: m.Text,
	}
}

// Reacted looks whether somebody's reaction is there.
func (s *stage) Reacted(by event.UserID, id event.MessageID, emoji string) bool {
	names := map[event.UserID]string{stageAna: "ana", stageZoe: "zoe", stageOlga: "olga", testUser: "helper"}
	m, _ := s.chat.Message(string(id))
	return slices.Contains(m.Reactions[shortcode(emoji)], names[by])
}
