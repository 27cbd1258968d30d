package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// moduleRoot returns the folder of our go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("go env GOMOD: %v", explain(err))
	}
	gomod := strings.TrimSpace(string(out))
	if filepath.Base(gomod) != "go.mod" {
		t.Fatalf("go env GOMOD is %q: the test does not run inside the module", gomod)
	}
	return filepath.Dir(gomod)
}

// explain adds what a failed command wrote to its standard error.
func explain(err error) error {
	var failed *exec.ExitError
	if errors.As(err, &failed) && len(failed.Stderr) > 0 {
		return errors.New(err.Error() + ": " + strings.TrimSpace(string(failed.Stderr)))
	}
	return err
}

// listPackages returns all packages of the module.
func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Doc,GoFiles,Imports,TestImports,XTestImports,Deps", "./...")
	list.Dir = moduleRoot(t)
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", explain(err))
	}
	var packages []listedPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("output of go list: %v", err)
		}
		packages = append(packages, p)
	}
}

// TestRepositoryPackages holds the packages of the module against the rules of the house.
func TestRepositoryPackages(t *testing.T) {
	packages := listPackages(t)
	for _, violation := range checkImports(packages, importRules()) {
		t.Error(violation)
	}
	for _, name := range undocumented(packages) {
		t.Errorf("%s has no package comment", name)
	}
	for _, name := range []string{"bots", "bots/echo", "cmd/threadrelay"} {
		if !slices.ContainsFunc(packages, func(p listedPackage) bool { return ours(p.ImportPath) == name }) {
			t.Errorf("go list does not list %s, so its imports are not checked", name)
		}
	}
}

// cyclicRules returns the rules that, by way of what rules allow, may import themselves, and those above them. It returns
// none when the floors of the house lie one above the other.
func cyclicRules(rules []importRule) []importRule {
	laid := make([]bool, len(rules))
	for range rules {
		for i, rule := range rules {
			missing := func(j int) bool { return j >= 0 && !laid[j] }
			waits := slices.ContainsFunc(rule.allowed, func(name string) bool { return missing(ruleOf(name, rules)) })
			if slices.Contains(rule.allowed, everything) {
				others := slices.Delete(slices.Clone(laid), i, i+1)
				waits = slices.Contains(others, false)
			}
			laid[i] = laid[i] || !waits
		}
	}
	var out []importRule
	for i, rule := range rules {
		if !laid[i] {
			out = append(out, rule)
		}
	}
	return out
}

func TestImportRulesHaveNoCycle(t *testing.T) {
	if found := cyclicRules(importRules()); found != nil {
		t.Errorf("rules let packages import themselves by way of others: %v", found)
	}
	cyclic := []importRule{
		{packages: []string{"a"}, allowed: []string{"b/c"}},
		{packages: []string{"b/*"}, allowed: []string{"d"}},
		{packages: []string{"d"}, allowed: []string{"a", "e"}},
		{packages: []string{"e"}},
	}
	if found := cyclicRules(cyclic); len(found) != 3 {
		t.Errorf("of the cycle a, b/*, d the rules found are %v", found)
	}
	if found := cyclicRules([]importRule{{packages: []string{"a/*"}, allowed: []string{"a/b"}}}); len(found) != 1 {
		t.Errorf("of a rule that allows its own packages the rules found are %v", found)
	}
	upwards := []importRule{{packages: []string{"a"}, allowed: []string{"cmd/x"}}, {packages: []string{"cmd/*"}, allowed: []string{everything}}}
	if found := cyclicRules(upwards); len(found) != 2 {
		t.Errorf("of a package that imports a command the rules found are %v", found)
	}
}

// undocumented returns the packages without a package comment; one that consists of tests needs none.
func undocumented(packages []listedPackage) []string {
	var out []string
	for _, p := range packages {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			out = append(out, ours(p.ImportPath))
		}
	}
	return out
}

func TestUndocumented(t *testing.T) {
	files := []string{"a.go"}
	got := undocumented([]listedPackage{
		{ImportPath: module + "/bus", GoFiles: files, Doc: "Package bus ..."},
		{ImportPath: module + "/relay", GoFiles: files},
		{ImportPath: module + "/deploy"},
	})
	if !slices.Equal(got, []string{"relay"}) {
		t.Errorf("undocumented = %q, want relay alone", got)
	}
}

// strayNames returns the names at the top of the repository that do not belong there.
func strayNames(paths []string) []string {
	belong := []string{"cmd", "bots", "relay", "bus", "deploy", "go.mod", "go.sum", "Dockerfile", "README.md"}
	var out []string
	for _, path := range paths {
		top, _, _ := strings.Cut(path, "/")
		if top == "" || strings.HasPrefix(top, ".") || slices.Contains(belong, top) || slices.Contains(out, top) {
			continue
		}
		out = append(out, top)
	}
	return out
}

func TestStrayNames(t *testing.T) {
	got := strayNames([]string{".ci/run", ".gitignore", "bus/bus.go", "go.mod", "docs/a.md", "docs/b.md", "main.go", "relayed/x.go", ""})
	if want := []string{"docs", "main.go", "relayed"}; !slices.Equal(got, want) {
		t.Errorf("strayNames = %q, want %q", got, want)
	}
}

func TestRepositoryTopLevel(t *testing.T) {
	root := moduleRoot(t)
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Logf("not a git checkout, there is no list of files to check: %v", err)
		return
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Logf("no git, there is no list of files to check: %v", err)
		return
	}
	// A container often runs as another user than the owner of the checkout, which git refuses without safe.directory.
	list := exec.CommandContext(t.Context(), git, "-c", "safe.directory=*", "ls-files", "-z")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", explain(err))
	}
	for _, name := range strayNames(strings.Split(string(out), "\x00")) {
		t.Errorf("%s does not belong at the top of the repository", name)
	}
}
