package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// output collects what a process writes and wakes those who wait for a line of it.
type output struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{}
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// line waits for a line that holds text, or fails the test if ended is closed first.
func (o *output) line(t *testing.T, text string, ended <-chan struct{}) string {
	t.Helper()
	timeout := time.After(bustest.Patience)
	for {
		o.mu.Lock()
		all, changed := o.buf.String(), o.changed
		o.mu.Unlock()
		for l := range strings.Lines(all) {
			if strings.HasSuffix(l, "\n") && strings.Contains(l, text) {
				return l
			}
		}
		select {
		case <-changed:
		case <-ended:
			if !strings.Contains(o.String(), text) {
				t.Fatalf("the process ended without %q:\n%s", text, o)
			}
		case <-timeout:
			t.Fatalf("no line with %q in\n%s", text, o)
		}
	}
}

// relayProcess is a running `threadrelay serve`.
type relayProcess struct {
	t      *testing.T
	err    *output
	ended  chan struct{} // closed when the process is gone
	code   int           // readable then
	stop   func()        // asks it to drain
	kill   func()        // kills it at once; nil for one inside the test
	public string
	admin  string
}

// environment is that of a relay on the stage, with its data in dir.
func (s *testStage) environment(dir string, more ...string) []string {
	return append([]string{
		"THREADRELAY_LISTEN=127.0.0.1:0", "THREADRELAY_ADMIN_LISTEN=127.0.0.1:0", "THREADRELAY_DATA_DIR=" + dir,
		"THREADRELAY_BOTS=echo", "LOG_FORMAT=json", "LOG_LEVEL=debug",
		"COMETCHAT_APP_ID=sim-app", "COMETCHAT_API_KEY=" + s.key, "COMETCHAT_BASE_URL=" + s.url() + "/v3", "COMETCHAT_BOT_UID=" + demoBot,
		"COMETCHAT_WEBHOOK_USERNAME=" + demoHook, "COMETCHAT_WEBHOOK_PASSWORD=" + hookPassword,
	}, more...)
}

// hookPassword is what the tests' webhooks carry.
const hookPassword = "hook0pass0word"

// testStage is the demo's stage, served for a test.
type testStage struct {
	*stage
	t *testing.T
}

func newTestStage(t *testing.T, options ...func(*sim.CometChatConfig)) *testStage {
	t.Helper()
	s, err := newStage("127.0.0.1:0", options...)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: s.handler(), ReadHeaderTimeout: time.Second}
	served := make(chan struct{})
	go func() {
		_ = srv.Serve(s.listener)
		close(served)
	}()
	t.Cleanup(func() {
		_ = s.close()
		_ = srv.Close()
		<-served
	})
	return &testStage{s, t}
}

// hook has the platform call the relay's hook, instead of any that was connected before.
func (s *testStage) hook(r *relayProcess) { s.hookAt(r, "cometchat") }

// hookAt has the platform call the hook of a connection.
func (s *testStage) hookAt(r *relayProcess, connection string) {
	s.t.Helper()
	s.chat.RemoveWebhook("relay")
	err := s.chat.AddWebhook(sim.Webhook{
		ID: "relay", URL: "http://" + r.public + "/hooks/" + connection, Username: demoHook, Password: hookPassword, RetryOnFailure: true,
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// say lets somebody speak.
func (s *testStage) say(m sim.Say) sim.Message {
	s.t.Helper()
	out, err := s.chat.Say(m)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// await waits until every one of the texts has been said back in its thread.
func (s *testStage) await(root string, texts ...string) {
	s.t.Helper()
	script := &script{chat: s.chat}
	err := s.chat.Await(bustest.Context(s.t), func(all []sim.Message) bool {
		answers := strings.Join(script.answers(all, root), "\n") + "\n"
		for _, text := range texts {
			if !strings.Contains(answers, "You said: "+text+"\n") {
				return false
			}
		}
		return true
	})
	if err != nil {
		s.t.Fatalf("thread %s: %v; it holds %v", root, err, s.chat.Thread(root))
	}
}

// serveInside runs the serve command inside the test.
func serveInside(t *testing.T, environ []string) *relayProcess {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &relayProcess{t: t, err: newOutput(), ended: make(chan struct{}), stop: stop}
	go func() {
		defer close(r.ended)
		r.code = run(ctx, invocation{args: []string{"serve"}, environ: environ, stdout: io.Discard, stderr: r.err})
	}()
	t.Cleanup(func() { r.drain() })
	r.awaitReady()
	return r
}

// serveBinary runs the real program in a process of its own.
func serveBinary(t *testing.T, binary string, environ []string) *relayProcess {
	t.Helper()
	r := launchBinary(t, binary, environ)
	r.awaitReady()
	return r
}

// launchBinary is serveBinary that does not wait until the program can be reached.
func launchBinary(t *testing.T, binary string, environ []string) *relayProcess {
	t.Helper()
	cmd := exec.Command(binary, "serve")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, environ...)
	r := &relayProcess{t: t, err: newOutput(), ended: make(chan struct{})}
	cmd.Stderr = r.err
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.stop = func() { _ = cmd.Process.Signal(os.Interrupt) }
	r.kill = func() { _ = cmd.Process.Kill(); <-r.ended }
	go func() {
		defer close(r.ended)
		_ = cmd.Wait()
		r.code = cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-r.ended })
	return r
}

// awaitReady waits for the line that says where the process can be reached.
func (r *relayProcess) awaitReady() {
	r.t.Helper()
	var line struct{ Listen, Admin string }
	if err := json.Unmarshal([]byte(r.err.line(r.t, `"msg":"ready"`, r.ended)), &line); err != nil {
		r.t.Fatal(err)
	}
	r.public, r.admin = line.Listen, line.Admin
}

// drain stops the process as SIGTERM does, and returns its exit code.
func (r *relayProcess) drain() int {
	r.t.Helper()
	r.stop()
	select {
	case <-r.ended:
		return r.code
	case <-time.After(bustest.Patience):
		r.t.Fatalf("the process does not end:\n%s", r.err)
		return -1
	}
}

// awaitMetric waits until a line stands in the metrics: an answer is seen on the platform before its call is counted.
func (r *relayProcess) awaitMetric(line string) {
	r.t.Helper()
	var body string
	for deadline := time.Now().Add(bustest.Patience); time.Now().Before(deadline); {
		if _, body = r.get("/metrics"); strings.Contains(body, line+"\n") {
			return
		}
	}
	r.t.Fatalf("no %s in\n%s", line, body)
}

// get reads a page of the admin listener.
func (r *relayProcess) get(path string) (status int, body string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.admin+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, string(all)
}

// buildBinary builds the program as a release is built, with the race detector if the test runs under it.
func buildBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "threadrelay")
	out, err := exec.Command("go", "build", "-ldflags", "-X main.version=1.2.3 -X main.commit=abc1234", "-o", path, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}
