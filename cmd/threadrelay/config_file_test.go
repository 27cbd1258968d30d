package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay/cometchat"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// writeRouting makes a configuration file and returns its path.
func writeRouting(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "relay.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// loadRouting loads a configuration file with an environment.
func loadRouting(t *testing.T, text string, environ ...string) (config, []string, error) {
	t.Helper()
	return loadConfig(append([]string{"THREADRELAY_CONFIG=" + writeRouting(t, text)}, environ...))
}

// wantFileFaults fails the test unless err is exactly these faults, without the path of the file, and shows nothing that is
// called hush.
func wantFileFaults(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []string
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			_, fault, _ := strings.Cut(strings.TrimSpace(line), "relay.yaml:")
			got = append(got, fault)
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("a fault shows a secret: %v", err)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("faults are\n%v\nwant %d: %q", err, len(want), want)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("fault %d is %s\nwant     %s", i+1, got[i], want[i])
		}
	}
}

func TestFileOfEverything(t *testing.T) {
	cfg, warnings, err := loadRouting(t, `
connections:
  support:
    platform: CometChat
    app_id: 12345
    region: EU
    api_key: ${CC_KEY}
    base_url: https://chat.example.org/v3
    bot_uid: helper
    webhook: {username: hook, password: "${CC_HOOK}"}
    poll: {sources: [group/Eng, ana], interval: 9s, backfill: 24h}
    deliver:
      unknown: park
      root_gone: new-root
      retry: {attempts: 3, age: 2h, min: 1s, max: 1m}
      breaker: {failures: -1, over: 3s, min: 4s, max: 5s}
      sender_limit: 30/1m
  second: {platform: cometchat, app_id: b, region: us, api_key: k, poll: {sources: [app]}}
`, "CC_KEY=key1", "CC_HOOK=pass1")
	if err != nil || len(warnings) != 0 {
		t.Fatalf("error %v, warnings %q", err, warnings)
	}
	place := cfg.Relay.Config
	want := routing{Connections: []fileConnection{
		{
			ID: "support", Place: place + ":3:3",
			Setup: cometchatSetup{
				Config: cometchat.Config{
					ID: "support", AppID: "12345", Region: "eu", APIKey: "key1", BaseURL: "https://chat.example.org/v3", BotUID: "helper",
					WebhookUsername: "hook", WebhookPassword: "pass1", Sources: []string{"group/eng", "user/ana"},
				},
				Poll: polling{sources: []string{"group/eng", "user/ana"}, interval: 9 * time.Second, backfill: 24 * time.Hour},
			},
			Deliver: delivery{
				Policy: deliver.Policy{
					Unknown: deliver.Park, RootGone: deliver.NewRoot,
					Retry:   bus.Retry{Attempts: 3, Age: 2 * time.Hour, Min: time.Second, Max: time.Minute},
					Breaker: deliver.Breaker{Failures: -1, Over: 3 * time.Second, Min: 4 * time.Second, Max: 5 * time.Second},
				},
				Limit: senderRate{N: 30, Per: time.Minute},
			},
		},
		{
			ID: "second", Place: place + ":18:3",
			Setup: cometchatSetup{
				Config: cometchat.Config{ID: "second", AppID: "b", Region: "us", APIKey: "k", Sources: []string{"app"}},
				Poll:   polling{sources: []string{"app"}, interval: 5 * time.Second},
			},
		},
	}}
	if !reflect.DeepEqual(cfg.Routing, want) {
		t.Errorf("got  %+v\nwant %+v", cfg.Routing, want)
	}
	platforms, err := newPlatforms(cfg)
	if err != nil || len(platforms) != 2 {
		t.Fatalf("%d connections, %v", len(platforms), err)
	}
	first := platforms[0]
	if first.id != "support" || !first.hooked || len(first.poll.sources) != 2 || first.deliver.Policy.Unknown != deliver.Park {
		t.Errorf("the first connection is %+v", first)
	}
}

// What is wrong with a file is told at once, in its order.
func TestFileTellsAllFaults(t *testing.T) {
	_, _, err := loadRouting(t, `connections:
  support: {platform: cometchat, app_id: "1", regoin: eu, region: moon, api_key: "${UNSET}", poll: {sources: [app, app], interval: 5}}
  ops: {platform: rocketcat}
  support: {}
  "a b":
    platform: cometchat
    deliver: {unknown: maybe, breaker: {min: 1h}}
mirrors: []
`)
	wantFileFaults(t, err,
		"2:47: connections.support.regoin: not known; did you mean region?; known: platform, app_id, region, api_key, base_url, ca, bot_uid, webhook, poll, deliver",
		`2:67: connections.support.region: "moon" is not known; known: us, eu, in`,
		"2:82: connections.support.api_key: variable UNSET is not set",
		`2:116: connections.support.poll.sources: "app" is repeated`,
		`2:132: connections.support.poll.interval: "5" is not a duration; want one such as 5s`,
		`3:19: connections.ops.platform: "rocketcat" is not known; known: cometchat, rocketchat`,
		"4:3: connections.support: is repeated; it stands at line 2 before",
		`5:3: connections."a b": is no name of a connection; want 1 to 64 letters, digits, _ or -`,
		`6:5: connections."a b".app_id: is missing`,
		`6:5: connections."a b".api_key: is missing`,
		`6:5: connections."a b".region: is missing; it is us, eu or in`,
		`7:24: connections."a b".deliver.unknown: "maybe" is not known; known: resend, park`,
		`7:46: connections."a b".deliver.breaker.min: 1h0m0s is more than max, which is 30s if it is not set`,
		"8:1: mirrors: not known; known: connections",
	)
}

func TestFileSections(t *testing.T) {
	for _, name := range []string{"bots", "mirrors", "alerts"} {
		_, _, err := loadRouting(t, "connections:\n"+name+": {x: y}\n")
		wantFileFaults(t, err, "2:1: "+name+": not known; known: connections")
	}
	_, _, err := loadRouting(t, "conections:\n")
	wantFileFaults(t, err, "1:1: conections: not known; did you mean connections?; known: connections")
	for _, empty := range []string{"", "# nothing\n", "---\n", "{}\n", "connections:\n", "connections: {}\n"} {
		_, warnings, err := loadRouting(t, empty)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "nothing is connected") {
			t.Errorf("file %q: error %v, warnings %q", empty, err, warnings)
		}
	}
}

// The file itself can be wrong, too.
func TestFileThatCannotBeRead(t *testing.T) {
	folder, large := t.TempDir(), writeRouting(t, "# "+strings.Repeat("x", maxConfigFile))
	tests := []struct{ name, path, want string }{
		{"missing", filepath.Join(folder, "none.yaml"), `THREADRELAY_CONFIG: cannot read "` + filepath.Join(folder, "none.yaml") + `": no such file`},
		{"a folder", folder, `THREADRELAY_CONFIG: cannot read "` + folder + `"`},
		{"too large", large, `THREADRELAY_CONFIG: file "` + large + `" is larger than 1048576 bytes`},
		{"contents", "connections:\n  hush: {}", "THREADRELAY_CONFIG: holds the contents of a file; set THREADRELAY_CONFIG itself to the path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadConfig([]string{"THREADRELAY_CONFIG=" + tt.path})
			onlyFault(t, err, tt.want)
		})
	}
}

// A file that is no configuration must not fill the terminal.
func TestFileWithVeryManyFaults(t *testing.T) {
	_, _, err := loadRouting(t, strings.Repeat("- &a b\n", 500))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxFileFaults+1 || !strings.HasSuffix(lines[maxFileFaults], "relay.yaml: 400 more faults") {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

// Faults of the environment and of the file are told together.
func TestFileBesideTheEnvironment(t *testing.T) {
	_, _, err := loadRouting(t, "connections: {cometchat: {platform: cometchat, app_id: b, region: eu, api_key: k}}\n", comet("LOG_LEVEL=loud")...)
	if err == nil || !strings.HasPrefix(err.Error(), `LOG_LEVEL: "loud" is not known`) ||
		!strings.HasSuffix(err.Error(), "relay.yaml:1:15: connections.cometchat: is the name of the connection that COMETCHAT_APP_ID makes; choose another") {
		t.Errorf("faults are\n%v", err)
	}
	_, _, err = loadRouting(t, "connections: {second: {platform: cometchat, app_id: APP1, region: eu, api_key: k}}\n", comet()...)
	wantFileFaults(t, err, "1:53: connections.second.app_id: is the app of connection cometchat, too; one app can have one connection")
	cfg, _, err := loadRouting(t, "connections: {second: {platform: cometchat, app_id: b, region: eu, api_key: k}}\n", comet()...)
	if err != nil {
		t.Fatal(err)
	}
	platforms, err := newPlatforms(cfg)
	if err != nil || len(platforms) != 2 || platforms[0].id != "cometchat" || platforms[1].id != "second" {
		t.Errorf("connections are %+v, %v", platforms, err)
	}
}
