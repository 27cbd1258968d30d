package deploy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// ignored says whether a .dockerignore keeps path out of the build, by Docker's rules: patterns are anchored at the root,
// match a path or a folder above it, and the last one that matches counts. It knows "*", "**/" and "!".
func ignored(text, path string) bool {
	out := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, keep := strings.CutPrefix(line, "!")
		expr := regexp.QuoteMeta(pattern)
		expr = strings.ReplaceAll(expr, `\*\*/`, `(?:.*/)?`)
		expr = strings.ReplaceAll(expr, `\*`, `[^/]*`)
		if regexp.MustCompile(`^` + expr + `(?:/|$)`).MatchString(path) {
			out = !keep
		}
	}
	return out
}

func checkDockerignore(text string) error {
	var errs []error
	for _, path := range []string{
		".git/config", ".git", "data/jetstream/x.blk", "data", ".env", "threadrelay.env", "deploy/threadrelay.env",
		"threadrelay", ".ci/run", "bus/bus_test.go", "notes.txt",
	} {
		if !ignored(text, path) {
			errs = append(errs, fmt.Errorf("%s would go into the image's build", path))
		}
	}
	for _, path := range []string{
		"go.mod", "go.sum", "cmd/threadrelay/main.go", "bots/echo/echo.go", "relay/console/index.html", "bus/event/event.go",
		"deploy/threadrelay.env.example",
	} {
		if ignored(text, path) {
			errs = append(errs, fmt.Errorf("%s is missing from the image's build", path))
		}
	}
	return errors.Join(errs...)
}

func TestDockerignore(t *testing.T) {
	testFile(t, "../.dockerignore", checkDockerignore, []flaw{
		{"everything", "*\n", "\n", ".git/config would go into"},
		{"git", "!bus\n", "!bus\n!.git\n", ".git/config would go into"},
		{"data", "!bus\n", "!bus\n!data\n", "data/jetstream/x.blk would go into"},
		{"secrets", "**/*.env\n", "", "deploy/threadrelay.env would go into"},
		{"tests", "**/*_test.go\n", "", "bus/bus_test.go would go into"},
		{"no sources", "!relay\n", "", "relay/console/index.html is missing"},
		{"no modules", "!go.sum\n", "", "go.sum is missing"},
		{"order", "**/*.env\n", "**/*.env\n*\n", "go.mod is missing"},
	})
}
