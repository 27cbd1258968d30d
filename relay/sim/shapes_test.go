package sim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// shape is a fixture: an example with the field names of a document, and the fields that may be there besides.
type shape struct {
	Source   string
	Optional []string // dotted paths; "*." in front means anywhere
	Example  any
}

// paths lists every field of a JSON value with the kind of its value, e.g. "data.id string".
func paths(v any, at string) []string {
	switch v := v.(type) {
	case object:
		out := []string{at + " object"}
		for name, inner := range v {
			out = append(out, paths(inner, strings.TrimPrefix(at+"."+name, "."))...)
		}
		return out
	case []any:
		out := []string{at + " array"}
		for _, inner := range v {
			out = append(out, paths(inner, at+"[]")...)
		}
		return out
	}
	return []string{fmt.Sprintf("%s %T", at, v)}
}

func (s shape) compare(t *testing.T, got any) {
	t.Helper()
	want, have := paths(s.Example, ""), paths(got, "")
	optional := func(p string) bool {
		field, _, _ := strings.Cut(p, " ")
		return slices.ContainsFunc(s.Optional, func(o string) bool {
			suffix, anywhere := strings.CutPrefix(o, "*")
			return field == o || anywhere && strings.HasSuffix(field, suffix)
		})
	}
	for _, p := range want {
		if !slices.Contains(have, p) && !optional(p) {
			t.Errorf("lacks %s", p)
		}
	}
	for _, p := range have {
		if !slices.Contains(want, p) && !optional(p) {
			t.Errorf("has %s, which the document has not", p)
		}
	}
}

// newShapeApp is an app whose users have avatars, with a webhook that wants one trigger.
func newShapeApp(t *testing.T, trigger string, live bool) (*app, *hookServer) {
	t.Helper()
	a, h := newShapeAppWith(t, sim.CometChatConfig{})
	if trigger != "" {
		a.hook(sim.Webhook{ID: "hook1", URL: h.URL, Triggers: []string{trigger}, LiveShape: live})
	}
	return a, h
}

// newShapeAppWith is newShapeApp without a webhook and with a configuration.
func newShapeAppWith(t *testing.T, cfg sim.CometChatConfig) (*app, *hookServer) {
	t.Helper()
	cfg.AppID, cfg.Region = "app9", "us"
	a := newEmptyApp(t, cfg)
	for _, u := range []sim.User{{UID: "ann", Name: "Ann Lee"}, {UID: "ben", Name: "Ben"}, {UID: "bot", Name: "Robo"}} {
		u.Avatar = "https://img.example/" + u.UID
		if err := a.AddUser(u); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.AddGroup(sim.Group{GUID: "team", Name: "The Team", Members: []string{"ann", "bot"}}); err != nil {
		t.Fatal(err)
	}
	return a, newHook(t, nil)
}

// step is a request.
type step struct {
	method, path, uid string
	body              any
}

func TestShapesMatchTheDocuments(t *testing.T) {
	words := func(s string) object {
		return object{"receiver": "bot", "receiverType": "user", "category": "message", "type": "text",
			"data": object{"text": s, "metadata": object{"k": "v"}}}
	}
	send := step{"POST", "/messages", "ann", words("hello")}
	bare := step{"POST", "/messages", "ann", object{"receiver": "bot", "receiverType": "user", "data": object{"text": "hi <@uid:bot>"}}}
	plain := step{"POST", "/messages", "ann", object{"receiver": "bot", "receiverType": "user", "data": object{"text": "hello"}}}
	reply := step{"POST", "/messages/1/thread", "ann", words("hello")}
	edit := step{"PUT", "/messages/1", "ann", object{"data": object{"text": "changed"}}}
	remove := step{"DELETE", "/messages/1", "ann", nil}
	react := step{"POST", "/messages/1/reactions/%F0%9F%8E%88", "bot", nil}
	join := step{"POST", "/groups/team/members", "", object{"participants": []string{"ben"}}}
	joinBy := step{"POST", "/groups/team/members", "ann", object{"participants": []string{"ben"}}}
	for _, c := range []struct {
		fixture, trigger string // without a trigger the last step's answer is compared
		live             bool
		steps            []step
	}{
		{"send_message", "", false, []step{send}},
		{"send_thread", "", false, []step{send, reply}},
		{"list_messages", "", false, []step{send, {"GET", "/messages", "", nil}}},
		{"list_thread", "", false, []step{send, reply, {"GET", "/messages/1/thread", "", nil}}},
		{"list_user_messages", "", false, []step{send, {"GET", "/users/ann/messages", "bot", nil}}},
		{"update_message", "", false, []step{send, edit}},
		{"delete_message", "", false, []step{send, remove}},
		{"add_reaction", "", false, []step{send, react}},
		{"list_reactions", "", false, []step{send, react, {"GET", "/messages/1/reactions", "", nil}}},
		{"list_users", "", false, []step{{"GET", "/users", "", nil}}},
		{"create_group", "", false, []step{{"POST", "/groups", "ann", object{"guid": "ops", "name": "Ops", "type": "public",
			"description": "d", "icon": "i", "tags": []string{"duty"}}}}},
		{"add_members", "", false, []step{join}},
		{"error_not_found", "", false, []step{{"GET", "/users/zed", "", nil}}},
		{"error_bad_request", "", false, []step{{"POST", "/users", "", nil}}},
		{"hook_message_sent", "message_sent", false, []step{plain}},
		{"hook_message_edited", "message_edited", false, []step{plain, edit}},
		{"hook_message_deleted", "message_deleted", false, []step{plain, remove}},
		{"hook_message_edited_live", "message_edited", true, []step{plain, edit}},
		{"hook_message_deleted_live", "message_deleted", true, []step{plain, remove}},
		{"hook_reaction_added", "message_reaction_added", false, []step{plain, react}},
		{"hook_user_mentioned", "user_mentioned", false, []step{bare}},
		{"hook_member_added", "group_member_added", false, []step{joinBy}},
	} {
		t.Run(c.fixture, func(t *testing.T) {
			a, h := newShapeApp(t, c.trigger, c.live)
			var got any
			for _, s := range c.steps {
				got = a.do(s.method, s.path, s.uid, s.body).Body
			}
			if c.trigger != "" {
				a.awaitAttempts(1)
				got = h.calls()[0]
			}
			readShape(t, c.fixture).compare(t, got)
		})
	}
}

func readShape(t *testing.T, name string) shape {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "shapes", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var s shape
	if err := json.Unmarshal(raw, &s); err != nil || s.Source == "" {
		t.Fatalf("fixture without a source, or %v", err)
	}
	return s
}
