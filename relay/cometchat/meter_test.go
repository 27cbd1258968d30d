package cometchat

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func TestChargesOfActions(t *testing.T) {
	c := newConnection(t, func(*Config) {})
	in := event.ThreadRef{Connection: "cc", Conversation: "group/crew", Root: "7"}
	action := func(typ event.ActionType, change func(*event.Action)) event.Action {
		a := event.Action{ID: "a1", Type: typ, Bot: "b", Thread: in, Text: "hi"}
		change(&a)
		return a
	}
	app, sender := relay.Group{}, func(id string) relay.Group { return relay.Group{Scope: "sender", Key: id} }
	cases := map[string]struct {
		a    event.Action
		want []relay.Charge
	}{
		"a reply":           {action(event.Reply, func(*event.Action) {}), []relay.Charge{{Group: app, Calls: 1}, {Group: sender("helper"), Calls: 1}}},
		"as somebody":       {action(event.Reply, func(a *event.Action) { a.As = "Clerk" }), []relay.Charge{{Group: app, Calls: 1}, {Group: sender("clerk"), Calls: 1}}},
		"in three parts":    {action(event.Post, func(a *event.Action) { a.Text = strings.Repeat("x", 2*maxText+1) }), []relay.Charge{{Group: app, Calls: 3}, {Group: sender("helper"), Calls: 3}}},
		"an edit":           {action(event.Edit, func(a *event.Action) { a.Target = "8" }), []relay.Charge{{Group: app, Calls: 1}}},
		"a reaction":        {action(event.React, func(a *event.Action) { a.Target, a.Emoji, a.Text = "8", "⚓", "" }), []relay.Charge{{Group: app, Calls: 1}}},
		"what is no action": {event.Action{}, nil},
	}
	for name, tt := range cases {
		if got := c.Charges(tt.a); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// Which limit an answer is about follows from the call and from the number.
func TestWhatAnswersTellOfLimits(t *testing.T) {
	say := func(c *Connection) error {
		_, err := c.Send(t.Context(), event.Action{ID: "a1", Type: event.Reply, Bot: "b", Text: "hi", Thread: event.ThreadRef{Connection: "cc", Conversation: "group/crew", Root: "7"}})
		return err
	}
	look := func(c *Connection) error { _, err := c.Client().User(t.Context(), "ana"); return err }
	create := func(c *Connection) error {
		return c.client.call(t.Context(), Request{Method: http.MethodPost, Path: []string{"users"}, Body: map[string]string{}}, nil)
	}
	app, helper := relay.Group{Scope: "connection"}, relay.Group{Scope: "sender", Key: "helper"}
	cases := []struct {
		name    string
		call    func(*Connection) error
		status  int
		headers map[string]string
		want    *relay.Reading
	}{
		{"the app's", say, 200, map[string]string{"X-Rate-Limit": "20000", "X-Rate-Limit-Remaining": "19000"}, &relay.Reading{Group: app, Limit: 20000, Remaining: 19000}},
		{"the free app's", say, 200, map[string]string{"X-Rate-Limit": "500", "X-Rate-Limit-Remaining": "0"}, &relay.Reading{Group: app, Limit: 500, Remaining: 0}},
		{"the sender's", say, 200, map[string]string{"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "29"}, &relay.Reading{Group: helper, Limit: 30, Remaining: 29}},
		{"without what is left", say, 200, map[string]string{"X-RateLimit-Limit": "30"}, &relay.Reading{Group: helper, Limit: 30, Remaining: -1}},
		{"a small number for another call", look, 200, map[string]string{"X-Rate-Limit": "30", "X-Rate-Limit-Remaining": "3"}, &relay.Reading{Group: app, Limit: 30, Remaining: 3}},
		{"a core operation", create, 200, map[string]string{"X-Rate-Limit": "10000", "X-Rate-Limit-Remaining": "3"}, &relay.Reading{Group: relay.Group{Scope: "route", Key: "core"}, Limit: 10000, Remaining: 3}},
		{"nothing", say, 200, nil, nil},
		{"a refusal", say, 429, map[string]string{"Retry-After": "7"}, &relay.Reading{Group: helper, Limit: -1, Remaining: -1, Pause: 7 * time.Second}},
		{"a refusal by number", say, 429, map[string]string{"Retry-After": "7", "X-Rate-Limit": "20000", "X-Rate-Limit-Remaining": "0"}, &relay.Reading{Group: app, Limit: 20000, Remaining: 0, Pause: 7 * time.Second}},
		{"a refusal without a time", look, 429, nil, nil},
		{"another refusal", say, 403, nil, nil},
	}
	for _, tt := range cases {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for name, value := range tt.headers {
				w.Header().Set(name, value)
			}
			answer(tt.status, `{"data":{"id":"9","uid":"ana"},"error":{"code":"X"}}`)(w, r)
		})
		var got []relay.Reading
		c.client.meter = func(r relay.Reading) { got = append(got, r) }
		err := tt.call(c)
		if (len(got) == 1) != (tt.want != nil) || tt.want != nil && got[0] != *tt.want {
			t.Errorf("%s: told %+v (%v), want %+v", tt.name, got, err, tt.want)
		}
		var f *relay.Failure
		if errors.As(err, &f) && f.Kind == relay.RateLimited && tt.want != nil && f.Group != tt.want.Group {
			t.Errorf("%s: the failure is about %+v", tt.name, f.Group)
		}
	}
}
