package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// module is the prefix of our own import paths.
const module = "github.com/threadrelay/threadrelay"

// everything allows a package all the others.
const everything = "..."

// importRule says which of our packages the matching packages may import. Patterns are those of path.Match, below the
// module; the first rule that matches a package is its rule.
type importRule struct {
	packages []string
	allowed  []string
}

// importRules is the table "who may import whom". A new package needs a row, or a pattern that it matches.
func importRules() []importRule {
	return []importRule{
		{packages: []string{"bus/event", "bus/natsd", "relay/sim", "relay/sim/*", "relay/egress", "deploy"}},
		{packages: []string{"bus"}, allowed: []string{"bus/event"}},
		{packages: []string{"bus/bustest"}, allowed: []string{"bus", "bus/event", "bus/natsd"}},
		{packages: []string{"relay"}, allowed: []string{"bus/event"}},
		{
			packages: []string{"relay/cometchat", "relay/rocketchat", "relay/alertmanager", "relay/webhook", "relay/relaytest"},
			allowed:  []string{"relay", "relay/egress", "bus/event"},
		},
		{packages: []string{"relay/budget"}, allowed: []string{"relay", "bus", "bus/event"}},
		{packages: []string{"relay/ingest", "relay/deliver", "relay/query"}, allowed: []string{"relay", "relay/budget", "bus", "bus/event"}},
		{packages: []string{"relay/console"}, allowed: []string{"bus", "bus/event"}},
		{packages: []string{"bots"}, allowed: []string{"bus", "bus/event"}},
		{packages: []string{"bots/*"}, allowed: []string{"bots", "bus/event"}}, // Each bot, and bottest.
		{packages: []string{"cmd/*"}, allowed: []string{everything}},
	}
}

// testRules is what test files may import besides, keyed by the pattern of their package.
func testRules() []importRule {
	return []importRule{
		{packages: []string{"bots", "bots/*"}, allowed: []string{"bots/bottest", "bus", "bus/bustest"}},
		{packages: []string{"bus"}, allowed: []string{"bus/bustest", "bus/natsd"}},
		{packages: []string{"*", "*/*"}, allowed: []string{"bus/bustest", "relay/sim", "relay/sim/rocketsim", "relay/relaytest"}},
	}
}

// listedPackage is what "go list -json" tells of a package, as far as the rules need it.
type listedPackage struct {
	ImportPath   string
	Doc          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// checkImports returns a sentence for each import that breaks the rules.
func checkImports(packages []listedPackage, rules []importRule) []string {
	var out []string
	for _, p := range packages {
		name := ours(p.ImportPath)
		index := ruleOf(name, rules)
		if index < 0 {
			out = append(out, name+" has no import rule; give it a row in importRules")
			continue
		}
		allowed := rules[index].allowed
		tests := slices.Concat(allowed, []string{name})
		if extra := ruleOf(name, testRules()); extra >= 0 {
			tests = append(tests, testRules()[extra].allowed...)
		}
		out = append(out, outside(name, p.Imports, allowed, "")...)
		out = append(out, outside(name, slices.Concat(p.TestImports, p.XTestImports), tests, " in its tests")...)
		out = append(out, checkNATSImports(name, p)...)
	}
	return out
}

// outside returns the imports of ours that are not allowed, and whatever joins relay and bots.
func outside(name string, imports, allowed []string, where string) []string {
	var out []string
	for _, imported := range imports {
		other := ours(imported)
		if other == "" {
			continue
		}
		if strangers(name, other) {
			out = append(out, fmt.Sprintf("%s imports %s%s, and relay and bots meet on the bus alone", name, other, where))
		} else if !slices.Contains(allowed, everything) && !slices.Contains(allowed, other) {
			out = append(out, fmt.Sprintf("%s must not import %s%s; allowed: %v", name, other, where, allowed))
		}
	}
	return out
}

// checkNATSImports keeps the NATS server out of what a bot's author links, and Watermill's own NATS module out of all.
func checkNATSImports(name string, p listedPackage) []string {
	var out []string
	if name != "bus/natsd" && slices.ContainsFunc(p.Imports, isNATSServer) {
		out = append(out, name+" imports nats-server, which only bus/natsd may")
	}
	carrier := name == "bus/natsd" || name == "bus/bustest" || strings.HasPrefix(name, "cmd/")
	if !carrier && slices.ContainsFunc(p.Deps, isNATSServer) {
		out = append(out, name+" links nats-server by way of its imports")
	}
	isWatermillNATS := func(s string) bool { return within(s, "github.com/ThreeDotsLabs/watermill-nats") }
	if slices.ContainsFunc(slices.Concat(p.Imports, p.TestImports, p.XTestImports, p.Deps), isWatermillNATS) {
		out = append(out, name+" imports watermill-nats; the bus has its own publisher and subscriber")
	}
	return out
}

func isNATSServer(importPath string) bool {
	return within(importPath, "github.com/nats-io/nats-server")
}

// within reports whether the import path is the root or below it.
func within(importPath, root string) bool {
	return importPath == root || strings.HasPrefix(importPath, root+"/")
}

// ours returns the path below the module, a dot for its root, and nothing for a package of others.
func ours(importPath string) string {
	if importPath == module {
		return "."
	}
	below, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	return below
}

// strangers reports whether one is of relay and the other of bots.
func strangers(a, b string) bool {
	return within(a, "relay") && within(b, "bots") || within(a, "bots") && within(b, "relay")
}

// ruleOf returns the index of the first rule for the package, or -1.
func ruleOf(name string, rules []importRule) int {
	return slices.IndexFunc(rules, func(rule importRule) bool {
		return slices.ContainsFunc(rule.packages, func(pattern string) bool {
			matched, err := path.Match(pattern, name)
			return err == nil && matched
		})
	})
}

func TestCheckImports(t *testing.T) {
	const server, watermillNATS = "github.com/nats-io/nats-server/v2/server", "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/jetstream"
	tests := []struct {
		name    string
		imports []string // Below the module when the first element has no dot.
		tests   []string
		deps    []string
		want    string
	}{
		{name: "bus/event", imports: []string{"time"}},
		{name: "bus/event", imports: []string{"bus"}, want: "bus/event must not import bus;"},
		{name: "bus", imports: []string{"bus/event", "github.com/nats-io/nats.go"}, tests: []string{"bus", "bus/bustest"}},
		{name: "bus", imports: []string{"relay"}, want: "bus must not import relay;"},
		{name: "bus", imports: []string{server}, want: "bus imports nats-server"},
		{name: "bus/natsd", imports: []string{server}, deps: []string{server}},
		{name: "bus/bustest", imports: []string{"bus", "bus/natsd"}, deps: []string{server}},
		{name: "relay/sim", imports: []string{"bus/event"}, want: "relay/sim must not import bus/event;"},
		{name: "relay/cometchat", imports: []string{"relay", "bus/event"}, tests: []string{"relay/cometchat", "relay/relaytest", "relay/sim"}},
		{name: "relay/cometchat", imports: []string{"relay/rocketchat"}, want: "relay/cometchat must not import relay/rocketchat;"},
		{name: "relay/cometchat", imports: []string{"bus"}, want: "relay/cometchat must not import bus;"},
		{name: "relay/rocketchat", imports: []string{"relay/sim"}, want: "relay/rocketchat must not import relay/sim;"},
		{name: "relay/ingest", tests: []string{"relay/console"}, want: "relay/ingest must not import relay/console in its tests;"},
		{name: "relay/ingest", tests: []string{server}},
		{name: "relay/deliver", tests: []string{"bots"}, want: "relay/deliver imports bots in its tests, and relay and bots meet"},
		{name: "relay/deliver", imports: []string{"bots/echo"}, want: "relay/deliver imports bots/echo, and relay and bots meet"},
		{name: "relay/console", imports: []string{"relay"}, want: "relay/console must not import relay;"},
		{name: "relay/carrier", want: "relay/carrier has no import rule"},
		{name: "bus/event/schema", want: "bus/event/schema has no import rule"},
		{name: "tools", want: "tools has no import rule"},
		{name: "bots", imports: []string{"bus", "bus/event"}, tests: []string{"bots/bottest", "bus/bustest"}},
		{name: "bots", imports: []string{"bus"}, deps: []string{server}, want: "bots links nats-server"},
		{name: "bots/echo", imports: []string{"bots", "bus/event"}, tests: []string{"bots/bottest", "bots/echo"}},
		{name: "bots/echo", imports: []string{"bots/bottest"}, want: "bots/echo must not import bots/bottest;"},
		{name: "bots/echo", imports: []string{"bus"}, want: "bots/echo must not import bus;"},
		{name: "bots/echo", tests: []string{"relay/sim"}, want: "bots/echo imports relay/sim in its tests, and relay and bots meet"},
		{name: "bots/echo", deps: []string{server}, want: "bots/echo links nats-server"},
		{name: "cmd/threadrelay", imports: []string{"bots/echo", "relay/cometchat", "bus/natsd"}, deps: []string{server}},
		{name: "cmd/threadrelay", imports: []string{server}, want: "cmd/threadrelay imports nats-server"},
		{name: "cmd/threadrelay", tests: []string{watermillNATS}, want: "cmd/threadrelay imports watermill-nats"},
		{name: "bus", imports: []string{watermillNATS}, want: "bus imports watermill-nats"},
		{name: "deploy", imports: []string{"bus"}, want: "deploy must not import bus;"},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.want, func(t *testing.T) {
			p := listedPackage{ImportPath: full(tt.name), Deps: tt.deps}
			for _, name := range tt.imports {
				p.Imports = append(p.Imports, full(name))
			}
			for _, name := range tt.tests {
				p.XTestImports = append(p.XTestImports, full(name))
			}
			got := checkImports([]listedPackage{p}, importRules())
			if tt.want == "" && len(got) != 0 || tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tt.want)) {
				t.Errorf("violations = %q, want %q", got, tt.want)
			}
		})
	}
}

// full returns the import path of a package of ours; names of others stay, as does "time".
func full(name string) string {
	if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") || name == "time" {
		return name
	}
	return module + "/" + name
}
