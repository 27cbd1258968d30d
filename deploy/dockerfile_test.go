package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A stage is what one FROM of a Dockerfile begins.
type stage struct {
	base, name string
	steps      []step
}

// A step is one instruction after FROM.
type step struct{ word, args string }

// all returns the arguments of every instruction called word.
func (s stage) all(word string) []string {
	var args []string
	for _, st := range s.steps {
		if st.word == word {
			args = append(args, st.args)
		}
	}
	return args
}

// last returns the arguments of the last instruction called word, which is the one that counts; "" where there is none.
func (s stage) last(word string) string {
	args := s.all(word)
	if len(args) == 0 {
		return ""
	}
	return args[len(args)-1]
}

// parseDockerfile reads the instructions, in capitals, of the known kinds, each within a stage.
func parseDockerfile(text string) ([]stage, error) {
	known := []string{"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "LABEL", "RUN", "USER", "VOLUME", "WORKDIR"}
	from := regexp.MustCompile(`^(\S+)(?: AS ([a-z]+))?$`)
	var stages []stage
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, args, _ := strings.Cut(line, " ")
		args = strings.Join(strings.Fields(args), " ")
		switch m := from.FindStringSubmatch(args); {
		case word == "FROM" && m != nil:
			stages = append(stages, stage{base: m[1], name: m[2]})
		case !slices.Contains(known, word) || args == "":
			return nil, fmt.Errorf("not an instruction: %q", line)
		case len(stages) == 0:
			return nil, fmt.Errorf("%s stands before FROM", word)
		default:
			s := &stages[len(stages)-1]
			s.steps = append(s.steps, step{word, args})
		}
	}
	if len(stages) < 2 {
		return nil, fmt.Errorf("%d stages, want a builder and a final one", len(stages))
	}
	return stages, nil
}

// checkDockerfile asserts what the image promises: a static, stamped binary alone on scratch, run by a number.
func checkDockerfile(text, goMod string) error {
	stages, err := parseDockerfile(text)
	if err != nil {
		return err
	}
	return errors.Join(checkBuild(stages[0], goMod), checkCopies(stages), checkFinal(stages[len(stages)-1]))
}

func checkBuild(build stage, goMod string) error {
	var errs []error
	if m := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(goMod); m == nil || build.base != "golang:"+m[1] {
		errs = append(errs, fmt.Errorf("the builder is %s, go.mod says %v", build.base, m))
	}
	copies := build.all("COPY")
	if len(copies) != 2 || copies[0] != "go.mod go.sum ./" || copies[1] != ". ." {
		errs = append(errs, fmt.Errorf("the builder copies %q, want the module files and then the sources", copies))
	}
	for _, want := range []string{
		"CGO_ENABLED=0 go build", "-trimpath", "-s -w", "-X main.version=${VERSION}", "-X main.commit=${COMMIT}",
		"-o /out/threadrelay ./cmd/threadrelay",
	} {
		if !strings.Contains(build.last("RUN"), want) {
			errs = append(errs, fmt.Errorf("the last RUN of the builder lacks %q", want))
		}
	}
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(build.last("RUN"), -1) {
		if !slices.ContainsFunc(build.all("ARG"), func(arg string) bool { return strings.HasPrefix(arg, m[1]+"=") }) {
			errs = append(errs, fmt.Errorf("no ARG with a default for %s", m[1]))
		}
	}
	return errors.Join(errs...)
}

// checkCopies looks for the stage of each COPY --from among the stages before it.
func checkCopies(stages []stage) error {
	var errs []error
	var earlier []string
	for _, s := range stages {
		for _, args := range s.all("COPY") {
			m := regexp.MustCompile(`--from=(\S+)`).FindStringSubmatch(args)
			if m != nil && !slices.Contains(earlier, m[1]) {
				errs = append(errs, fmt.Errorf("COPY %s: no earlier stage is called %s", args, m[1]))
			}
		}
		earlier = append(earlier, s.name)
	}
	return errors.Join(errs...)
}

func checkFinal(final stage) error {
	var errs []error
	user, volume := final.last("USER"), final.last("VOLUME")
	if final.base != "scratch" {
		errs = append(errs, fmt.Errorf("the final stage is %s, want scratch", final.base))
	}
	if final.last("RUN") != "" {
		errs = append(errs, errors.New("RUN on scratch: there is no shell"))
	}
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		errs = append(errs, fmt.Errorf("USER %q is not a pair of numbers other than 0", user))
	}
	if volume == "" || final.last("ENV") != "THREADRELAY_DATA_DIR="+volume {
		errs = append(errs, fmt.Errorf("VOLUME %q and ENV %q do not name one data folder", volume, final.last("ENV")))
	}
	want := []string{
		"--from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt",
		"--from=build /out/threadrelay /threadrelay",
		"--from=build --chown=" + user + " /out/data " + volume,
	}
	if got := final.all("COPY"); !slices.Equal(got, want) {
		errs = append(errs, fmt.Errorf("the final stage copies %q, want %q", got, want))
	}
	if p := slices.Index(final.steps, step{"VOLUME", volume}); p >= 0 && slices.ContainsFunc(final.steps[p:], func(st step) bool { return st.word == "COPY" }) {
		errs = append(errs, errors.New("COPY after VOLUME is lost"))
	}
	for word, want := range map[string][]string{"ENTRYPOINT": {"/threadrelay"}, "CMD": {"serve"}} {
		var got []string
		if err := json.Unmarshal([]byte(final.last(word)), &got); err != nil || !slices.Equal(got, want) {
			errs = append(errs, fmt.Errorf("%s is %s, want %q as a JSON array", word, final.last(word), want))
		}
	}
	if final.last("EXPOSE") != "8080" {
		errs = append(errs, fmt.Errorf("EXPOSE %q, want 8080", final.last("EXPOSE")))
	}
	return errors.Join(errs...)
}

func TestDockerfile(t *testing.T) {
	goMod := read(t, "../go.mod")
	check := func(text string) error { return checkDockerfile(text, goMod) }
	testFile(t, "../Dockerfile", check, []flaw{
		{"unknown instruction", "EXPOSE 8080", "EXPOS 8080", "not an instruction"},
		{"lost continuation", "go build -trimpath \\\n", "go build -trimpath\n", "not an instruction"},
		{"other Go", "golang:1.26", "golang:1.25", "go.mod says"},
		{"sources first", "COPY go.mod go.sum ./\n", "", "want the module files and then the sources"},
		{"cgo", "CGO_ENABLED=0 ", "", "lacks \"CGO_ENABLED=0"},
		{"no commit", "main.commit", "main.commt", "lacks \"-X main.commit"},
		{"no ARG", "ARG COMMIT=none\n", "", "no ARG with a default for COMMIT"},
		{"unknown stage", "--from=build /out/threadrelay", "--from=builder /out/threadrelay", "no earlier stage is called builder"},
		{"not scratch", "FROM scratch", "FROM debian", "want scratch"},
		{"shell on scratch", "EXPOSE 8080", "EXPOSE 8080\nRUN mkdir /x", "there is no shell"},
		{"root", "USER 65532:65532", "USER 0:0", "not a pair of numbers other than 0"},
		{"no user", "USER 65532:65532\n", "", "not a pair of numbers other than 0"},
		{"named user", "USER 65532:65532", "USER nobody", "not a pair of numbers other than 0"},
		{"data of another", "--chown=65532:65532", "--chown=1:1", "the final stage copies"},
		{"no authorities", "COPY --from=build /etc/ssl/certs/ca-certificates.crt", "COPY --from=build /etc/ssl", "the final stage copies"},
		{"other data folder", "THREADRELAY_DATA_DIR=/data", "THREADRELAY_DATA_DIR=/var", "do not name one data folder"},
		{"late copy", "FROM scratch\n", "FROM scratch\nVOLUME /data\n", "COPY after VOLUME is lost"},
		{"shell form", `CMD ["serve"]`, "CMD serve", "as a JSON array"},
		{"other port", "EXPOSE 8080", "EXPOSE 80", "want 8080"},
		{"single stage", "FROM scratch\n", "", "1 stages"},
	})
}
