package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/threadrelay/threadrelay/relay/egress"
)

// scalar is a single value.
type scalar struct {
	at   place
	raw  string // as it stands in the file
	text string // with what its ${...} stand for
}

// hidden reports whether the file does not show the value: then no fault may do so.
func (s scalar) hidden() bool { return s.raw != s.text }

// shown is the value as the file shows it. It is for keys that hold no secrets.
func (s scalar) shown() string { return quoted(s.raw) }

// scalar returns the value of key. If it is absent, or not a single value, there is none.
func (m *mapping) scalar(key string) (scalar, bool) {
	node, ok := m.look(key)
	if !ok {
		return scalar{}, false
	}
	value, err := m.file.scalar(node)
	if err != nil {
		m.fault(key, "%v", err)
		return scalar{}, false
	}
	return value, true
}

// scalar reads a node as a single value that is not empty. Numbers and other words that YAML has a meaning for are taken as they
// are written, so that nobody has to know which those are.
func (f *configFile) scalar(node *yaml.Node) (scalar, error) {
	if isNull(node) || node.Kind != yaml.ScalarNode {
		return scalar{}, fmt.Errorf("%s; want a single value", kindOf(node))
	}
	text, err := f.expand(node.Value)
	if err != nil {
		return scalar{}, err
	}
	if strings.TrimSpace(text) == "" {
		return scalar{}, fmt.Errorf("is empty; leave the key out, or give it a value")
	}
	return scalar{at: placeOf(node), raw: node.Value, text: text}, nil
}

// text returns the value of key; empty if it is absent.
func (m *mapping) text(key string) string {
	value, _ := m.scalar(key)
	return value.text
}

// choice returns the value of key, which has to be one of the known words, in lower case; empty if it is absent.
func (m *mapping) choice(key string, known ...string) string {
	value, ok := m.scalar(key)
	if !ok {
		return ""
	}
	word := strings.ToLower(value.text)
	if !slices.Contains(known, word) {
		m.fault(key, "%s is not known; known: %s", value.shown(), strings.Join(known, ", "))
		return ""
	}
	return word
}

// duration returns the value of key, which has to be least or longer; 0 if it is absent.
func (m *mapping) duration(key string, least time.Duration) time.Duration {
	value, ok := m.scalar(key)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(value.text)
	switch {
	case err != nil:
		m.fault(key, "%s is not a duration; want one such as 5s, 10m or 24h", value.shown())
		return 0
	case d < least:
		m.fault(key, "%s is too short; want %s at least", value.shown(), least)
		return 0
	}
	return d
}

// flag returns the value of key; false if it is absent.
func (m *mapping) flag(key string) bool { return m.choice(key, "true", "false") == "true" }

// integer returns the value of key; 0 if it is absent.
func (m *mapping) integer(key string) int {
	value, ok := m.scalar(key)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(value.text)
	if err != nil {
		m.fault(key, "%s is not a whole number", value.shown())
		return 0
	}
	return n
}

// address returns the value of key, which has to be the http or https address of an API; empty if it is absent. It returns one
// that is wrong too, as it makes others superfluous all the same.
func (m *mapping) address(key string) string {
	value, ok := m.scalar(key)
	if !ok {
		return ""
	}
	if err := checkHTTP(value.text); err != nil { // which repeats no part of the address
		m.fault(key, "%v; want an http or https address such as https://chat.example.org", err)
	}
	return value.text
}

// authorities returns the path that key has of a PEM file with certificates, which goes from the file's folder; empty if it is
// absent.
func (m *mapping) authorities(key string) string {
	value, ok := m.scalar(key)
	if !ok {
		return ""
	}
	if isContents(value.text) {
		m.fault(key, "holds the contents of a file; want the path of it")
		return ""
	}
	path := m.file.path(value.text)
	if _, err := egress.Authorities(path); err != nil {
		if value.hidden() {
			err = fmt.Errorf("%s is not the path of a file with certificates in PEM", value.shown())
		}
		m.fault(key, "%v", err)
	}
	return path
}

// list returns the single values in the list that key has; none if it is absent.
func (m *mapping) list(key string) []scalar {
	node, ok := m.look(key)
	if !ok {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		m.fault(key, "%s; want a list such as [one, two]", kindOf(node))
		return nil
	}
	var out []scalar
	for _, item := range node.Content {
		value, err := m.file.scalar(item)
		if err != nil {
			m.itemFault(key, placeOf(item), err.Error())
			continue
		}
		out = append(out, value)
	}
	return out
}

// itemFault records what is wrong about an item of the list that key has.
func (m *mapping) itemFault(key string, at place, problem string) {
	m.faulty[key] = true
	m.file.fault(at, m.path(key), "%s", problem)
}
