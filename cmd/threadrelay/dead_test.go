package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus"
)

// invoke runs the program and returns its exit code and what it printed.

func invoke(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), invocation{args: args, environ: environ, stdout: &out, stderr: &err})
	return code, out.String(), err.String()
}

func TestDeadRefusesWrongUsage(t *testing.T) {
	cases := []struct {
		args []string
		want string
	}{
		{nil, "ls, show, replay or drop is missing"},
		{[]string{"list"}, `"list" is none of`},
		{[]string{"--json"}, `"--json" is none of`},
		{[]string{"ls", "12"}, `unexpected argument "12"`},
		{[]string{"ls", "--all"}, "-all"},
		{[]string{"ls", "--reason", ""}, "--reason is empty"},
		{[]string{"show"}, "one id is needed"},
		{[]string{"show", "1", "2"}, "one id is needed"},
		{[]string{"show", "abc"}, `"abc": not the id`},
		{[]string{"show", "1", "--reason", "x"}, "-reason"},
		{[]string{"replay"}, "--all for every one"},
		{[]string{"drop", "--json"}, "--all for every one"},
		{[]string{"drop", "--all=false"}, "--all for every one"},
		{[]string{"drop", "--connection=", "--stage", ""}, "--connection, --stage is empty"},
		{[]string{"replay", "1", "--all"}, "not both"},
		{[]string{"drop", "--reason", "x", "1"}, "not both"},
		{[]string{"drop", "1", "0", "2"}, `"0": not the id`},
		{[]string{"replay", "1", "--json", "2x"}, `"2x": not the id`},
		{[]string{"replay", "--nonsense"}, "-nonsense"},
		{[]string{"ls", "--admin", "nowhere"}, `--admin: "nowhere" is not host:port`},
		{[]string{"ls", "--admin", "127.0.0.1:0"}, "--admin: port 0"},
		{[]string{"ls", "--admin", "ftp://127.0.0.1:1"}, "--admin: the address has neither the scheme"},
		{[]string{"ls", "--admin", "http://me:swordfish@127.0.0.1:1"}, "--admin: the address carries credentials"},
	}
	for _, c := range cases {
		code, stdout, stderr := invoke(t, nil, append([]string{"dead"}, c.args...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "swordfish") {
			t.Errorf("dead %q: exit code %d, printed %q, %q; want %q", c.args, code, stdout, stderr, c.want)
		}
	}
}

func TestParseDead(t *testing.T) {
	got, err := parseDead([]string{"replay", "3", "--json", "1", "--admin", "a:1", "2"})
	if err != nil {
		t.Fatal(err)
	}
	if got.verb != "replay" || strings.Join(got.ids, " ") != "3 1 2" || !got.json || got.admin != "a:1" {
		t.Errorf("parsed %+v", got)
	}
	got, err = parseDead([]string{"drop", "--connection", "c", "--stage", "s", "--consumer", "d", "--reason", "r s"})
	if err != nil {
		t.Fatal(err)
	}
	if want := (bus.DeadFilter{Connection: "c", Stage: "s", Consumer: "d", Reason: "r s"}); got.filter != want || !got.chosen || got.all {
		t.Errorf("parsed %+v", got)
	}
}

func TestDeadHelp(t *testing.T) {
	for _, args := range [][]string{{"dead", "--help"}, {"dead", "ls", "-h"}, {"dead", "drop", "1", "--help"}} {
		code, stdout, stderr := invoke(t, nil, args...)
		if code != exitDone || stderr != "" {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
		for _, want := range []string{"Usage: threadrelay dead ls", "-all", "-reason", "-connection", "-json", "-admin", "Exit codes: 0"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("%q: no %q in\n%s", args, want, stdout)
			}
		}
	}
}

// What answers may be no threadrelay, or may break off.
