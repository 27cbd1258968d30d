package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/console"
	"github.com/threadrelay/threadrelay/relay/sim"
)

const adminToken = "drawbridge77portcullis"

// operator runs the dead command against a relay, and keeps all that it ever printed.
type operator struct {
	t       *testing.T
	environ []string
	seen    strings.Builder
}

func newOperator(t *testing.T, r *relayProcess) *operator {
	t.Helper()
	return &operator{t: t, environ: []string{"THREADRELAY_ADMIN_LISTEN=" + r.admin, "THREADRELAY_ADMIN_TOKEN=" + adminToken, "COLUMNS=200"}}
}

// dead runs the command, which must exit with this code, and returns what it printed.
func (o *operator) dead(code int, args ...string) (stdout, stderr string) {
	o.t.Helper()
	got, stdout, stderr := invoke(o.t, o.environ, append([]string{"dead"}, args...)...)
	o.seen.WriteString(stdout + stderr)
	if got != code {
		o.t.Errorf("dead %q: exit code %d, want %d\n%s%s", args, got, code, stdout, stderr)
	}
	return stdout, stderr
}

// letters are what `dead ls --json` prints.
func (o *operator) letters(args ...string) []console.Letter {
	o.t.Helper()
	stdout, _ := o.dead(exitDone, append([]string{"ls", "--json"}, args...)...)
	var all []console.Letter
	for line := range strings.Lines(stdout) {
		var l console.Letter
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			o.t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, l)
	}
	return all
}

// wants fails the test unless text holds every part.
func (o *operator) wants(text string, parts ...string) {
	o.t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			o.t.Errorf("no %q in\n%s", p, text)
		}
	}
}

// An answer that the platform refuses becomes a dead letter; once the platform is well it is replayed, and appears once.
func TestARefusedAnswerIsReplayed(t *testing.T) {
	s := newTestStage(t)
	r := serveInside(t, s.environment(t.TempDir(), "THREADRELAY_ADMIN_TOKEN="+adminToken))
	s.hook(r)
	o := newOperator(t, r)
	if stdout, _ := o.dead(exitDone, "ls"); stdout != "no dead letters\n" {
		t.Errorf("a fresh relay has %q", stdout)
	}
	s.chat.Inject(sim.Fault{Path: "/messages/*/thread", Status: 403, Code: "AUTH_ERR_NO_ACCESS"})
	m := s.say(sim.Say{From: "ana", ToUser: demoBot, Text: "refused"})
	r.err.line(t, "message became a dead letter", r.ended)

	stdout, _ := o.dead(exitDone, "ls")
	o.wants(stdout, "ID ", "actions", "deliver", "cometchat", "AUTH_ERR_NO_ACCESS", "\n1 dead letter\n")
	all := o.letters("--connection", "cometchat", "--reason", "AUTH_ERR", "--stage", "actions", "--consumer", "deliver")
	if len(all) != 1 {
		t.Fatalf("letters: %+v", all)
	}
	id := all[0].ID
	if len(o.letters("--connection", "other")) != 0 {
		t.Error("another connection has letters")
	}
	stdout, _ = o.dead(exitDone, "show", id)
	o.wants(stdout, "stage       actions", "connection  cometchat", "attempts    1, from 2", "ce-type: reply", `  "text": "You said: refused"`)

	stdout, stderr := o.dead(exitFailed, "replay", "99", id) // refused again: a new letter takes its place
	o.wants(stdout, "failed 99: bus: dead letter 99: no such dead letter\n", "replayed "+id+"\n", "1 replayed, 1 failed\n")
	o.wants(stderr, "1 of 2 failed")
	r.err.line(t, `"sequence":2,"attempts":1`, r.ended)
	all = o.letters()
	if len(all) != 1 || all[0].ID == id || all[0].ReplayOf == "" || all[0].Attempts != 1 {
		t.Fatalf("after the replay: %+v", all)
	}
	again := all[0]
	s.chat.ClearFaults()
	stdout, _ = o.dead(exitDone, "replay", "--reason", "AUTH_ERR_NO_ACCESS")
	o.wants(stdout, "replayed "+again.ID+"\n1 replayed\n")
	s.await(m.ID, "refused")
	next := s.say(sim.Say{From: "ana", Parent: m.ID, Text: "next"})
	s.await(m.ID, "next")
	if stdout, _ := o.dead(exitDone, "ls"); stdout != "no dead letters\n" {
		t.Errorf("after the replay there are %q", stdout)
	}
	answers := strings.Join((&script{chat: s.chat}).answers(s.chat.Messages(), m.ID), "|")
	if answers != "You said: refused|You said: next" {
		t.Errorf("the thread of %s and %s holds %q", m.ID, next.ID, answers)
	}
	o.wantNoSecret(s, r)
}

// wantNoSecret looks through all that was printed, by the operator's commands and by the relay.
func (o *operator) wantNoSecret(s *testStage, r *relayProcess) {
	o.t.Helper()
	for _, secret := range []string{s.key, hookPassword, adminToken} {
		if strings.Contains(o.seen.String(), secret) || strings.Contains(r.err.String(), secret) {
			o.t.Error("a secret was printed")
		}
	}
}

func TestCallsOfUnknownShape(t *testing.T) {
	s := newTestStage(t)
	r := serveInside(t, s.environment(t.TempDir(), "THREADRELAY_ADMIN_TOKEN="+adminToken))
	o := newOperator(t, r)
	for _, body := range []string{
		`{"trigger":"message_sent","data":{"apiKey":"` + s.key + `"}}`,
		`{"trigger":"message_edited","data":{}}`, `{"trigger":7}`,
	} {
		if status := post(t, r, hookPassword, body); status != 200 {
			t.Fatalf("%s: %d", body, status)
		}
	}
	all := o.letters("--stage", "ingest")
	if len(all) != 3 || all[0].Connection != "cometchat" {
		t.Fatalf("letters: %+v", all)
	}
	stdout, stderr := o.dead(exitFailed, "replay", "--all", "--json")
	o.wants(stdout, `{"id":"`+all[2].ID+`","outcome":"failed","error":"`, "the call still cannot be decoded")
	o.wants(stderr, "dead replay: 3 of 3 failed")
	stdout, _ = o.dead(exitDone, "drop", all[1].ID, all[1].ID, "--json")
	if want := `{"id":"` + all[1].ID + `","outcome":"dropped"}` + "\n"; stdout != want {
		t.Errorf("printed %q, want %q", stdout, want)
	}
	_, stderr = o.dead(exitFailed, "show", all[1].ID)
	o.wants(stderr, "no such dead letter")
	stdout, _ = o.dead(exitDone, "drop", "--reason", "nothing like it")
	o.wants(stdout, "no dead letter fits\n")
	stdout, _ = o.dead(exitDone, "drop", "--all")
	o.wants(stdout, "dropped "+all[0].ID+"\ndropped "+all[2].ID+"\n2 dropped\n")
	if left := o.letters(); len(left) > 0 {
		t.Errorf("left are %+v", left)
	}
	o.environ[1] = "THREADRELAY_ADMIN_TOKEN=wrong"
	_, stderr = o.dead(exitFailed, "ls")
	o.wants(stderr, "set THREADRELAY_ADMIN_TOKEN")
	o.wantNoSecret(s, r)
}

func TestKeptCallsAreDecodedByTheirConnection(t *testing.T) {
	s := newTestStage(t)
	platforms, err := newPlatforms(s.config(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{bus: bustest.Open(t), platforms: platforms}
	body := []byte(`{"trigger":"message_sent","appId":"sim-app","data":{"message":{"id":"7","category":"message","type":"text","sender":"ana",
		"receiver":"helper","receiverType":"user","sentAt":1790000000,"data":{"text":"late"}}}}`)
	if err := p.reingest(t.Context(), "cometchat", body); err != nil {
		t.Error(err)
	}
	if err := p.reingest(t.Context(), "elsewhere", body); err == nil || !strings.Contains(err.Error(), `connection "elsewhere" is not configured`) {
		t.Errorf("a connection that is not there: %v", err)
	}
	m := message.NewMessage("cometchat:sim-app:7:created", nil)
	acks, err := p.bus.Publisher().Store(t.Context(), bus.Events, m)
	if err != nil || !acks[0].Duplicate {
		t.Errorf("the event was not stored under its id: %+v, %v", acks, err)
	}
}
