package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestMessagesGoAllTheWayRound(t *testing.T) {
	s := newTestStage(t)
	r := serveInside(t, s.environment(t.TempDir()))
	s.hook(r)

	direct := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "one"})
	s.await(direct.ID, "one")
	s.say(sim.Say{From: "ana", Parent: direct.ID, Text: "two"})
	s.await(direct.ID, "two")
	group := s.say(sim.Say{From: "ben", ToGroup: "engineering", Text: "three"})
	s.await(group.ID, "three")
	if err := s.chat.Redeliver(group.ID); err != nil {
		t.Fatal(err)
	}
	s.awaitRepeat(group.ID)
	s.say(sim.Say{From: "ana", Parent: group.ID, Text: "four"})
	s.await(group.ID, "four")

	script := &script{chat: s.chat}
	for root, want := range map[string]string{direct.ID: "You said: one|You said: two", group.ID: "You said: three|You said: four"} {
		if got := strings.Join(script.answers(s.chat.Messages(), root), "|"); got != want {
			t.Errorf("thread %s was answered %q, want %q", root, got, want)
		}
	}
	for _, m := range s.chat.Messages() {
		if m.Sender == demoBot && (m.ParentID == "" || !strings.Contains(string(m.Metadata), `"threadrelay":{"action":"`)) {
			t.Errorf("answer outside of a thread, or without our marker: %+v", m)
		}
	}
	for _, q := range s.chat.Requests() {
		if strings.HasSuffix(q.Path, "/thread") && (q.OnBehalfOf != demoBot || q.Status != 200) {
			t.Errorf("answered on behalf of %q: %d", q.OnBehalfOf, q.Status)
		}
	}
	if status, body := r.get("/readyz"); status != 200 || !strings.Contains(body, `"bus":"ok"`) {
		t.Errorf("readyz: %d %s", status, body)
	}
	r.awaitMetric(`threadrelay_sends_total{connection="cometchat",outcome="sent",type="reply"} 4`)
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

func (s *testStage) awaitRepeat(id string) {
	s.t.Helper()
	if err := (&script{chat: s.chat}).awaitRepeat(bustest.Context(s.t), id); err != nil {
		s.t.Fatal(err)
	}
}

// What nobody may be answered on: other people's messages, system messages, groups without the bot, and what is no speech.
func TestWhoIsNotAnswered(t *testing.T) {
	s := newTestStage(t)
	if err := s.chat.AddGroup(sim.Group{GUID: "private", Members: []string{"ana", "ben"}}); err != nil {
		t.Fatal(err)
	}
	r := serveInside(t, s.environment(t.TempDir()))
	s.hook(r)
	silent := []sim.Message{
		s.say(sim.Say{From: "ana", ToUser: "ben", Text: "between us"}),
		s.say(sim.Say{From: "ana", ToGroup: "private", Text: "without the bot"}),
		s.say(sim.Say{From: demoBot, ToUser: "ana", Text: "the bot itself"}),
		s.say(sim.Say{From: "ana", ToGroup: "engineering", Type: "image", Data: map[string]any{"url": "https://example.org/a.png"}}),
	}
	for _, m := range silent {
		if err := s.chat.Redeliver(m.ID); err != nil { // whatever it is, a second time changes nothing
			t.Fatal(err)
		}
	}
	for i, kind := range []string{`"call","type":"audio"`, `"action","type":"groupMember"`, `"agentic","type":"assistant"`, `"novel","type":"text"`} {
		body := fmt.Sprintf(`{"trigger":"message_sent","appId":"sim-app","data":{"message":{"id":"90%d","category":%s,"sender":"ana",
			"receiver":"helper","receiverType":"user","sentAt":1790000000,"data":{"text":"no speech"}}}}`, i, kind)
		if status := post(t, r, hookPassword, body); status != 200 {
			t.Errorf("category %s: %d", kind, status)
		}
	}
	for _, trigger := range []string{"call_started", "message_reaction_added", "something_new"} {
		if status := post(t, r, hookPassword, `{"trigger":"`+trigger+`","data":{"text":"no speech"}}`); status != 200 {
			t.Errorf("trigger %s: %d", trigger, status)
		}
	}
	last := s.say(sim.Say{From: "ana", ToGroup: "engineering", Text: "last"})
	s.await(last.ID, "last")
	if code := r.drain(); code != exitDone { // what was still under way is finished by then
		t.Errorf("exit code %d", code)
	}
	for _, m := range s.chat.Messages() {
		if m.Sender == demoBot && m.ParentID != last.ID && m.Text != "the bot itself" {
			t.Errorf("answered: %+v", m)
		}
	}
}

func TestServeRefusesBadConfiguration(t *testing.T) {
	s := newTestStage(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inUse := t.TempDir()
	serveInside(t, s.environment(inUse))
	cases := map[string]struct {
		more []string
		code int
		want []string
	}{
		"several at once": {[]string{"THREADRELAY_FSYNC=maybe", "THREADRELAY_RETENTION=soon", "COMETCHAT_API_KEY="}, exitUsage,
			[]string{"THREADRELAY_FSYNC", "THREADRELAY_RETENTION", "COMETCHAT_API_KEY"}},
		"port in use":           {[]string{"THREADRELAY_LISTEN=" + busy.Addr().String()}, exitFailed, []string{"THREADRELAY_LISTEN", "address already in use"}},
		"admin port in use":     {[]string{"THREADRELAY_ADMIN_LISTEN=" + busy.Addr().String()}, exitFailed, []string{"THREADRELAY_ADMIN_LISTEN"}},
		"data folder is a file": {[]string{"THREADRELAY_DATA_DIR=" + blocked}, exitFailed, []string{"THREADRELAY_DATA_DIR", "not a directory"}},
		"data folder in use":    {[]string{"THREADRELAY_DATA_DIR=" + inUse}, exitFailed, []string{"THREADRELAY_DATA_DIR", "in use by another process"}},
		"no NATS there":         {[]string{"NATS_URL=nats://" + unusedAddress(t)}, exitFailed, []string{"NATS_URL", "no servers available"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			err := newOutput()
			code := run(t.Context(), invocation{args: []string{"serve"}, environ: s.environment(dir, c.more...), stdout: err, stderr: err})
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(err.String(), want) {
					t.Errorf("no %q in\n%s", want, err)
				}
			}
			if _, e := os.Stat(dir); e == nil {
				t.Error("the data folder was created")
			}
		})
	}
}

// unusedAddress is one that nobody listens on.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// A configured secret must not come out anywhere: log, pages, streams on disk.
func TestSecretsStayInside(t *testing.T) {
	s := newTestStage(t)
	dir := t.TempDir()
	environ := s.polled(dir, "THREADRELAY_ADMIN_TOKEN=admin-token-value")
	r := serveInside(t, environ)
	s.hook(r)
	_, found, faults := invoke(t, environ, "check", "--json")
	m := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "hello"})
	s.await(m.ID, "hello")
	s.chat.Inject(sim.Fault{Path: "/messages", Status: 403, Code: "AUTH_ERR_NO_ACCESS", Times: 1})
	r.err.line(t, "source cannot be polled", r.ended)
	s.chat.Inject(sim.Fault{Path: "/messages/*/thread", Changes: true, Status: 403, Code: "AUTH_ERR_NO_ACCESS", Times: 1})
	s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "refused"})
	r.err.line(t, "message became a dead letter", r.ended)
	post(t, r, hookPassword, fmt.Sprintf(`{"trigger":"message_sent","data":{"apiKey":%q,"password":%q}}`, s.key, hookPassword))
	post(t, r, "wrong"+hookPassword, `{}`)
	_, ready := r.get("/readyz")
	_, metrics := r.get("/metrics")
	if code := r.drain(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	seen := map[string]string{"the log": r.err.String(), "/readyz": ready, "/metrics": metrics, "check": found + faults}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // a file of the test's own folder
		seen[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(values(seen), ""), "You said: hello") {
		t.Fatal("the search does not see what was stored")
	}
	for where, text := range seen {
		for _, secret := range []string{s.key, hookPassword, "admin-token-value"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds a secret", where)
			}
		}
	}
}

func values(m map[string]string) []string {
	var out []string
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func TestReadyWithinASecond(t *testing.T) {
	s := newTestStage(t)
	best := time.Hour
	for range 5 {
		start := time.Now()
		r := serveInside(t, s.environment(t.TempDir()))
		best = min(best, time.Since(start))
		r.drain()
	}
	t.Logf("start to ready: %s at best", best)
	if best > time.Second {
		t.Errorf("start to ready takes %s at best", best)
	}
}
