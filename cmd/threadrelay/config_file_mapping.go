package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// mapping is a part of the file with keys and values. Whoever reads it asks for the keys that it knows, whether or not they are
// there, and then calls done, which finds the keys that nobody has asked for.
type mapping struct {
	file    *configFile
	name    string // the keys above it, such as connections.support
	at      place
	flow    bool // written with { }
	entries map[string]entry
	asked   []string
	faulty  map[string]bool // keys of which something was said; what else looks wrong about them may be a consequence
}

// entry is a key with its value.
type entry struct{ key, value *yaml.Node }

// mapping reads node as one; nothing at all is one without keys. If it is something else, that is a fault and nil is returned.
func (f *configFile) mapping(name string, node *yaml.Node) *mapping {
	m := &mapping{
		file: f, name: name, at: placeOf(node), flow: node.Style&yaml.FlowStyle != 0,
		entries: make(map[string]entry), faulty: make(map[string]bool),
	}
	if isNull(node) {
		return m
	}
	if node.Kind != yaml.MappingNode {
		f.fault(m.at, name, "%s; want keys with values", kindOf(node))
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		m.add(entry{node.Content[i], node.Content[i+1]})
	}
	return m
}

func (m *mapping) add(e entry) {
	if e.key.Kind != yaml.ScalarNode {
		m.file.fault(placeOf(e.key), m.name, "a key that is no single value")
		return
	}
	name := e.key.Value
	if was, twice := m.entries[name]; twice {
		m.file.fault(placeOf(e.key), m.path(name), "is repeated; it stands at line %d before", was.key.Line)
		return
	}
	m.entries[name] = e
}

// keys are all that are there, in the order of the file.
func (m *mapping) keys() []string {
	return slices.SortedFunc(maps.Keys(m.entries), func(a, b string) int {
		x, y := placeOf(m.entries[a].key), placeOf(m.entries[b].key)
		if x.line != y.line {
			return x.line - y.line
		}
		return x.column - y.column
	})
}

// path is the key with those above it.
func (m *mapping) path(key string) string {
	if m.name == "" {
		return shownKey(key)
	}
	return m.name + "." + shownKey(key)
}

// look asks for a key.
func (m *mapping) look(key string) (*yaml.Node, bool) {
	if !slices.Contains(m.asked, key) {
		m.asked = append(m.asked, key)
	}
	e, ok := m.entries[key]
	return e.value, ok
}

// has reports whether the key is there.
func (m *mapping) has(key string) bool {
	_, ok := m.look(key)
	return ok
}

// child returns the mapping that is the value of key; nil if there is none.
func (m *mapping) child(key string) *mapping {
	value, ok := m.look(key)
	if !ok {
		return nil
	}
	below := m.file.mapping(m.path(key), value)
	if below == nil {
		m.faulty[key] = true
	}
	return below
}

// require records a fault for each of the keys that is not there.
func (m *mapping) require(keys ...string) {
	for _, key := range keys {
		if !m.has(key) {
			m.fault(key, "is missing")
		}
	}
}

// fault records what is wrong about the value of key, or about its absence. Only the first fault of a key counts.
func (m *mapping) fault(key, problem string, args ...any) {
	if m.faulty[key] {
		return
	}
	m.faulty[key] = true
	at := m.at
	if e, ok := m.entries[key]; ok {
		at = placeOf(e.value)
	}
	m.file.fault(at, m.path(key), problem, args...)
}

// sound reports whether nothing was found wrong about the keys of m.
func (m *mapping) sound() bool { return m == nil || len(m.faulty) == 0 }

// done records a fault for each key that nobody has asked for.
func (m *mapping) done() {
	for _, key := range m.keys() {
		if slices.Contains(m.asked, key) {
			continue
		}
		e := m.entries[key]
		if m.flow && isNull(e.value) && e.value.Value == "" {
			// It may be the rest of a password with a comma in it.
			m.file.fault(placeOf(e.key), m.name, "a key without a value; a value that has a comma in it needs quotes")
			continue
		}
		m.file.fault(placeOf(e.key), m.path(key), "not known%s; known: %s", m.meant(key), strings.Join(m.asked, ", "))
	}
}

// meant suggests the known key that is the nearest to an unknown one.
func (m *mapping) meant(key string) string {
	if len(key) > maxShown {
		return ""
	}
	key = strings.ToLower(key)
	near := nearest(key, m.asked)
	if near == "" || 2*editDistance(key, near) > len(key) {
		return ""
	}
	return "; did you mean " + near + "?"
}

// kindOf says what a node is, in words.
func kindOf(node *yaml.Node) string {
	switch {
	case isNull(node):
		return "has no value"
	case node.Kind == yaml.MappingNode:
		return "is keys with values"
	case node.Kind == yaml.SequenceNode:
		return "is a list"
	}
	return "is a single value"
}

// isNull reports whether there is nothing, or what stands for it.
func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.Tag == "!!null"
}

// maxShown is how much of a key or a value is repeated in a fault, in bytes.
const maxShown = 60

// shownKey is a key as faults name it: as it is if it looks like one, and in quotes if not.
func shownKey(key string) string {
	if key != "" && len(key) <= maxShown && strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789_-") == "" {
		return key
	}
	return quoted(key)
}

// quoted is a text in quotes, shortened if it is long.
func quoted(text string) string {
	if len(text) > maxShown {
		return fmt.Sprintf("%q...", strings.ToValidUTF8(text[:maxShown], ""))
	}
	return fmt.Sprintf("%q", text)
}
