package deploy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// composeFile is what compose.yaml may hold; another key is an error.
type composeFile struct {
	Name     string                    `yaml:"name"`
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]struct{}       `yaml:"volumes"`
}

type composeService struct {
	Build struct {
		Context    string            `yaml:"context"`
		Dockerfile string            `yaml:"dockerfile"`
		Args       map[string]string `yaml:"args"`
	} `yaml:"build"`
	Image           string            `yaml:"image"`
	Command         []string          `yaml:"command"`
	EnvFile         []string          `yaml:"env_file"`
	Environment     map[string]string `yaml:"environment"`
	Ports           []string          `yaml:"ports"`
	Volumes         []string          `yaml:"volumes"`
	ReadOnly        bool              `yaml:"read_only"`
	CapDrop         []string          `yaml:"cap_drop"`
	SecurityOpt     []string          `yaml:"security_opt"`
	StopGracePeriod time.Duration     `yaml:"stop_grace_period"`
	Restart         string            `yaml:"restart"`
}

func checkCompose(text string, env map[string]setting, image []stage) error {
	var file composeFile
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return err
	}
	svc, ok := file.Services["threadrelay"]
	if !ok || len(file.Services) != 1 {
		return fmt.Errorf("services %v, want threadrelay alone", file.Services)
	}
	return errors.Join(checkHardening(svc), checkPorts(svc, image[len(image)-1]), checkVolume(file, svc, image[len(image)-1]),
		checkComposeBuild(svc, image[0]), checkComposeEnv(svc, env), checkSubstitutions(text, image[0]))
}

func checkHardening(svc composeService) error {
	var errs []error
	for what, holds := range map[string]bool{
		"read_only is not true":                            svc.ReadOnly,
		"cap_drop is not ALL":                              slices.Equal(svc.CapDrop, []string{"ALL"}),
		"security_opt is not no-new-privileges:true":       slices.Equal(svc.SecurityOpt, []string{"no-new-privileges:true"}),
		"stop_grace_period is not 15s":                     svc.StopGracePeriod == 15*time.Second,
		"restart is not unless-stopped":                    svc.Restart == "unless-stopped",
		"command is not serve":                             slices.Equal(svc.Command, []string{"serve"}),
		"the admin listener leaves the container's inside": loopback(svc.Environment["THREADRELAY_ADMIN_LISTEN"]),
	} {
		if !holds {
			errs = append(errs, errors.New(what))
		}
	}
	return errors.Join(errs...)
}

func loopback(address string) bool {
	addr, err := netip.ParseAddrPort(address)
	return err == nil && addr.Addr().IsLoopback()
}

// checkPorts wants one published port: the one that the public listener and the image's EXPOSE name.
func checkPorts(svc composeService, final stage) error {
	_, listen, err := net.SplitHostPort(svc.Environment["THREADRELAY_LISTEN"])
	if err != nil {
		return fmt.Errorf("THREADRELAY_LISTEN: %w", err)
	}
	if want := []string{"8080:" + listen}; !slices.Equal(svc.Ports, want) || final.last("EXPOSE") != listen {
		return fmt.Errorf("ports %q and EXPOSE %s, want %q", svc.Ports, final.last("EXPOSE"), want)
	}
	return nil
}

// checkVolume wants the image's data folder, and nothing else, on a volume that is declared.
func checkVolume(file composeFile, svc composeService, final stage) error {
	if len(svc.Volumes) != 1 {
		return fmt.Errorf("volumes %q, want one", svc.Volumes)
	}
	name, target, _ := strings.Cut(svc.Volumes[0], ":")
	if _, ok := file.Volumes[name]; !ok {
		return fmt.Errorf("volume %q is not declared", name)
	}
	if target != final.last("VOLUME") || target != svc.Environment["THREADRELAY_DATA_DIR"] {
		return fmt.Errorf("volume at %q, the image's at %q, THREADRELAY_DATA_DIR=%s", target, final.last("VOLUME"),
			svc.Environment["THREADRELAY_DATA_DIR"])
	}
	return nil
}

func checkComposeBuild(svc composeService, build stage) error {
	var errs []error
	if info, err := os.Stat(svc.Build.Context); err != nil || !info.IsDir() {
		errs = append(errs, fmt.Errorf("build context %q is no folder", svc.Build.Context))
	}
	if info, err := os.Stat(path.Join(svc.Build.Context, svc.Build.Dockerfile)); err != nil || info.IsDir() {
		errs = append(errs, fmt.Errorf("build file %q is no file", svc.Build.Dockerfile))
	}
	for name := range svc.Build.Args {
		if !slices.Contains(argNames(build), name) {
			errs = append(errs, fmt.Errorf("build argument %s is no ARG of the Dockerfile", name))
		}
	}
	return errors.Join(errs...)
}

func checkComposeEnv(svc composeService, env map[string]setting) error {
	var errs []error
	if len(svc.EnvFile) == 0 {
		errs = append(errs, errors.New("no env_file"))
	}
	for _, name := range svc.EnvFile {
		if !exists(name) {
			errs = append(errs, fmt.Errorf("env_file %s has no %s.example here", name, name))
		}
	}
	for name := range svc.Environment {
		if _, ok := env[name]; !ok {
			errs = append(errs, fmt.Errorf("%s is not in %s", name, envExample))
		}
	}
	return errors.Join(errs...)
}

// checkSubstitutions wants each variable taken from the caller's environment to be a build argument with a default, so
// that `docker compose up` works without any.
func checkSubstitutions(text string, build stage) error {
	var errs []error
	for _, m := range regexp.MustCompile(`\$\{?(\w*)(:-[^}]+\})?`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(argNames(build), m[1]) {
			errs = append(errs, fmt.Errorf("%s is no ARG of the Dockerfile", m[0]))
		}
		if m[2] == "" {
			errs = append(errs, fmt.Errorf("%s has no default", m[0]))
		}
	}
	return errors.Join(errs...)
}

func argNames(s stage) []string {
	var names []string
	for _, arg := range s.all("ARG") {
		name, _, _ := strings.Cut(arg, "=")
		names = append(names, name)
	}
	return names
}

func TestCompose(t *testing.T) {
	env, err := parseEnv(read(t, envExample))
	if err != nil {
		t.Fatal(err)
	}
	image, err := parseDockerfile(read(t, "../Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(text string) error { return checkCompose(text, env, image) }
	testFile(t, "compose.yaml", check, []flaw{
		{"unknown key", "    read_only: true", "    readonly: true", "field readonly not found"},
		{"privileged", "    read_only: true", "    read_only: true\n    privileged: true", "field privileged not found"},
		{"writable", "read_only: true", "read_only: false", "read_only is not true"},
		{"capabilities", "- ALL", "- NET_RAW", "cap_drop is not ALL"},
		{"privileges", "no-new-privileges:true", "no-new-privileges:false", "security_opt is not"},
		{"killed early", "stop_grace_period: 15s", "stop_grace_period: 5s", "stop_grace_period is not 15s"},
		{"restart", "restart: unless-stopped", "restart: no", "restart is not unless-stopped"},
		{"command", `command: ["serve"]`, `command: ["demo"]`, "command is not serve"},
		{"admin for everyone", "127.0.0.1:9090", "0.0.0.0:9090", "the admin listener leaves"},
		{"admin published", `- "8080:8080"`, `- "8080:8080"` + "\n      - \"9090:9090\"", "ports"},
		{"other port", `- "8080:8080"`, `- "8080:80"`, "ports"},
		{"other listener", `":8080"`, `":8081"`, "ports"},
		{"undeclared volume", "- data:/data", "- store:/data", `volume "store" is not declared`},
		{"other target", "- data:/data", "- data:/var", `volume at "/var"`},
		{"host folder", "- data:/data", "- data:/data\n      - /:/host", "want one"},
		{"context", "context: ..", "context: ../nothing", "is no folder"},
		{"build file", "dockerfile: Dockerfile", "dockerfile: Containerfile", "is no file"},
		{"build argument", "        COMMIT:", "        REVISION:", "REVISION is no ARG"},
		{"env file", "- threadrelay.env", "- relay.env", "no relay.env.example"},
		{"unknown variable", "THREADRELAY_DATA_DIR:", "THREADRELAY_DATA: x\n      THREADRELAY_DATA_DIR:", "THREADRELAY_DATA is not in"},
		{"substitution", "${VERSION:-dev}", "${VERSIONS:-dev}", "VERSIONS:-dev} is no ARG"},
		{"no default", "${VERSION:-dev}", "${VERSION}", "has no default"},
		{"second service", "services:\n", "services:\n  other: {}\n", "want threadrelay alone"},
	})
}
