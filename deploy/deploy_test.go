package deploy

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A flaw is a change to a file that its check must notice.
type flaw struct {
	name     string
	old, new string // The first old in the file becomes new.
	want     string // Part of the error.
}

// testFile runs check on the file as it is, and on a copy with each flaw: a check that lets a flaw pass fails.
func testFile(t *testing.T, path string, check func(text string) error, flaws []flaw) {
	t.Helper()
	text := read(t, path)
	if err := check(text); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	for _, f := range flaws {
		t.Run(f.name, func(t *testing.T) {
			if !strings.Contains(text, f.old) {
				t.Fatalf("%s does not contain %q", path, f.old)
			}
			err := check(strings.Replace(text, f.old, f.new, 1))
			if err == nil || !strings.Contains(err.Error(), f.want) {
				t.Errorf("got error %v, want one with %q", err, f.want)
			}
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// exists says whether a file of this folder, named from the repository's root or from here, is there, either itself or
// as the example that it is copied from.
func exists(path string) bool {
	for _, p := range []string{path, path + ".example"} {
		if _, err := os.Stat(filepath.FromSlash(p)); err == nil {
			return true
		}
	}
	return false
}

func TestReadme(t *testing.T) {
	check := func(text string) error {
		var errs []error
		for _, name := range []string{"threadrelay.env.example", "threadrelay.yaml", "compose.yaml", "threadrelay.service"} {
			if !strings.Contains(text, "| `"+name+"` |") {
				errs = append(errs, errors.New("no row for "+name))
			}
		}
		for _, path := range regexp.MustCompile(`\bdeploy/[a-z.]+`).FindAllString(text, -1) {
			if !exists("../" + path) {
				errs = append(errs, errors.New("no such file: "+path))
			}
		}
		return errors.Join(errs...)
	}
	testFile(t, "README.md", check, []flaw{
		{"missing row", "| `compose.yaml` |", "| `compose` |", "no row for compose.yaml"},
		{"wrong path", "-f deploy/compose.yaml up", "-f deploy/compose.yml up", "no such file: deploy/compose.yml"},
	})
}
