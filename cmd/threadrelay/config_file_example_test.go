package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/relay/deliver"
)

// exampleEnvironment has a value for each variable that a configuration file names outside of its comments.
func exampleEnvironment(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, match := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(line, -1) {
			out = append(out, match[1]+"=made-up-"+strings.ToLower(match[1]))
		}
	}
	return out
}

// The example beside the deployment files has to load as it stands, to name every key, and to say the truth about the defaults.
func TestConfigFileExample(t *testing.T) {
	path := filepath.Join(moduleRoot(t), "deploy", "threadrelay.yaml")
	text, err := os.ReadFile(path) //nolint:gosec // a file of the repository
	if err != nil {
		t.Fatal(err)
	}
	environ := append(exampleEnvironment(string(text)), "THREADRELAY_CONFIG="+path, "THREADRELAY_BOTS=echo")
	cfg, warnings, err := loadConfig(environ)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("deploy/threadrelay.yaml does not load: %v; warnings %q", err, warnings)
	}
	platforms, err := newPlatforms(cfg)
	if err != nil || len(platforms) != 3 {
		t.Errorf("%d connections, %v", len(platforms), err)
	}
	if got := cfg.Routing.Connections[0].Setup.(cometchatSetup).Config.APIKey; got != "made-up-support_api_key" {
		t.Errorf("the key of the first connection is %q", got)
	}
	want := delivery{Policy: deliver.Policy{
		Unknown: deliver.Resend, RootGone: deliver.Dead,
		Retry:   bus.Retry{Attempts: 20, Age: 24 * time.Hour, Min: defaultRetryMin, Max: defaultRetryMax},
		Breaker: deliver.Breaker{Failures: 10, Over: 2 * time.Second, Min: defaultBreakerMin, Max: defaultBreakerMax},
	}}
	got := cfg.Routing.Connections[1].Deliver
	if got.Limit != want.Limit || got.Policy.Retry != want.Policy.Retry || got.Policy.Breaker != want.Policy.Breaker ||
		got.Policy.Unknown != want.Policy.Unknown || got.Policy.RootGone != want.Policy.RootGone {
		t.Errorf("the example says that the defaults are %+v, want %+v", got, want)
	}
	for _, name := range knownKeys(t) {
		if !regexp.MustCompile(`\b` + name + `\b`).Match(text) {
			t.Errorf("deploy/threadrelay.yaml does not name %s", name)
		}
	}
}

// knownKeys are the keys of connections, as the faults of unknown ones name them.
func knownKeys(t *testing.T) []string {
	t.Helper()
	const unknown = ", ?: 1, webhook: {?: 1, username: u, password: p}, poll: {?: 1, sources: [app]}, deliver: {?: 1, retry: {?: 1}, breaker: {?: 1}}}}"
	_, _, err := loadRouting(t, whole+strings.ReplaceAll(unknown, "?", "unheard"))
	if err == nil {
		t.Fatal("an unknown key was taken")
	}
	const other = "connections: {b: {platform: rocketchat, ?: 1, webhook: {?: 1}, poll: {?: 1}}}"
	if _, _, rocket := loadRouting(t, strings.ReplaceAll(other, "?", "unheard")); rocket != nil {
		err = errors.Join(err, rocket)
	}
	var out []string
	for _, match := range regexp.MustCompile(`(?m); known: (.*)$`).FindAllStringSubmatch(err.Error(), -1) {
		out = append(out, strings.Split(match[1], ", ")...)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) < 20 {
		t.Fatalf("the faults name the keys %q alone: %v", out, err)
	}
	return out
}

// The README has a row for each key.
func TestReadmeHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(moduleRoot(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Configuration file\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, name := range knownKeys(t) {
		if !regexp.MustCompile("`[a-z.]*\\b" + name + "\\b[a-z._]*`").MatchString(section) {
			t.Errorf("the README does not explain %s", name)
		}
	}
}
