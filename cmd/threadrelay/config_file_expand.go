package main

import (
	"errors"
	"fmt"
	"strings"
)

// filePrefix begins what stands for the contents of a file.
const filePrefix = "file:"

// expand returns text with the values that its ${...} stand for: ${NAME} for a variable of the environment, which may be given
// as NAME_FILE too, and ${file:PATH} for the contents of a file without the newline at its end. What they stand for is not
// expanded again. $${ is a literal ${, and a $ before anything else is a $.
func (f *configFile) expand(text string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			out.WriteString(text)
			return out.String(), nil
		}
		if literal, escaped := strings.CutSuffix(before, "$"); escaped {
			out.WriteString(literal + "${")
			text = rest
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", errors.New("has a ${ without its }; a literal ${ is written $${")
		}
		value, err := f.lookup(name)
		if err != nil {
			return "", err
		}
		out.WriteString(before + value)
		if out.Len() > maxConfigFile {
			return "", fmt.Errorf("stands for more than %d bytes", maxConfigFile)
		}
		text = after
	}
}

// lookup returns what ${name} stands for.
func (f *configFile) lookup(name string) (string, error) {
	if path, ok := strings.CutPrefix(name, filePrefix); ok {
		if path == "" {
			return "", errors.New("${file:} names no file; want ${file:PATH}")
		}
		return readValue(f.path(path))
	}
	if !isVariable(name) {
		return "", errors.New("has a ${...} that names no variable; want ${NAME} or ${file:PATH}, and $${ for a literal ${")
	}
	value, err := valueOf(f.given, name)
	if err != nil {
		return "", fmt.Errorf("variable %s: %w", name, err)
	}
	if value == "" {
		return "", fmt.Errorf("variable %s is not set", name)
	}
	return value, nil
}

// isVariable reports whether name can be that of a variable: letters, digits and _, and no digit at first.
func isVariable(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != "" && len(name) <= maxShown
}
