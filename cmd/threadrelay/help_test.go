package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestServeHelpShowsEveryVariable(t *testing.T) {
	var out bytes.Buffer
	writeServeHelp(&out)
	rows := make(map[string]string)
	for line := range strings.Lines(out.String()) {
		if name, rest, ok := strings.Cut(line, " "); ok {
			rows[name] = strings.TrimSpace(rest)
		}
	}
	for _, line := range contract() {
		name, want, _ := strings.Cut(strings.TrimSuffix(line, "!"), "=")
		row, ok := rows[name]
		if !ok {
			t.Errorf("the help does not show %s", name)
			continue
		}
		if want != "" && !strings.HasPrefix(row, want+" ") {
			t.Errorf("%s: row %q does not begin with the default %q", name, row, want)
		}
	}
	all := strings.Join(strings.Fields(out.String()), " ")
	for _, v := range variables() {
		first := strings.Join(strings.Fields(wrap(v.Help, helpWidth)[0]), " ")
		if !strings.Contains(all, v.Name+" "+shownDefault(v)+" "+first) {
			t.Errorf("the help of %s is not in its row", v.Name)
		}
		for _, line := range wrap(v.Help, helpWidth) {
			if !strings.Contains(out.String(), "  "+line+"\n") {
				t.Errorf("%s: the help lacks the line %q", v.Name, line)
			}
		}
	}
}

func TestServeHelpIsAligned(t *testing.T) {
	var out bytes.Buffer
	writeServeHelp(&out)
	lines := strings.Split(out.String(), "\n")
	head := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "VARIABLE ") })
	if head < 0 {
		t.Fatalf("no head of the table in\n%s", out.String())
	}
	defaults, meaning := strings.Index(lines[head], "DEFAULT"), strings.Index(lines[head], "MEANING")
	rows := 0
	for _, line := range lines[head:] {
		if line == "" {
			break
		}
		rows++
		for _, column := range []int{defaults, meaning} {
			if len(line) <= meaning || line[column-2:column] != "  " {
				t.Errorf("column %d does not begin in %q", column, line)
			}
		}
		if line[meaning] == ' ' {
			t.Errorf("the meaning is not at column %d of %q", meaning, line)
		}
	}
	if rows <= len(variables()) {
		t.Errorf("the table has %d rows, want the head and %d variables at least", rows, len(variables()))
	}
	for _, line := range lines {
		if len(line) > 120 {
			t.Errorf("line of %d bytes: %q", len(line), line)
		}
	}
}

func TestServeHelpNamesUsageAndExitCodes(t *testing.T) {
	var out bytes.Buffer
	writeServeHelp(&out)
	for _, want := range []string{"Usage: threadrelay serve\n", "NAME_FILE", "0 done, 1 failed, 2 wrong usage or configuration"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %q", want)
		}
	}
}

func TestShownDefault(t *testing.T) {
	tests := []struct {
		v    variable
		want string
	}{
		{variable{Default: "1"}, "1"}, {variable{Unset: "automatic"}, "automatic"}, {variable{}, "none"},
	}
	for _, tt := range tests {
		if got := shownDefault(tt.v); got != tt.want {
			t.Errorf("shownDefault(%+v) = %q, want %q", tt.v, got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"aa bb cc", []string{"aa bb", "cc"}},
		{"aaaaaaaa b", []string{"aaaaaaaa", "b"}},
		{"  aa   bb ", []string{"aa bb"}},
	}
	for _, tt := range tests {
		if got := wrap(tt.text, 5); !slices.Equal(got, tt.want) {
			t.Errorf("wrap(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}
