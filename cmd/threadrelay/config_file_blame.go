package main

import (
	"errors"
	"strings"
)

// spot is a key of a mapping.
type spot struct {
	in  *mapping
	key string
}

// blame records what a platform finds wrong with its own Config, each fault at the key that the field is read from. It expects
// what Config.Validate returns: errors joined, each of the form "platform: Field: what is wrong".
func (m *mapping) blame(err error, fields map[string]spot) {
	if err == nil {
		return
	}
	var all interface{ Unwrap() []error }
	if errors.As(err, &all) {
		for _, one := range all.Unwrap() {
			m.blame(one, fields)
		}
		return
	}
	_, rest, _ := strings.Cut(err.Error(), ": ")
	field, problem, ok := strings.Cut(rest, ": ")
	s := fields[field]
	if !ok || s.in == nil {
		m.file.fault(m.at, m.name, "%v", err)
		return
	}
	s.in.fault(s.key, "%s", s.in.clean(s.key, problem))
}

// clean returns what a platform says about the value of key, unless it quotes what a ${...} in it stands for: that may be a
// secret which somebody has put at the wrong key.
func (m *mapping) clean(key, problem string) string {
	value, ok := m.scalar(key)
	if ok && value.hidden() && strings.Contains(strings.ToLower(problem), strings.ToLower(value.text)) {
		return "what " + value.shown() + " stands for is not allowed here"
	}
	return problem
}
