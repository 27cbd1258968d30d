package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// contract is the list of names that users type, with their defaults; a secret has an exclamation mark. It repeats the
// struct tags on purpose: a name or default that changes breaks somebody's deployment.
func contract() []string {
	return []string{
		"THREADRELAY_LISTEN=:8080", "THREADRELAY_ADMIN_LISTEN=127.0.0.1:9090", "THREADRELAY_ADMIN_TOKEN=!",
		"THREADRELAY_ROLES=ingest,deliver,bots", "THREADRELAY_CONFIG=", "THREADRELAY_BOTS=", "THREADRELAY_DATA_DIR=./data",
		"THREADRELAY_FSYNC=interval", "THREADRELAY_DEDUP_WINDOW=10m", "THREADRELAY_RETENTION=168h", "THREADRELAY_MAX_STORE=0",
		"NATS_URL=", "NATS_CREDS=", "NATS_USER=", "NATS_PASSWORD=!", "NATS_CA=", "NATS_CERT=", "NATS_KEY=", "NATS_REPLICAS=1",
		"LOG_LEVEL=info", "LOG_FORMAT=",
		"COMETCHAT_APP_ID=", "COMETCHAT_REGION=", "COMETCHAT_API_KEY=!", "COMETCHAT_BASE_URL=", "COMETCHAT_CA=", "COMETCHAT_BOT_UID=",
		"COMETCHAT_WEBHOOK_USERNAME=", "COMETCHAT_WEBHOOK_PASSWORD=!",
		"COMETCHAT_POLL=off", "COMETCHAT_POLL_INTERVAL=5s", "COMETCHAT_SENDER_LIMIT=learn", "COMETCHAT_POLL_BACKFILL=0",
		"ROCKETCHAT_URL=", "ROCKETCHAT_CA=", "ROCKETCHAT_USER_ID=", "ROCKETCHAT_AUTH_TOKEN=!", "ROCKETCHAT_WEBHOOK_TOKEN=!", "ROCKETCHAT_ROOMS=",
		"ROCKETCHAT_REALTIME=false", "ROCKETCHAT_POLL_INTERVAL=10s", "ROCKETCHAT_POLL_BACKFILL=0",
	}
}

func TestVariablesKeepTheContract(t *testing.T) {
	var got []string
	for _, v := range variables() {
		line := v.Name + "=" + v.Default
		if v.Secret {
			line += "!"
		}
		got = append(got, line)
		if v.Help == "" || v.Allowed == "" {
			t.Errorf("%s: help %q, allowed %q; both are needed", v.Name, v.Help, v.Allowed)
		}
		if v.Default != "" && v.Unset != "" {
			t.Errorf("%s has both a default and a meaning of its absence", v.Name)
		}
	}
	if want := contract(); !slices.Equal(got, want) {
		t.Errorf("variables are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// writeValue makes a file with the text and returns its path.
func writeValue(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestValuesFromFiles(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "hush", "hush"},
		{"newline", "hush\n", "hush"},
		{"DOS newline", "hush\r\n", "hush"},
		{"only one newline", "hush\n\n", "hush\n"},
		{"white space is part of a secret", " hush \n", " hush "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, _, err := loadConfig([]string{"THREADRELAY_ADMIN_TOKEN_FILE= " + writeValue(t, tt.text) + " "})
			if err != nil {
				t.Fatalf("loadConfig: %v", err)
			}
			if got := cfg.Relay.AdminToken.Reveal(); got != tt.want {
				t.Errorf("token = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEveryVariableHasAFile(t *testing.T) {
	for _, v := range variables() {
		found := newFaults(variables())
		values := resolve(map[string]string{v.Name + "_FILE": writeValue(t, " x\n")}, found)
		want := "x"
		if v.Secret {
			want = " x"
		}
		if err := found.err(); err != nil || len(values) != 1 || values[v.Name] != want {
			t.Errorf("%s_FILE gives %q and %v, want %q", v.Name, values, err, want)
		}
	}
}

func TestFileFaults(t *testing.T) {
	folder, missing := t.TempDir(), filepath.Join(t.TempDir(), "missing")
	full, empty, large := writeValue(t, "hush"), writeValue(t, " \n"), writeValue(t, strings.Repeat("hush", maxValueFile))
	tests := []struct {
		name    string
		environ []string
		want    string
	}{
		{"both", []string{"THREADRELAY_ADMIN_TOKEN=hush", "THREADRELAY_ADMIN_TOKEN_FILE=" + full}, "THREADRELAY_ADMIN_TOKEN: is set and so is THREADRELAY_ADMIN_TOKEN_FILE"},
		{"empty beside a file", []string{"THREADRELAY_ADMIN_TOKEN= ", "THREADRELAY_ADMIN_TOKEN_FILE=" + full}, ""},
		{"missing", []string{"COMETCHAT_API_KEY_FILE=" + missing}, `COMETCHAT_API_KEY: COMETCHAT_API_KEY_FILE: cannot read "` + missing + `": no such file`},
		{"a folder", []string{"COMETCHAT_API_KEY_FILE=" + folder}, `COMETCHAT_API_KEY: COMETCHAT_API_KEY_FILE: cannot read "` + folder + `"`},
		{"empty", []string{"THREADRELAY_ADMIN_TOKEN_FILE=" + empty}, `THREADRELAY_ADMIN_TOKEN: THREADRELAY_ADMIN_TOKEN_FILE: file "` + empty + `" is empty`},
		{"too large", []string{"THREADRELAY_ADMIN_TOKEN_FILE=" + large}, `THREADRELAY_ADMIN_TOKEN: THREADRELAY_ADMIN_TOKEN_FILE: file "` + large + `" is larger`},
		{"no fault follows from a missing file", []string{"COMETCHAT_APP_ID=a", "COMETCHAT_REGION=eu", "COMETCHAT_API_KEY_FILE=" + missing}, "COMETCHAT_API_KEY: COMETCHAT_API_KEY_FILE: cannot read"},
		{"credentials file as value file", []string{"NATS_URL=nats://n", "NATS_KEY_FILE=" + writeValue(t, "-----BEGIN KEY\nhush\n"), "NATS_CERT=c"}, "NATS_KEY: holds the contents of a file; set NATS_KEY itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadConfig(tt.environ)
			onlyFault(t, err, tt.want)
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("fault shows a secret: %v", err)
			}
		})
	}
}

func TestParseEnviron(t *testing.T) {
	got := parseEnviron([]string{"A=1", "B= x=y ", "C=", "D", "=C:=x", "A=2", "E=1", "E="})
	if len(got) != 2 || got["A"] != "2" || got["B"] != "x=y" {
		t.Errorf("parseEnviron = %q", got)
	}
}

// TestEnvironmentExample keeps the example beside the deployment files complete and loadable as it stands.
func TestEnvironmentExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(moduleRoot(t), "deploy", "threadrelay.env.example"))
	if err != nil {
		t.Fatalf("the example of the environment cannot be read: %v", err)
	}
	var known, active []string
	for _, v := range variables() {
		known = append(known, v.Name)
	}
	named := exampleNames(string(text))
	for _, name := range known {
		if !slices.Contains(named, name) {
			t.Errorf("deploy/threadrelay.env.example does not name %s", name)
		}
	}
	for _, name := range named {
		if !slices.Contains(known, strings.TrimSuffix(name, fileSuffix)) && !slices.Contains(known, name) {
			t.Errorf("deploy/threadrelay.env.example names %s, which the program does not read", name)
		}
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			active = append(active, strings.TrimSpace(line))
		}
	}
	if _, _, err := loadConfig(active); err != nil {
		t.Errorf("deploy/threadrelay.env.example does not load as it stands: %v", err)
	}
}

// exampleNames returns the names that are set in the text of an environment file, commented out or not.
func exampleNames(text string) []string {
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^#?[ \t]*(?:export )?([A-Z][A-Z0-9_]*)=`).FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	return names
}

func TestExampleNames(t *testing.T) {
	got := exampleNames("# A text with X=1 in it\nA=1\n#B=\n# C_D=2\n  \nlower=1\n")
	if want := []string{"A", "B", "C_D"}; !slices.Equal(got, want) {
		t.Errorf("exampleNames = %q, want %q", got, want)
	}
}
