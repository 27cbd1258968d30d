package rocketchat

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// as returns an action as it is said for somebody.
func as(a event.Action, name, avatar string) event.Action {
	a.As, a.Identity = "mirror-ana", &event.Identity{Name: name, Avatar: avatar}
	return a
}

func TestAlias(t *testing.T) {
	f, c := newFakeChat(t)
	r, err := c.Send(t.Context(), as(postOf("hello"), " Ana\n Zoë ", "https://example.org/ana.png"))
	must(t, err)
	d := f.doc(string(r.Message))
	if d["alias"] != "Ana Zoë" || d["avatar"] != "https://example.org/ana.png" || d["msg"] != "hello" {
		t.Errorf("%v", d)
	}
	a := as(postOf("hello"), "", "https://example.org/ana.png")
	a.ID = "nameless"
	r, err = c.Send(t.Context(), a)
	must(t, err)
	if d := f.doc(string(r.Message)); d["alias"] != nil || d["avatar"] != nil || d["msg"] != "hello" {
		t.Errorf("%v", d)
	}
}

func TestAvatarsThatThePlatformRefuses(t *testing.T) {
	for _, avatar := range []string{"", "/avatar/ana", "data:image/png;base64,AAAA", "javascript:alert(1)", "https://", "https://u:p@h/x", "%zz"} {
		if got := avatarOf(avatar); got != "" {
			t.Errorf("%q is taken as %q", avatar, got)
		}
	}
}

func TestAliasThatIsRefused(t *testing.T) {
	refusals := map[string]http.HandlerFunc{
		"until version 8": answer(400, `{"success":false,"error":"Not enough permission"}`),
		"from version 9":  answer(403, `{"success":false,"error":"Not enough permission","errorType":"error-forbidden"}`),
	}
	for name, refuse := range refusals {
		t.Run(name, func(t *testing.T) {
			f, c := newFakeChat(t)
			now := time.Now()
			c.now = func() time.Time { return now }
			aliased := 0
			f.before = func(w http.ResponseWriter, call fakeCall) bool {
				m, _ := call.body["message"].(object)
				if m["alias"] == nil || f.impersonate {
					return false
				}
				aliased++
				refuse(w, call.r)
				return true
			}
			f.impersonate = false
			for _, id := range []event.ActionID{"a", "b"} {
				a := as(postOf("hi"), "Ana *B* `c`_d_ @all", "")
				a.ID = id
				r, err := c.Send(t.Context(), a)
				must(t, err)
				if d := f.doc(string(r.Message)); d["alias"] != nil || d["msg"] != "**Ana B 'c'\\_d\\_ @\u200ball**: hi" {
					t.Errorf("%q", d["msg"])
				}
			}
			if aliased != 1 || c.Capabilities().Identity != event.NoIdentity {
				t.Errorf("tried %d times; %s", aliased, c.Capabilities().Identity)
			}
			now = now.Add(aliasPause)
			f.impersonate = true
			a := as(postOf("hi"), "Ana", "")
			a.ID = "c"
			r, err := c.Send(t.Context(), a)
			must(t, err)
			if d := f.doc(string(r.Message)); d["alias"] != "Ana" || d["msg"] != "hi" || c.Capabilities().Identity != event.Alias {
				t.Errorf("%v", d)
			}
		})
	}
}

func TestRefusalThatIsNotAboutTheAlias(t *testing.T) {
	f, c := newFakeChat(t)
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		answer(400, `{"success":false,"error":"Not Allowed [error-not-allowed]","errorType":"error-not-allowed"}`)(w, call.r)
		return true
	}
	if got := sendKind(t, c, as(postOf("x"), "Ana", "")); got.Kind != relay.Denied || c.Capabilities().Identity != event.Alias {
		t.Errorf("%v, %s", got, c.Capabilities().Identity)
	}
}

func TestEditKeepsThePrefix(t *testing.T) {
	f, c := newFakeChat(t)
	send := func(id event.ActionID, allowed bool) event.MessageID {
		f.impersonate = allowed
		c.alias.allow()
		a := as(postOf("before"), "Ana", "")
		a.ID = id
		r, err := c.Send(t.Context(), a)
		must(t, err)
		return r.Message
	}
	for id, want := range map[event.MessageID]string{send("named", true): "after", send("prefixed", false): "**Ana**: after"} {
		a := as(changeOf(event.Edit, id), "Ana", "")
		a.Text = "after"
		_, err := c.Send(t.Context(), a)
		must(t, err)
		if got := f.doc(string(id))["msg"]; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if _, found, err := c.Find(t.Context(), a, time.Time{}); !found || err != nil {
			t.Errorf("%t, %v", found, err)
		}
	}
}

func TestLongNames(t *testing.T) {
	f, c := newFakeChat(t)
	f.impersonate = false
	_, err := c.Send(t.Context(), as(postOf(strings.Repeat("x", maxText)), strings.Repeat("Ö", 500), ""))
	must(t, err)
	if len(f.docs) != 2 {
		t.Errorf("%d messages", len(f.docs))
	}
}
