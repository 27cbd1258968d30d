package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/console"
)

func TestDeadTable(t *testing.T) {
	at := time.Date(2026, 11, 1, 13, 30, 0, 0, time.FixedZone("", 3600))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, l := range []console.Letter{
			{ID: "9", Stored: at, Stage: "ingest", Consumer: "support", Connection: "support", Attempts: 1, Reason: "short"},
			{ID: "10", Stored: at, Stage: "actions", Consumer: "deliver", Attempts: 20, Reason: "äöü\x1b[2J " + strings.Repeat("long ", 99)},
		} {
			if err := writeJSONLine(w, l); err != nil {
				t.Error(err)
			}
		}
	}))
	t.Cleanup(srv.Close)
	_, stdout, _ := invoke(t, []string{"COLUMNS=110"}, "dead", "ls", "--admin", srv.URL)
	want := `ID      STORED                STAGE    CONSUMER          CONNECTION    ATTEMPTS  REASON
9       2026-11-01T12:30:00Z  ingest   support           support              1  short
10      2026-11-01T12:30:00Z  actions  deliver           -                   20  äöü\x1b[2J long long long lo…
2 dead letters
`
	if stdout != want {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
}

func TestColumns(t *testing.T) {
	for value, want := range map[string]int{"COLUMNS=80": 80, "COLUMNS=": 120, "COLUMNS=x": 120, "COLUMNS=-1": 120, "COLUMNS=0": 120, "X=1": 120} {
		if got := columns([]string{value}); got != want {
			t.Errorf("%s: %d, want %d", value, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain äö 漢字 👋": "plain äö 漢字 👋", "a\nb\tc": "a\nb\tc", "\x1b]0;title\a": `\x1b]0;title\a`, "\u009b2J": `\u009b2J`,
		"\u202etxt.exe": `\u202etxt.exe`, "\xff": "\uFFFD", "\x7f": `\x7f`, "a\rb": `a\rb`,
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShowPayload(t *testing.T) {
	for in, want := range map[string]string{
		"": "Payload, 0 bytes\n", `{"a":[1]}`: "{\n  \"a\": [\n    1\n  ]\n}\n", "plain\x1b": "plain\\x1b\n", "\xff\x00": "00000000  ff 00",
	} {
		var out bytes.Buffer
		showPayload(&out, []byte(in))
		if !strings.Contains(out.String(), want) {
			t.Errorf("payload %q is shown as %q, want %q", in, out.String(), want)
		}
	}
}
