package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
)

// fileSuffix turns the name of a variable into the name of the variable that holds the path of a file with the value.
const fileSuffix = "_FILE"

// maxValueFile is the largest such file in bytes; a token or a key is far smaller.
const maxValueFile = 64 << 10

// variable is one environment variable as the struct tags of config describe it.
type variable struct {
	Name    string
	Default string // empty when there is none
	Unset   string // what the absence of a value means, when there is no default
	Help    string
	Allowed string
	Secret  bool
}

// variables lists what config reads, in the order of its fields.
func variables() []variable {
	var out []variable
	for _, i := range groups() {
		group := reflect.TypeFor[config]().Field(i).Type
		for j := range group.NumField() {
			field := group.Field(j)
			out = append(out, variable{
				Name:    field.Tag.Get("env"),
				Default: field.Tag.Get("envDefault"),
				Unset:   field.Tag.Get("unset"),
				Help:    field.Tag.Get("help"),
				Allowed: field.Tag.Get("allowed"),
				Secret:  field.Type == reflect.TypeFor[secret](),
			})
		}
	}
	return out
}

// groups are the numbers of the fields of config that hold variables. Those tagged "-" come from elsewhere.
func groups() []int {
	var out []int
	all := reflect.TypeFor[config]()
	for i := range all.NumField() {
		if all.Field(i).Tag.Get("env") != "-" {
			out = append(out, i)
		}
	}
	return out
}

// parseEnviron makes a map of a list of NAME=value. White space around a value is dropped, an empty value counts as none,
// and of two equal names the later wins.
func parseEnviron(environ []string) map[string]string {
	given := make(map[string]string, len(environ))
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" {
			continue
		}
		delete(given, name)
		if value = strings.TrimSpace(value); value != "" {
			given[name] = value
		}
	}
	return given
}

// resolve returns the values of the known variables, reading the files that NAME_FILE variables name.
func resolve(given map[string]string, found *faults) map[string]string {
	values := make(map[string]string)
	for _, v := range variables() {
		value, err := valueOf(given, v.Name)
		if err != nil {
			found.exclude(v.Name, err.Error())
			continue
		}
		if !v.Secret {
			value = strings.TrimSpace(value)
		}
		if value != "" {
			values[v.Name] = value
		}
	}
	return values
}

// valueOf returns the value of a variable, or what is in the file that its NAME_FILE names; it is empty if neither is set.
func valueOf(given map[string]string, name string) (string, error) {
	value, direct := given[name]
	path, byFile := given[name+fileSuffix]
	switch {
	case direct && byFile:
		return "", fmt.Errorf("is set and so is %s%s; keep one of them", name, fileSuffix)
	case byFile:
		text, err := readValue(path)
		if err != nil {
			return "", fmt.Errorf("%s%s: %w", name, fileSuffix, err)
		}
		return text, nil
	}
	return value, nil
}

// readValue returns the contents of a file without the newline at its end. White space that is part of a password stays.
// A file without contents is an error: it is a secret that was not filled in, not one that is not wanted.
func readValue(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // Naming the file is the purpose of the variable.
	if err != nil {
		return "", fmt.Errorf("cannot read %q: %w", path, reason(err))
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxValueFile+1))
	if err != nil {
		return "", fmt.Errorf("cannot read %q: %w", path, reason(err))
	}
	if len(text) > maxValueFile {
		return "", fmt.Errorf("file %q is larger than %d bytes", path, maxValueFile)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return "", fmt.Errorf("file %q is empty", path)
	}
	value := strings.TrimSuffix(string(text), "\n")
	return strings.TrimSuffix(value, "\r"), nil
}

// reason strips the path from a file error, as the message around it has the path in quotes already.
func reason(err error) error {
	var wrong *os.PathError
	if errors.As(err, &wrong) {
		return wrong.Err
	}
	return err
}

// unknownVariables returns a warning for each variable that looks like ours and is not, in the order of their names.
func unknownVariables(given map[string]string) []string {
	var known []string
	for _, v := range variables() {
		known = append(known, v.Name, v.Name+fileSuffix)
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !strings.HasPrefix(name, "THREADRELAY_") || slices.Contains(known, name) || serviceLink(name, given[name]) {
			continue
		}
		warning := name + " is not a known variable and has no effect"
		if near := nearest(name, known); near != "" {
			warning += "; did you mean " + near + "?"
		}
		out = append(out, warning)
	}
	return out
}
