package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "test-key"

// app is a simulated app with users ann, ben, bot (who is a bot) and a group team of ann and bot, behind a test server.
type app struct {
	*sim.CometChat
	t    *testing.T
	base string
}

func newApp(t *testing.T, cfg sim.CometChatConfig) *app {
	t.Helper()
	a := newEmptyApp(t, cfg)
	for _, u := range []sim.User{{UID: "Ann", Name: "Ann Lee"}, {UID: "ben", Name: "Ben"}, {UID: "bot", Name: "Robo"}} {
		if err := a.AddUser(u); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.AddGroup(sim.Group{GUID: "team", Name: "The Team", Members: []string{"ann", "bot"}}); err != nil {
		t.Fatal(err)
	}
	if err := a.AddBot(sim.Bot{UID: "bot"}); err != nil {
		t.Fatal(err)
	}
	return a
}

// newEmptyApp is a simulated app without anybody, behind a test server.
func newEmptyApp(t *testing.T, cfg sim.CometChatConfig) *app {
	t.Helper()
	cfg.APIKey = key
	s, err := sim.NewCometChat(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.API())
	t.Cleanup(func() { s.Close(); srv.Close(); http.DefaultTransport.(*http.Transport).CloseIdleConnections() })
	return &app{CometChat: s, t: t, base: srv.URL + "/v3"}
}

type object = map[string]any

// reply is an API answer with its decoded body.
type reply struct {
	Status int
	Header http.Header
	Body   object
	Err    error // of the request, or of decoding
}

func (r reply) code() string {
	e, _ := r.Body["error"].(object)
	code, _ := e["code"].(string)
	return code
}

func (r reply) data() object { d, _ := r.Body["data"].(object); return d }

func (r reply) ids() string {
	rows, _ := r.Body["data"].([]any)
	var ids []any
	for _, row := range rows {
		ids = append(ids, row.(object)["id"])
	}
	return fmt.Sprint(ids)
}

// do sends one request; body may be nil, a string that is sent as it is, or a value that is encoded.
func (a *app) do(method, path, uid string, body any) reply {
	a.t.Helper()
	return a.doWith(method, path, map[string]string{"apikey": key, "onBehalfOf": uid}, body)
}

func (a *app) doWith(method, path string, header map[string]string, body any) reply {
	a.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		raw, _ = json.Marshal(b)
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, bytes.NewReader(raw))
	if err != nil {
		a.t.Fatal(err)
	}
	for k, v := range header {
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{Err: err}
	}
	defer func() { _ = res.Body.Close() }()
	out := reply{Status: res.StatusCode, Header: res.Header}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	out.Err = json.Unmarshal(text, &out.Body)
	return out
}

// want fails the test unless the answer has the status and the error code ("" for success), in the documented envelope.
func (r reply) want(t *testing.T, status int, code string) reply {
	t.Helper()
	if e, failed := r.Body["error"].(object); failed != (status != 200) || failed && (e["message"] == "" || e["devMessage"] == "" || e["source"] != "chat-api") ||
		failed && (e["details"] != nil) != (code == "ERR_BAD_REQUEST") || len(r.Body) == 0 || failed && len(r.Body) != 1 || r.Header.Get("X-Request-Id") == "" {
		t.Fatalf("the envelope of %d %q is %v", r.Status, r.code(), r.Body)
	}
	if r.Err != nil || r.Status != status || r.code() != code {
		t.Fatalf("got %d %q (%v) %v, want %d %q", r.Status, r.code(), r.Err, r.Body, status, code)
	}
	return r
}

func (a *app) say(m sim.Say) sim.Message {
	a.t.Helper()
	out, err := a.Say(m)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

func text(receiverType, receiver, words string) object {
	return object{"receiver": receiver, "receiverType": receiverType, "category": "message", "type": "text", "data": object{"text": words}}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestNewCometChatRefusesBadConfig(t *testing.T) {
	for name, cfg := range map[string]sim.CometChatConfig{
		"no key": {}, "negative limit": {APIKey: key, SenderLimit: -1}, "negative app limit": {APIKey: key, AppLimit: -1},
		"negative core limit": {APIKey: key, CoreLimit: -1}, "negative speed": {APIKey: key, Speed: -1}, "one key twice": {APIKey: key, AuthKey: key},
	} {
		if _, err := sim.NewCometChat(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPeopleAreChecked(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	for _, u := range []sim.User{{}, {UID: "ANN"}, {UID: "a b"}, {UID: "app_system"}} {
		if err := a.AddUser(u); err == nil {
			t.Errorf("user %q was accepted", u.UID)
		}
	}
	for _, g := range []sim.Group{{}, {GUID: "Team"}, {GUID: "x", Members: []string{"nobody"}}} {
		if err := a.AddGroup(g); err == nil {
			t.Errorf("group %q was accepted", g.GUID)
		}
	}
	if got := a.do("GET", "/users/ann", "", nil).want(t, 200, "").data()["name"]; got != "Ann Lee" {
		t.Errorf("lower-cased uid names %v", got)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	watch := a.Watch(t.Context())
	a.Close()
	if _, open := <-watch; open {
		t.Error("watch is open after Close")
	}
	if _, err := a.Say(sim.Say{From: "ann", ToUser: "ben", Text: "late"}); err == nil {
		t.Error("Say after Close was accepted")
	}
	if err := a.Await(t.Context(), func([]sim.Message) bool { return false }); err == nil {
		t.Error("Await after Close returned nil")
	}
	a.do("GET", "/messages", "", nil).want(t, 503, "ERR_MISSION_FAILED")
}
