package sim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// hookServer collects webhook calls; answer decides each status by the number of calls before.
type hookServer struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []object
	auth   []string
}

func newHook(t *testing.T, answer func(n int, body object) int) *hookServer {
	t.Helper()
	h := &hookServer{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var body object
		if err := json.Unmarshal(raw, &body); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("webhook call %s %s %q: %v", r.Method, r.Header.Get("Content-Type"), raw, err)
		}
		h.mu.Lock()
		n := len(h.bodies)
		h.bodies, h.auth = append(h.bodies, body), append(h.auth, r.Header.Get("Authorization"))
		h.mu.Unlock()
		status := 200
		if answer != nil {
			status = answer(n, body)
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hookServer) calls() []object {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]object(nil), h.bodies...)
}

func (h *hookServer) triggers() string {
	var names []string
	for _, b := range h.calls() {
		names = append(names, b["trigger"].(string))
	}
	return strings.Join(names, " ")
}

func (a *app) hook(w sim.Webhook) {
	a.t.Helper()
	if err := a.AddWebhook(w); err != nil {
		a.t.Fatal(err)
	}
}

func (a *app) awaitAttempts(n int) []sim.Delivery {
	a.t.Helper()
	if err := a.AwaitDeliveries(within(a.t), func(d []sim.Delivery) bool { return len(d) >= n }); err != nil {
		a.t.Fatalf("%v; have %+v", err, a.Deliveries())
	}
	return a.Deliveries()
}

func messageOf(body object) object { m, _ := body["data"].(object)["message"].(object); return m }

func TestEveryTriggerFires(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{AppID: "app9", Region: "us"})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w1", URL: h.URL, Username: "u", Password: "p"})
	m := a.say(sim.Say{From: "ann", ToGroup: "team", Text: "hi <@uid:bot> and <@uid:nobody>"})
	if _, err := a.Edit("ann", m.ID, "hi all"); err != nil {
		t.Fatal(err)
	}
	if err := a.React("bot", m.ID, "👍"); err != nil {
		t.Fatal(err)
	}
	if err := a.Unreact("bot", m.ID, "👍"); err != nil {
		t.Fatal(err)
	}
	if err := a.Delete("ann", m.ID); err != nil {
		t.Fatal(err)
	}
	a.do("POST", "/groups/team/members", "ann", object{"participants": []string{"ben"}}).want(t, 200, "")
	if err := a.Redeliver(m.ID); err != nil {
		t.Fatal(err)
	}
	a.awaitAttempts(8)
	want := "message_sent user_mentioned message_edited message_reaction_added message_reaction_removed message_deleted group_member_added message_sent"
	if got := h.triggers(); got != want {
		t.Fatalf("triggers %s", got)
	}
	calls := h.calls()
	if b := calls[0]; b["appId"] != "app9" || b["region"] != "us" || b["webhook"] != "w1" || h.auth[0] != "Basic dTpw" {
		t.Errorf("envelope %v, auth %q", b, h.auth[0])
	}
	if got := fmt.Sprint(messageOf(calls[7])); got != fmt.Sprint(messageOf(calls[0])) {
		t.Errorf("the duplicate differs:\n%s\n%v", got, messageOf(calls[0]))
	}
	for i, d := range a.Deliveries() {
		if d.Status != 200 || d.Attempt != 1 || d.Err != "" || i != 6 && d.MessageID != m.ID {
			t.Errorf("delivery %d: %+v", i, d)
		}
	}
}

func TestEditAndDeleteShapes(t *testing.T) {
	for _, live := range []bool{false, true} {
		a := newApp(t, sim.CometChatConfig{})
		h := newHook(t, nil)
		a.hook(sim.Webhook{ID: "w", URL: h.URL, LiveShape: live, Triggers: []string{"message_edited", "message_deleted"}})
		m := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "one"})
		if _, err := a.Edit("ann", m.ID, "two"); err != nil {
			t.Fatal(err)
		}
		if err := a.Delete("ann", m.ID); err != nil {
			t.Fatal(err)
		}
		a.awaitAttempts(2)
		edited, deleted := messageOf(h.calls()[0]), messageOf(h.calls()[1])
		if !live {
			if edited["category"] != "action" || edited["id"] == m.ID {
				t.Errorf("documented edit %v", edited)
			}
			on := func(w object) object {
				return w["data"].(object)["entities"].(object)["on"].(object)["entity"].(object)
			}
			edited, deleted = on(edited), on(deleted)
		}
		if edited["id"] != m.ID || edited["data"].(object)["text"] != "two" || edited["editedBy"] != "ann" {
			t.Errorf("live=%v: edited %v", live, edited)
		}
		if _, has := deleted["data"].(object)["text"]; deleted["id"] != m.ID || has || deleted["deletedBy"] != "ann" {
			t.Errorf("live=%v: deleted %v", live, deleted)
		}
	}
}

func TestRESTOnlyHooks(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{RESTOnlyHooks: true})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "typed"})
	a.do("POST", "/messages", "ann", text("user", "bot", "posted")).want(t, 200, "")
	a.awaitAttempts(1)
	if got := messageOf(h.calls()[0]); len(h.calls()) != 1 || got["data"].(object)["text"] != "posted" {
		t.Errorf("got %v", h.calls())
	}
}

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name   string
		retry  bool
		answer []int
		want   string // statuses by attempt
	}{
		{"never asked to", false, []int{500}, "1:500"},
		{"second time lucky", true, []int{503, 200}, "1:503 2:200"},
		{"given up", true, []int{500, 204, 302}, "1:500 2:204 3:302"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newApp(t, sim.CometChatConfig{RetryDelays: []time.Duration{time.Millisecond, time.Millisecond}})
			h := newHook(t, func(n int, _ object) int { return c.answer[min(n, len(c.answer)-1)] })
			a.hook(sim.Webhook{ID: "w", URL: h.URL, RetryOnFailure: c.retry})
			a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
			a.awaitAttempts(len(c.answer))
			a.Close() // no attempt can follow
			var got []string
			for _, d := range a.Deliveries() {
				got = append(got, fmt.Sprintf("%d:%d", d.Attempt, d.Status))
				if (d.Status == 200) != (d.Err == "") {
					t.Errorf("%+v", d)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("attempts %v, want %s", got, c.want)
			}
		})
	}
}

func TestRetryDoesNotHoldUpOthers(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{RetryDelays: []time.Duration{time.Hour}})
	h := newHook(t, func(n int, _ object) int { return map[bool]int{true: 500, false: 200}[n == 0] })
	a.hook(sim.Webhook{ID: "w", URL: h.URL, RetryOnFailure: true})
	for range 3 {
		a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
	}
	if d := a.awaitAttempts(3); d[0].Status != 500 || d[1].MessageID != "2" || d[2].MessageID != "3" {
		t.Errorf("%+v", d)
	}
}

func TestConversationsAreDeliveredSideBySideAndInOrder(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{WebhookTimeout: time.Minute})
	release := make(chan struct{})
	h := newHook(t, func(_ int, body object) int {
		if messageOf(body)["receiver"] == "ben" {
			<-release
		}
		return 200
	})
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	a.say(sim.Say{From: "ann", ToUser: "ben", Text: "held"})
	const n = 20
	for range n {
		a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
	}
	last := 1
	for _, d := range a.awaitAttempts(n) {
		last++
		if d.MessageID != fmt.Sprint(last) {
			t.Fatalf("message %s came in the place of %d", d.MessageID, last)
		}
	}
	close(release)
	a.awaitAttempts(n + 1)
}

func TestWebhookTimeout(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{WebhookTimeout: 20 * time.Millisecond})
	release := make(chan struct{})
	h := newHook(t, func(n int, _ object) int {
		if n == 0 {
			<-release
		}
		return 200
	})
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
	if d := a.awaitAttempts(1)[0]; d.Status != 0 || !strings.Contains(d.Err, "deadline") {
		t.Errorf("%+v", d)
	}
	close(release)
}

func TestARemovedWebhookIsNotCalled(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{WebhookTimeout: time.Minute})
	h := newHook(t, func(int, object) int { return 200 })
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "x"})
	if d := a.awaitAttempts(1)[0]; d.Webhook != "w" || d.Status != 200 {
		t.Errorf("%+v", d)
	}
	a.RemoveWebhook("w")
	a.hook(sim.Webhook{ID: "w2", URL: h.URL})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "y"})
	if d := a.awaitAttempts(2)[1]; d.Webhook != "w2" || d.Status != 200 {
		t.Errorf("%+v", d)
	}
}

func TestAddWebhookRefuses(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	a.hook(sim.Webhook{ID: "w", URL: "http://127.0.0.1:1/x"})
	for _, w := range []sim.Webhook{
		{URL: "http://127.0.0.1:1"}, {ID: "a"}, {ID: "a", URL: "/path"}, {ID: "a", URL: "ftp://h/"}, {ID: "a", URL: "http://%zz"}, {ID: "w", URL: "http://127.0.0.1:1"},
	} {
		if err := a.AddWebhook(w); err == nil {
			t.Errorf("%+v was accepted", w)
		}
	}
}
