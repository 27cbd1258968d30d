package deploy

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const unitFile = "threadrelay.service"

// unitKeys are the keys that the unit may hold, by section, and the value that each must have; "*" is any.
func unitKeys() map[string]map[string]string {
	service := map[string]string{
		"Type": "exec", "ExecStart": "/usr/local/bin/threadrelay serve",
		"Environment": "THREADRELAY_DATA_DIR=%S/threadrelay", "EnvironmentFile": "/etc/threadrelay/threadrelay.env",
		"Restart": "on-failure", "RestartSec": "2", "TimeoutStopSec": "15", "LimitNOFILE": "*",
		"DynamicUser": "yes", "StateDirectory": "threadrelay", "StateDirectoryMode": "0700",
		"WorkingDirectory": "%S/threadrelay", "UMask": "0077",
		"AmbientCapabilities": "", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "ProtectProc": "invisible",
		"RestrictAddressFamilies": "*", "SystemCallArchitectures": "native", "SystemCallErrorNumber": "EPERM",
		"SystemCallFilter": "@system-service",
	}
	for _, key := range []string{
		"LockPersonality", "MemoryDenyWriteExecute", "NoNewPrivileges", "PrivateDevices", "PrivateTmp", "PrivateUsers",
		"ProtectClock", "ProtectControlGroups", "ProtectHome", "ProtectHostname", "ProtectKernelLogs",
		"ProtectKernelModules", "ProtectKernelTunables", "RemoveIPC", "RestrictNamespaces", "RestrictRealtime",
		"RestrictSUIDSGID",
	} {
		service[key] = "yes"
	}
	return map[string]map[string]string{
		"Unit": {
			"Description": "*", "Wants": "network-online.target", "After": "network-online.target", "StartLimitIntervalSec": "0",
		},
		"Service": service,
		"Install": {"WantedBy": "multi-user.target"},
	}
}

// parseUnit reads sections, comments and Key=value lines, each key once; systemd itself only warns of most mistakes.
func parseUnit(text string) (map[string]map[string]string, error) {
	header := regexp.MustCompile(`^\[([A-Za-z]+)\]$`)
	assignment := regexp.MustCompile(`^([A-Za-z]+)=(\S.*\S|\S|)$`)
	unit := map[string]map[string]string{}
	var section map[string]string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		if m := header.FindStringSubmatch(line); m != nil && unit[m[1]] == nil {
			section = map[string]string{}
			unit[m[1]] = section
			continue
		}
		m := assignment.FindStringSubmatch(line)
		if m == nil || section == nil || strings.HasSuffix(line, `\`) {
			return nil, fmt.Errorf("not a section, a comment or Key=value within a section: %q", line)
		}
		if _, twice := section[m[1]]; twice {
			return nil, fmt.Errorf("%s stands there twice", m[1])
		}
		section[m[1]] = m[2]
	}
	return unit, nil
}

func checkUnit(text string, env map[string]setting) error {
	unit, err := parseUnit(text)
	if err != nil {
		return err
	}
	var errs []error
	known := unitKeys()
	for name, section := range unit {
		for key := range section {
			if _, ok := known[name][key]; !ok {
				errs = append(errs, fmt.Errorf("[%s] %s is not known", name, key))
			}
		}
	}
	for name, section := range known {
		for key, want := range section {
			got, ok := unit[name][key]
			if !ok || want != "*" && got != want {
				errs = append(errs, fmt.Errorf("[%s] %s=%s, want %s", name, key, got, want))
			}
		}
	}
	if name, _, _ := strings.Cut(unit["Service"]["Environment"], "="); !slices.Contains(keys(env), name) {
		errs = append(errs, fmt.Errorf("%s is not in %s", name, envExample))
	}
	return errors.Join(errs...)
}

func keys(env map[string]setting) []string {
	var names []string
	for name := range env {
		names = append(names, name)
	}
	return names
}

func TestUnit(t *testing.T) {
	env, err := parseEnv(read(t, envExample))
	if err != nil {
		t.Fatal(err)
	}
	testFile(t, unitFile, func(text string) error { return checkUnit(text, env) }, []flaw{
		{"unknown key", "RestartSec=", "RestartSecs=", "[Service] RestartSecs is not known"},
		{"missing key", "NoNewPrivileges=yes\n", "", "[Service] NoNewPrivileges="},
		{"weakened", "ProtectSystem=strict", "ProtectSystem=no", "[Service] ProtectSystem=no, want strict"},
		{"capability", "CapabilityBoundingSet=", "CapabilityBoundingSet=CAP_NET_ADMIN", "[Service] CapabilityBoundingSet="},
		{"killed early", "TimeoutStopSec=15", "TimeoutStopSec=5", "[Service] TimeoutStopSec=5"},
		{"wrong section", "[Install]\n", "", "[Install] WantedBy="},
		{"unknown section", "[Install]", "[Timer]", "[Timer] WantedBy is not known"},
		{"section twice", "[Install]", "[Service]", "not a section"},
		{"key twice", "UMask=0077", "UMask=0077\nUMask=0000", "UMask stands there twice"},
		{"continued line", "Restart=on-failure", "Restart=on-failure \\", "not a section"},
		{"blank before the sign", "UMask=0077", "UMask =0077", "not a section"},
		{"other variable", "Environment=THREADRELAY_DATA_DIR", "Environment=THREADRELAY_DATA", "THREADRELAY_DATA is not in"},
	})
}

// TestUnitWithSystemd lets systemd read the unit where its program is installed. It is an addition to TestUnit, which
// runs everywhere: so its absence is not a failure, even where every test is required.
func TestUnitWithSystemd(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("THREADRELAY_REQUIRE_ALL") == "1" {
			t.Log("systemd-analyze is not installed: TestUnit alone has read the unit")
			return
		}
		t.Skip("systemd-analyze is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// verify wants ExecStart to exist, and answers 0 with a warning to an unknown key: silence is what passes.
	verify := func(t *testing.T, text string) (string, error) {
		t.Helper()
		file := filepath.Join(t.TempDir(), unitFile)
		text = strings.Replace(text, "/usr/local/bin/threadrelay", self, 1)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), program, "verify", "--man=no", file).CombinedOutput()
		return string(out), err
	}
	text := read(t, unitFile)
	if out, err := verify(t, text); err != nil || out != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	if out, err := verify(t, strings.Replace(text, "Type=exec", "Type=execute", 1)); err == nil && out == "" {
		t.Error("systemd-analyze verify is silent about Type=execute")
	}
}
