package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// restOnly has the platform fire no webhook for what is typed in its app.
func restOnly(cfg *sim.CometChatConfig) { cfg.RESTOnlyHooks = true }

// polled is an environment that polls, as often as the rate budget allows.
func (s *testStage) polled(dir string, more ...string) []string {
	return s.environment(dir, append([]string{"COMETCHAT_POLL=app", "COMETCHAT_POLL_INTERVAL=100ms"}, more...)...)
}

// unhooked is that environment without webhooks.
func (s *testStage) unhooked(dir string, more ...string) []string {
	return s.polled(dir, append([]string{"COMETCHAT_WEBHOOK_USERNAME=", "COMETCHAT_WEBHOOK_PASSWORD="}, more...)...)
}

// wantAnswers fails the test unless the bot has said exactly these texts in a thread, in this order.
func (s *testStage) wantAnswers(root string, texts ...string) {
	s.t.Helper()
	var want []string
	for _, text := range texts {
		want = append(want, "You said: "+text)
	}
	got := (&script{chat: s.chat}).answers(s.chat.Messages(), root)
	if strings.Join(got, "|") != strings.Join(want, "|") {
		s.t.Errorf("thread %s was answered %q, want %q", root, got, want)
	}
}

// A platform that fires no webhook for what is typed in its app: polling alone sees it.
func TestPollingAlone(t *testing.T) {
	s := newTestStage(t, restOnly)
	r := serveInside(t, s.unhooked(t.TempDir()))
	direct := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "one"})
	s.await(direct.ID, "one")
	s.say(sim.Say{From: "ana", Parent: direct.ID, Text: "two"})
	group := s.say(sim.Say{From: "ben", ToGroup: "engineering", Text: "three"})
	s.say(sim.Say{From: "ben", ToUser: "ana", Text: "between us"})
	s.await(direct.ID, "two")
	s.await(group.ID, "three")
	if got := len(s.chat.Deliveries()); got != 0 {
		t.Errorf("%d webhooks were sent, so polling was not alone", got)
	}
	if status := post(t, r, hookPassword, messageTo("77", "helper")); status != 403 {
		t.Errorf("the hook without credentials answers %d", status)
	}
	if status, body := r.get("/readyz"); status != 200 || !strings.Contains(body, `"poll/cometchat":"ok"`) || !strings.Contains(body, `"polling":true`) {
		t.Errorf("readyz: %d %s", status, body)
	}
	r.awaitMetric(`threadrelay_poll_leader{connection="cometchat"} 1`)
	if code := r.drain(); code != exitDone { // what was still under way is finished by then
		t.Errorf("exit code %d", code)
	}
	s.wantAnswers(direct.ID, "one", "two")
	s.wantAnswers(group.ID, "three")
	if got := s.answered(); got != 3 {
		t.Errorf("%d answers, want 3", got)
	}
}

// Each message comes by both ways, and is answered once.
func TestWebhookAndPollAnswerOnce(t *testing.T) {
	const n = 20
	s := newTestStage(t)
	r := serveInside(t, s.polled(t.TempDir()))
	s.hook(r)
	roots := make([]sim.Message, n)
	for i := range roots {
		to := sim.Say{From: "ana", ToUser: demoBot, Text: fmt.Sprint("message ", i)}
		if i%2 == 1 {
			to.ToUser, to.ToGroup = "", "engineering"
		}
		roots[i] = s.say(to)
	}
	for _, m := range roots {
		s.await(m.ID, m.Text)
	}
	// The bot's answers are events, too. All of both has been polled once it has come a second time.
	r.awaitCount("threadrelay_poll_events_total", 2*n)
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	for _, m := range roots {
		s.wantAnswers(m.ID, m.Text)
	}
}

// awaitCount waits until the lines of a metric add up to n or more.
func (r *relayProcess) awaitCount(metric string, n float64) {
	r.t.Helper()
	var sum float64
	for deadline := time.Now().Add(bustest.Patience); time.Now().Before(deadline); {
		_, body := r.get("/metrics")
		if sum = total(r.t, body, metric); sum >= n {
			return
		}
	}
	r.t.Fatalf("%s stays at %v, want %v", metric, sum, n)
}

// total adds up the lines of a metric.
func total(t *testing.T, page, metric string) float64 {
	t.Helper()
	var sum float64
	for _, m := range regexp.MustCompile(`(?m)^`+metric+`(?:\{.*\})? (\S+)$`).FindAllStringSubmatch(page, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += v
	}
	return sum
}

// A webhook that never comes is made up for, and counted once it is certain that it does not come any more.
func TestPollFillsALostWebhook(t *testing.T) {
	t.Parallel()
	ahead := func(cfg *sim.CometChatConfig) {
		cfg.Now = func() time.Time { return time.Now().Add(2 * time.Second) } // the relay knows of the source since before the message
	}
	s := newTestStage(t, ahead)
	r := serveInside(t, s.environment(t.TempDir(), "COMETCHAT_POLL=app"))
	s.hook(r)
	if err := s.chat.Break("drop", 1); err != nil {
		t.Fatal(err)
	}
	lost := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "lost"})
	found := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "found"})
	s.await(found.ID, "found")
	s.await(lost.ID, "lost")
	r.awaitMetric(`threadrelay_poll_filled_total{connection="cometchat"} 1`)
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	s.wantAnswers(lost.ID, "lost")
	s.wantAnswers(found.ID, "found")
}

// A source that the platform refuses is no reason to be not ready, and is not named where no token is needed.
func TestPollOfARefusedSource(t *testing.T) {
	s := newTestStage(t)
	if err := s.chat.AddGroup(sim.Group{GUID: "private", Members: []string{"ana"}}); err != nil {
		t.Fatal(err)
	}
	r := serveInside(t, s.polled(t.TempDir(), "COMETCHAT_POLL=group/private,group/engineering"))
	r.awaitStatus(200, `"poll/cometchat":"failing"`)
	if _, body := r.get("/readyz"); !strings.Contains(body, `"refused":1`) || strings.Contains(body, "private") {
		t.Errorf("readyz: %s", body)
	}
	r.err.line(t, "source cannot be polled", r.ended)
	r.awaitMetric(`threadrelay_poll_sources{connection="cometchat",state="refused"} 1`)
	group := s.say(sim.Say{From: "ben", ToGroup: "engineering", Text: "the other source"})
	s.await(group.ID, "the other source")
}

// A poll that the platform does not answer does not hold up the end.
func TestEndDuringAPoll(t *testing.T) {
	s := newTestStage(t)
	hung := make(chan struct{}, 64)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		hung <- struct{}{}
		<-q.Context().Done()
	}))
	defer api.Close()
	r := serveInside(t, s.polled(t.TempDir(), "COMETCHAT_BASE_URL="+api.URL+"/v3"))
	bustest.Receive(t, hung)
	start := time.Now()
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the end took %s", took)
	}
}
