package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// What the hook answered 200 to is answered, though the process is killed at any moment and started again on its folder.
func TestKilledProcessAnswersAllThatItAccepted(t *testing.T) {
	const threads, each = 20, 10
	binary := buildBinary(t)
	s := newTestStage(t)
	dir := t.TempDir()
	r := serveBinary(t, binary, s.environment(dir))
	s.hook(r)
	var lines sync.Map
	roots := make([]sim.Message, threads)
	for i := range roots {
		roots[i] = s.say(sim.Say{From: "ana", ToUser: demoBot, Text: fmt.Sprint("root ", i)})
		lines.Store(roots[i].ID, []string{fmt.Sprint("root ", i)})
	}
	for n := range each {
		for i, root := range roots {
			m := s.say(sim.Say{From: "ana", Parent: root.ID, Text: fmt.Sprintf("line %d of %d", n, i)})
			was, _ := lines.Load(root.ID)
			lines.Store(root.ID, append(was.([]string), m.Text))
		}
	}
	s.chat.Inject(sim.Fault{Path: "/messages/*/thread", Delay: 20 * time.Millisecond}) // so that the relay falls behind
	s.accepted(threads * 5)                                                            // the kill comes while the rest is on its way
	r.kill()
	s.chat.ClearFaults()
	answeredBefore := s.answered()

	again := serveBinary(t, binary, s.environment(dir))
	for id := range s.taken() {
		texts, _ := lines.Load(s.rootOf(id))
		s.await(s.rootOf(id), texts.([]string)[s.place(id)])
	}
	t.Logf("accepted %d of %d messages before the kill, %d of them answered by then", len(s.taken()), threads*(each+1), answeredBefore)
	if code := again.drain(); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, again.err)
	}
	s.wantOrder(roots)
}

// accepted waits until the hook has answered 200 to n messages.
func (s *testStage) accepted(n int) {
	s.t.Helper()
	err := s.chat.AwaitDeliveries(bustest.Context(s.t), func(all []sim.Delivery) bool { return len(stored(all)) >= n })
	if err != nil {
		s.t.Fatalf("%d messages were not accepted: %v", n, err)
	}
}

// taken is the ids of the messages that the hook answered 200 to, less the bot's own.
func (s *testStage) taken() map[string]bool {
	ids := stored(s.chat.Deliveries())
	for _, m := range s.chat.Messages() {
		if m.Sender == demoBot {
			delete(ids, m.ID)
		}
	}
	return ids
}

func stored(all []sim.Delivery) map[string]bool {
	ids := make(map[string]bool)
	for _, d := range all {
		if d.Status == 200 && d.Trigger == "message_sent" {
			ids[d.MessageID] = true
		}
	}
	return ids
}

func (s *testStage) answered() int {
	n := 0
	for _, m := range s.chat.Messages() {
		if m.Sender == demoBot {
			n++
		}
	}
	return n
}

func (s *testStage) rootOf(id string) string {
	for _, m := range s.chat.Messages() {
		if m.ID == id && m.ParentID != "" {
			return m.ParentID
		}
	}
	return id
}

// place is how many of ana's messages stand before id in its thread.
func (s *testStage) place(id string) int {
	if s.rootOf(id) == id {
		return 0
	}
	n := 1
	for _, m := range s.chat.Thread(s.rootOf(id)) {
		if m.ID == id {
			return n
		}
		if m.Sender == "ana" {
			n++
		}
	}
	return n
}

// wantOrder checks that each thread was answered in the order in which it was spoken, save for answers that came again.
func (s *testStage) wantOrder(roots []sim.Message) {
	s.t.Helper()
	number := regexp.MustCompile(`line (\d+)`)
	for _, root := range roots {
		newest := -1
		seen := map[string]bool{}
		for _, text := range (&script{chat: s.chat}).answers(s.chat.Messages(), root.ID) {
			m := number.FindStringSubmatch(text)
			if m == nil || seen[text] {
				continue
			}
			seen[text] = true
			var n int
			if _, err := fmt.Sscan(m[1], &n); err != nil || n < newest {
				s.t.Errorf("thread %s: %q was answered after line %d", root.ID, text, newest)
			}
			newest = n
		}
	}
}

// SIGTERM under load: every message that was accepted is answered, by this process or by the next, and no call is cut off.
func TestStoppedProcessLosesNothing(t *testing.T) {
	binary := buildBinary(t)
	s := newTestStage(t)
	dir := t.TempDir()
	r := serveBinary(t, binary, s.environment(dir))
	s.hook(r)
	for i := range 60 {
		s.say(sim.Say{From: "ana", ToUser: demoBot, Text: fmt.Sprint("message ", i)})
	}
	s.accepted(20)
	if code := r.drain(); code != exitDone {
		t.Fatalf("exit code %d:\n%s", code, r.err)
	}
	for _, q := range s.chat.Requests() {
		if q.Status != 200 {
			t.Errorf("a call was cut off: %+v", q)
		}
	}
	taken := s.taken()
	serveBinary(t, binary, s.environment(dir))
	answers := map[string]int{}
	err := s.chat.Await(bustest.Context(t), func(all []sim.Message) bool {
		clear(answers)
		for _, m := range all {
			if m.Sender == demoBot {
				answers[m.ParentID]++
			}
		}
		return len(answers) >= len(taken)
	})
	if err != nil {
		t.Fatalf("%d of %d accepted messages were answered: %v", len(answers), len(taken), err)
	}
	for id, n := range answers {
		if n != 1 {
			t.Errorf("message %s was answered %d times", id, n)
		}
	}
}

func TestBinary(t *testing.T) {
	binary := buildBinary(t)
	cases := []struct {
		args string
		code int
		want string
	}{
		{"version", exitDone, "threadrelay 1.2.3\ncommit abc1234\n" + runtime.Version()},
		{"--help", exitDone, "serve"},
		{"serve --help", exitDone, "COMETCHAT_BOT_UID"},
		{"demo --help", exitDone, "-once"},
		{"check --help", exitDone, "-json"},
		{"version --help", exitDone, "Usage: threadrelay version"},
		{"", exitUsage, "a command is missing"},
		{"dance", exitUsage, `unknown command "dance"`},
		{"serve now", exitUsage, `unexpected argument "now"`},
		{"demo --twice", exitUsage, "flag provided but not defined: -twice"},
		{"demo --listen nowhere", exitFailed, "--listen"},
		{"demo --once", exitDone, "Every answer came"},
	}
	for _, c := range cases {
		t.Run(c.args, func(t *testing.T) {
			cmd := exec.Command(binary, strings.Fields(c.args)...)
			cmd.Env = []string{"HOME=" + t.TempDir()}
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != c.code {
				t.Errorf("ended with %v, want exit code %d", err, c.code)
			}
			if !strings.Contains(string(out), c.want) {
				t.Errorf("no %q in\n%s", c.want, out)
			}
		})
	}
}
