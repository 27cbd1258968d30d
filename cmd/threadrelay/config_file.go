package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxConfigFile is the largest YAML file in bytes. A connection takes a few hundred.
const maxConfigFile = 1 << 20

// routing is what the YAML file says.
type routing struct {
	Connections []fileConnection
}

// sections is the list of what the file can have at its top. Each reads its own key, in this order, so that one can look up
// what those before it have added to the routing.
func sections() []func(root *mapping, out *routing) {
	return []func(*mapping, *routing){readConnections}
}

// configFile is the YAML file while it is read.
type configFile struct {
	name     string                        // as THREADRELAY_CONFIG has it
	given    map[string]string             // the environment, which values may name
	taken    map[event.ConnectionID]string // connections of the environment, each with a variable that makes it
	answered bool                          // bundled bots answer on every connection
	claims   map[string]event.ConnectionID // see claim
	faults   []fileFault
}

// readRouting reads the file that THREADRELAY_CONFIG names. What is wrong with it is added to the faults, all of it at once.
func (c *config) readRouting(given map[string]string, found *faults) routing {
	const variable = "THREADRELAY_CONFIG"
	path := c.Relay.Config
	if path == "" || holdsContents(variable, path, found) {
		return routing{}
	}
	text, err := readConfigFile(path)
	if err != nil {
		found.add(variable, err.Error())
		return routing{}
	}
	f := &configFile{name: path, given: given, taken: c.connectionsOfEnvironment(), answered: len(c.Relay.Bots) > 0}
	if c.CometChat.enabled() {
		f.claim(cometchatApp(c.CometChat.AppID), cometchatID)
	}
	out := f.read(text)
	found.all = append(found.all, f.errors()...)
	return out
}

// connectionsOfEnvironment are the connections that variables make, each with one of those.
func (c *config) connectionsOfEnvironment() map[event.ConnectionID]string {
	out := make(map[event.ConnectionID]string)
	if c.CometChat.enabled() {
		out[cometchatID] = "COMETCHAT_APP_ID"
	}
	if c.RocketChat.enabled() {
		out[rocketchatID] = "ROCKETCHAT_URL"
	}
	return out
}

// readConfigFile returns the contents of the file, unless it is too large.
func readConfigFile(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // Naming the file is the purpose of the variable.
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, reason(err))
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxConfigFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, reason(err))
	}
	if len(text) > maxConfigFile {
		return nil, fmt.Errorf("file %q is larger than %d bytes", path, maxConfigFile)
	}
	return text, nil
}

// read takes the file's text apart. A file without anything in it says nothing.
func (f *configFile) read(text []byte) routing {
	var out routing
	document := f.parse(text)
	if document == nil {
		return out
	}
	root := f.mapping("", document)
	if root == nil {
		return out
	}
	for _, section := range sections() {
		section(root, &out)
	}
	root.done()
	return out
}

// claim notes that a connection is the one for something that can have only one, and returns the connection that was it before;
// empty if there was none.
func (f *configFile) claim(thing string, by event.ConnectionID) event.ConnectionID {
	if before, ok := f.claims[thing]; ok {
		return before
	}
	if f.claims == nil {
		f.claims = make(map[string]event.ConnectionID)
	}
	f.claims[thing] = by
	return ""
}

// path is that of a file which the configuration file names, relative to its own folder.
func (f *configFile) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(f.name), name)
}

// fileFault is one thing that is wrong with the file.
type fileFault struct {
	place
	key     string // with those above it, such as connections.support.region; empty if it is about none
	problem string
}

// place is where in the file something stands, counted from 1.
type place struct{ line, column int }

// maxFileFaults bounds how many faults are told: beyond, the file is not a configuration.
const maxFileFaults = 100

// fault records a fault. The problem must hold no secret.
func (f *configFile) fault(at place, key, problem string, args ...any) {
	f.faults = append(f.faults, fileFault{at, key, fmt.Sprintf(problem, args...)})
}

// errors are the faults in the order of the file, each with the file's name.
func (f *configFile) errors() []error {
	slices.SortStableFunc(f.faults, func(a, b fileFault) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return a.column - b.column
	})
	var out []error
	for i, one := range f.faults {
		if i == maxFileFaults {
			out = append(out, fmt.Errorf("%s: %d more faults", f.name, len(f.faults)-i))
			break
		}
		text := one.problem
		if one.key != "" {
			text = one.key + ": " + text
		}
		out = append(out, errors.New(f.at(one.place)+": "+text))
	}
	return out
}

// at names a place as editors understand it.
func (f *configFile) at(p place) string { return fmt.Sprintf("%s:%d:%d", f.name, p.line, p.column) }
