package cometchat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// messageAnswer is what GET /messages/{id} says of a reply by omar in the group "crew".
const messageAnswer = `{"data":{"id":"7","category":"message","type":"text","sender":"omar","receiver":"Crew","receiverType":"group","parentId":"5","sentAt":1760000000,"data":{"text":"x"}}}`

// reacted returns an incomplete reaction to message 7.
func reacted(t *testing.T, c *Connection) event.Event {
	t.Helper()
	return receiveOne(t, c, []byte(`{"trigger":"message_reaction_added","data":{"reaction":{"id":"3","messageId":"7","reaction":"⚓","uid":"ana","reactedAt":1760000009}}}`))
}

// bareDelete returns an incomplete delete of message 7 by mona, in the group "crew" or said to lena.
func bareDelete(t *testing.T, c *Connection, receiverType, receiver string) event.Event {
	t.Helper()
	return receiveOne(t, c, fmt.Appendf(nil, `{"trigger":"message_deleted","data":{"message":{"id":"9","category":"action","type":"message","sender":"mona","receiverType":%q,"receiver":%q,`+
		`"data":{"action":"deleted","entities":{"on":{"entity":{"id":"7","deletedAt":1760000009}}}}}}}`, receiverType, receiver))
}

func TestComplete(t *testing.T) {
	var calls atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Method != http.MethodGet || r.URL.Path != "/v3/messages/7" || r.Header.Get("onBehalfOf") != "" {
			t.Errorf("%s %s as %q", r.Method, r.URL, r.Header.Get("onBehalfOf"))
		}
		answer(http.StatusOK, messageAnswer)(w, r)
	})
	thread := event.ThreadRef{Connection: "cc", Conversation: "group/crew", Root: "5"}

	want := reacted(t, c)
	want.ID, want.Thread, want.Incomplete = "cometchat:app1:7:reaction-added:3-1760000009", thread, false
	asked := reacted(t, c)
	for range 2 { // the second time it is remembered
		got, err := c.Complete(t.Context(), asked)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
		if err := got.Validate(); err != nil {
			t.Error(err)
		}
	}
	if !asked.Incomplete {
		t.Error("the event that was asked about was changed")
	}
	if got, err := c.Complete(t.Context(), want); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("a whole one became %+v, %v", got, err)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// What was remembered makes the same event as what was asked for.
func TestCompleteFromMemory(t *testing.T) {
	asks := serve(t, answer(http.StatusOK, messageAnswer))
	knows := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a call") })
	knows.Remember(receiveOne(t, knows, []byte(`{"trigger":"message_sent","data":{"message":`+messageAnswer[len(`{"data":`):]+`}`)))
	for name, e := range map[string]event.Event{"reaction": reacted(t, asks), "delete": bareDelete(t, asks, "group", "crew")} {
		got, err := asks.Complete(t.Context(), e)
		again, againErr := knows.Complete(t.Context(), e)
		if err != nil || againErr != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%s: got %+v, %v and %+v, %v", name, got, err, again, againErr)
		}
		if got.Incomplete || got.Thread.Root != "5" || strings.HasSuffix(string(got.ID), incompleteSuffix) {
			t.Errorf("%s: got %+v", name, got)
		}
		if m := got.Message; m != nil && (m.Parent != "5" || m.Sender != event.User{ID: "omar"} || m.Recipient != "" || e.Message.Parent != "") {
			t.Errorf("%s: got %+v", name, m)
		}
	}
}

func TestRememberIgnores(t *testing.T) {
	var calls atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		answer(http.StatusOK, messageAnswer)(w, r)
	})
	created := receiveOne(t, c, direct("message_sent", "ana", "helper", "", ""))
	for name, spoil := range map[string]func(*event.Event){
		"no message":         func(e *event.Event) { e.Message = nil },
		"incomplete":         func(e *event.Event) { e.Incomplete = true },
		"another connection": func(e *event.Event) { e.Thread.Connection = "other" },
		"no root":            func(e *event.Event) { e.Thread.Root = "" },
		"no conversation":    func(e *event.Event) { e.Thread.Conversation = "" },
	} {
		e := created
		spoil(&e)
		c.Remember(e)
		if _, ok := c.places.get("7", c.now()); ok {
			t.Errorf("%s: remembered", name)
		}
	}
	c.Remember(created)
	if got, err := c.Complete(t.Context(), reacted(t, c)); err != nil || got.Thread != created.Thread || calls.Load() != 0 {
		t.Errorf("got %+v, %v after %d calls", got, err, calls.Load())
	}
}

func TestCompleteWhatIsGone(t *testing.T) {
	c := serve(t, answer(http.StatusNotFound, `{"error":{"code":"ERR_MESSAGE_ID_NOT_FOUND","message":"no such message `+testKey+`"}}`))
	_, err := c.Complete(t.Context(), reacted(t, c))
	var f *relay.Failure
	if !errors.As(err, &f) || f.Kind != relay.RootGone {
		t.Errorf("got %v", err)
	}
	assertNoSecret(t, err)

	for _, tt := range []struct {
		to, kind string
		want     event.ConversationID
	}{{"crew", "group", "group/crew"}, {"helper", "user", "user/mona"}, {"lena", "user", "users/lena+mona"}} {
		got, err := c.Complete(t.Context(), bareDelete(t, c, tt.kind, tt.to))
		if err != nil || got.Incomplete || got.ID != "cometchat:app1:7:deleted" || got.Message.Sender.ID != "mona" ||
			got.Thread != (event.ThreadRef{Connection: "cc", Conversation: tt.want, Root: "7"}) || got.Message.Direct() != (tt.kind == "user") {
			t.Errorf("got %+v %+v, %v", got, got.Message, err)
		}
	}
}

func TestCompleteFailures(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		kind   relay.Kind
	}{
		{"wrong key", 401, `{"error":{"code":"AUTH_ERR_APIKEY_NOT_FOUND"}}`, relay.Denied},
		{"too many", 429, `{"error":{"code":"ERR_TOO_MANY_REQUESTS"}}`, relay.RateLimited},
		{"broken", 500, `oops`, relay.Temporary},
		{"not JSON", 200, `{"data":`, relay.Temporary},
		{"no data", 200, `{}`, relay.Temporary},
		{"no place", 200, `{"data":{"id":"7"}}`, relay.Temporary},
		{"another message", 200, strings.Replace(messageAnswer, `"7"`, `"8"`, 1), relay.Temporary},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, answer(tt.status, tt.body))
			for name, e := range map[string]event.Event{"reaction": reacted(t, c), "delete": bareDelete(t, c, "group", "crew")} {
				got, err := c.Complete(t.Context(), e)
				var f *relay.Failure
				if !errors.As(err, &f) || f.Kind != tt.kind || got.ID != "" {
					t.Errorf("%s: got %v, %v", name, got, err)
				}
			}
		})
	}
}

func TestCompleteRefuses(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a call") })
	for name, spoil := range map[string]func(*event.Event){
		"another connection": func(e *event.Event) { e.Thread.Connection = "other" },
		"about nothing":      func(e *event.Event) { e.Reaction = nil },
		"no id":              func(e *event.Event) { e.Reaction = &event.Reaction{Message: "../users"} },
	} {
		e := reacted(t, c)
		spoil(&e)
		_, err := c.Complete(t.Context(), e)
		var f *relay.Failure
		if !errors.As(err, &f) || f.Kind != relay.Rejected {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Many that wait for one message make one call, and whoever gives up does so alone.
func TestCompleteAsksOnce(t *testing.T) {
	var calls atomic.Int32
	asked, release := make(chan struct{}), make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			close(asked)
		}
		<-release
		answer(http.StatusOK, messageAnswer)(w, r)
	})
	e := reacted(t, c)
	impatient, giveUp := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := c.Complete(impatient, e)
		gaveUp <- err
	}()
	<-asked
	var done sync.WaitGroup
	for range 20 {
		done.Go(func() {
			if got, err := c.Complete(t.Context(), e); err != nil || got.Thread.Root != "5" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	giveUp()
	var f *relay.Failure
	if err := <-gaveUp; !errors.Is(err, context.Canceled) || !errors.As(err, &f) || f.Kind != relay.Temporary {
		t.Errorf("got %v", err)
	}
	close(release)
	done.Wait()
	if n := calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
	if _, err := c.Complete(impatient, e); err != nil {
		t.Errorf("what is known needs no call: %v", err)
	}
	other := bareDelete(t, c, "group", "crew")
	other.Message.ID = "8"
	if _, err := c.Complete(impatient, other); !errors.Is(err, context.Canceled) || calls.Load() != 1 {
		t.Errorf("got %v after %d calls", err, calls.Load())
	}
}

func TestPlaces(t *testing.T) {
	at := func(n int) placed { return placed{id: event.MessageID(fmt.Sprint(n)), sender: "ana"} }
	start := time.Unix(1760000000, 0)
	var p places
	if _, ok := p.get("1", start); ok {
		t.Error("known before anything was")
	}
	for n := range maxPlaces {
		p.put(at(n), start)
	}
	p.get("0", start)           // used: it stays
	p.put(at(maxPlaces), start) // one too many: message 1 goes
	for id, want := range map[event.MessageID]bool{"0": true, "1": false, "2": true, "10000": true} {
		if got, ok := p.get(id, start); ok != want || ok && got.id != id {
			t.Errorf("%s: got %+v, %t", id, got, ok)
		}
	}
	if len(p.known) != maxPlaces || p.recent.Len() != maxPlaces {
		t.Errorf("%d and %d are known", len(p.known), p.recent.Len())
	}
	changed := at(2)
	changed.sender = "omar"
	p.put(changed, start.Add(time.Minute))
	if got, ok := p.get("2", start.Add(placeTTL)); !ok || got.sender != "omar" {
		t.Errorf("got %+v, %t", got, ok)
	}
	if _, ok := p.get("0", start.Add(placeTTL)); ok {
		t.Error("known for longer than an hour")
	}
	if len(p.known) != maxPlaces-1 || p.recent.Len() != maxPlaces-1 {
		t.Errorf("%d and %d are known", len(p.known), p.recent.Len())
	}
}
