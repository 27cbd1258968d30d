package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// runCheck runs the check command of the real program.
func runCheck(t *testing.T, binary string, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"check"}, args...)...)
	cmd.Env = environ
	var out, err strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); e != nil && !errors.As(e, &exit) {
		t.Fatal(e)
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

// Each thing that can be wrong at CometChat has a sentence of its own, which says what to do.
func TestCheckAgainstThePlatform(t *testing.T) {
	const weakKey = "authonly0authonly0authonly0"
	s := newTestStage(t, func(cfg *sim.CometChatConfig) { cfg.AuthKey = weakKey })
	if err := s.chat.AddGroup(sim.Group{GUID: "private", Members: []string{"ana"}}); err != nil {
		t.Fatal(err)
	}
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
		s.chat.API().ServeHTTP(w, r)
	}))
	defer late.Close()
	binary := buildBinary(t)
	tests := []struct {
		name   string
		more   []string
		fault  *sim.Fault
		code   int
		want   []string // of the table
		stderr string
	}{
		{"all is well", []string{"COMETCHAT_POLL=ana,group/engineering"}, nil, exitDone, []string{
			"-           configuration             ok     -", "cometchat   api key                   ok     accepted",
			"cometchat   bot uid                   ok     helper", "cometchat   source group/engineering  ok     -",
		}, ""},
		{"worth a thought", []string{"COMETCHAT_POLL=app,ana"}, nil, exitDone,
			[]string{"configuration    warning  COMETCHAT_POLL names app, which is all messages"}, ""},
		{"wrong key", []string{"COMETCHAT_API_KEY=0123456789abcdef0123"}, nil, exitFailed,
			[]string{`api key        fault  The API key is not one of app "sim-app": copy it from`}, "check: 1 fault\n"},
		{"key without the scope", []string{"COMETCHAT_API_KEY=" + weakKey}, nil, exitFailed,
			[]string{"api key        fault  The API key lacks the scope: take a REST API key"}, "check: 1 fault\n"},
		{"wrong app id", nil, &sim.Fault{Status: 400, Code: "AUTH_ERR_INVALID_APPID"}, exitFailed,
			[]string{`app id         fault  There is no app "sim-app" at http://`}, "check: 1 fault\n"},
		{"wrong host", []string{"COMETCHAT_BASE_URL=http://" + unusedAddress(t) + "/v3"}, nil, exitFailed,
			[]string{"base url       fault  The host 127.0.0.1:", "cannot be reached"}, "check: 1 fault\n"},
		{"wrong path", []string{"COMETCHAT_BASE_URL=" + s.url() + "/v4"}, nil, exitFailed, []string{"base url       fault  "}, "check: 1 fault\n"},
		{"no such bot", []string{"COMETCHAT_BOT_UID=nobody"}, nil, exitFailed,
			[]string{`bot uid        fault  There is no user "nobody" in app "sim-app", or it was deactivated: create it`}, "check: 1 fault\n"},
		{"no such sources", []string{"COMETCHAT_POLL=group/none,nobody,thread/999"}, nil, exitFailed, []string{
			`source group/none   fault  There is no group "none" in app "sim-app"`, `source user/nobody  fault  There is no user "nobody" in app "sim-app"`,
			`source thread/999   fault  There is no message 999`,
		}, "check: 3 faults\n"},
		{"bot outside of a group", []string{"COMETCHAT_POLL=group/private"}, nil, exitFailed,
			[]string{`source group/private  fault  The bot "helper" is no member of the group "private": add it`}, "check: 1 fault\n"},
		{"clock", []string{"COMETCHAT_BASE_URL=" + late.URL + "/v3"}, nil, exitFailed,
			[]string{"clock          fault  This machine's clock is 10m", "ahead of CometChat's: set it"}, "check: 1 fault\n"},
		{"bad configuration", []string{"COMETCHAT_POLL=room/x"}, nil, exitUsage, nil, `COMETCHAT_POLL: source "room/x": want app`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fault != nil {
				s.chat.Inject(*tt.fault)
				defer s.chat.ClearFaults()
			}
			environ := s.environment(t.TempDir(), tt.more...)
			code, stdout, stderr := runCheck(t, binary, environ)
			if code != tt.code || !strings.Contains(stderr, tt.stderr) || tt.stderr == "" && stderr != "" {
				t.Errorf("exit code %d, want %d; stderr %q, want %q", code, tt.code, stderr, tt.stderr)
			}
			for _, want := range tt.want {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %q in\n%s", want, stdout)
				}
			}
			wantAligned(t, stdout)
			for _, secret := range []string{s.key, weakKey, hookPassword, "0123456789abcdef0123"} {
				if strings.Contains(stdout+stderr, secret) {
					t.Errorf("a secret is printed:\n%s%s", stdout, stderr)
				}
			}
		})
	}
}

// wantAligned fails the test unless each line of a table has its columns where the head has them.
func wantAligned(t *testing.T, table string) {
	t.Helper()
	head, rows, _ := strings.Cut(table, "\n")
	for row := range strings.Lines(rows) {
		for _, column := range []string{"SUBJECT", "STATE", "FINDING"} {
			at := strings.Index(head, column)
			if at < 0 || len(row) <= at || row[at-1] != ' ' || row[at] == ' ' {
				t.Errorf("%s is not aligned in\n%s", column, table)
				return
			}
		}
	}
}

func TestCheckInJSON(t *testing.T) {
	s := newTestStage(t)
	code, stdout, _ := invoke(t, s.environment(t.TempDir(), "COMETCHAT_BOT_UID=nobody"), "check", "--json")
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	states := map[string]string{}
	for line := range strings.Lines(stdout) {
		var c checked
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		states[string(c.Connection)+" "+c.Subject] = c.State
		if c.State == stateFault && !strings.Contains(c.Text, `There is no user "nobody"`) {
			t.Errorf("the fault says %q", c.Text)
		}
	}
	for subject, want := range map[string]string{
		" configuration": stateFine, "cometchat base url": stateFine, "cometchat api key": stateFine, "cometchat bot uid": stateFault, "cometchat clock": stateFine,
	} {
		if states[subject] != want {
			t.Errorf("%q is %q, want %q, in\n%s", subject, states[subject], want, stdout)
		}
	}
}

// A check that had nothing to ask must not look like one that found nothing.
func TestCheckOfNothing(t *testing.T) {
	code, stdout, stderr := invoke(t, nil, "check")
	if code != exitFailed || !strings.Contains(stdout, "warning  no connection is configured") || !strings.Contains(stderr, "no platform to ask") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if code, _, stderr := invoke(t, []string{"NATS_URL=nats://n", "THREADRELAY_ROLES=bots"}, "check"); code != exitDone {
		t.Errorf("of a process that runs bots alone: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := invoke(t, nil, "check", "all"); code != exitUsage || !strings.Contains(stderr, `unexpected argument "all"`) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestCell(t *testing.T) {
	if got := cell("two\nlines\t\x1b[31mred"); got != `two lines \x1b[31mred` {
		t.Errorf("got %q", got)
	}
}
