package deploy

import (
	"bufio"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// A setting is one variable of the environment example.
type setting struct {
	value string
	set   bool // False where the line is commented out.
}

const envExample = "threadrelay.env.example"

// parseEnv reads the example strictly: a line is empty, prose after "# ", NAME=value, or #NAME=value for a variable that
// is left unset. Values hold nothing that compose and systemd read differently.
func parseEnv(text string) (map[string]setting, error) {
	assignment := regexp.MustCompile(`^(#?)([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)=(.*)$`)
	settings := map[string]setting{}
	var errs []error
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line == "#" || strings.HasPrefix(line, "# ") {
			continue
		}
		m := assignment.FindStringSubmatch(line)
		if m == nil {
			errs = append(errs, fmt.Errorf("line %d: %q is neither NAME=value nor a comment", n, line))
			continue
		}
		name, value := m[2], m[3]
		if _, twice := settings[name]; twice {
			errs = append(errs, fmt.Errorf("line %d: %s stands here twice", n, name))
		}
		if strings.ContainsAny(value, "\"'`$\\# \t\r") {
			errs = append(errs, fmt.Errorf("line %d: the value of %s is not plain", n, name))
		}
		settings[name] = setting{value: value, set: m[1] == ""}
	}
	return settings, errors.Join(append(errs, lines.Err())...)
}

func checkEnv(text string) error {
	settings, err := parseEnv(text)
	errs := []error{err}
	secret := regexp.MustCompile(`(TOKEN|PASSWORD|KEY|SECRET|CREDS)$`)
	for name, s := range settings {
		switch {
		case secret.MatchString(name) && s.value != "":
			errs = append(errs, fmt.Errorf("%s is a secret and has a value", name))
		case s.set && s.value == "":
			errs = append(errs, fmt.Errorf("%s is set to nothing: comment it out", name))
		case name == "THREADRELAY_DATA_DIR" && s.set:
			errs = append(errs, errors.New("THREADRELAY_DATA_DIR is set, and would win over the systemd unit's"))
		}
	}
	for _, name := range []string{"THREADRELAY_LISTEN", "THREADRELAY_DATA_DIR", "NATS_URL", "LOG_LEVEL", "COMETCHAT_APP_ID"} {
		if _, ok := settings[name]; !ok {
			errs = append(errs, fmt.Errorf("%s is missing", name))
		}
	}
	return errors.Join(errs...)
}

func TestEnvExample(t *testing.T) {
	testFile(t, envExample, checkEnv, []flaw{
		{"not an assignment", "LOG_LEVEL=info", "LOG_LEVEL info", "neither NAME=value nor a comment"},
		{"export", "LOG_LEVEL=info", "export LOG_LEVEL=info", "neither NAME=value nor a comment"},
		{"blank before the sign", "LOG_LEVEL=info", "LOG_LEVEL =info", "neither NAME=value nor a comment"},
		{"lower case", "LOG_LEVEL=info", "log_level=info", "neither NAME=value nor a comment"},
		{"twice", "#LOG_FORMAT=json", "LOG_LEVEL=debug", "LOG_LEVEL stands here twice"},
		{"quotes", "LOG_LEVEL=info", `LOG_LEVEL="info"`, "value of LOG_LEVEL is not plain"},
		{"comment behind a value", "LOG_LEVEL=info", "LOG_LEVEL=info # or debug", "value of LOG_LEVEL is not plain"},
		{"substitution", "LOG_LEVEL=info", "LOG_LEVEL=$LEVEL", "value of LOG_LEVEL is not plain"},
		{"secret", "#NATS_PASSWORD=", "#NATS_PASSWORD=changeme", "NATS_PASSWORD is a secret"},
		{"set to nothing", "#NATS_URL=", "NATS_URL=", "NATS_URL is set to nothing"},
		{"data folder", "#THREADRELAY_DATA_DIR=", "THREADRELAY_DATA_DIR=", "would win over the systemd unit's"},
		{"missing", "LOG_LEVEL=info\n", "", "LOG_LEVEL is missing"},
	})
}
