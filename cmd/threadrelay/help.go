package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// helpWidth is the width of the column that explains a variable.
const helpWidth = 62

const serveIntroduction = `Usage: threadrelay serve

Runs the relay and the bundled bots until it is interrupted. It is configured by environment variables, and by the YAML
file that THREADRELAY_CONFIG names, if any.

Every variable NAME may also be given as NAME_FILE: the path of a file that holds the value, for secrets that are
mounted as files. Setting both is an error. An empty value counts as not set.

`

const serveExitCodes = `
The first interrupt drains and exits within 10 seconds, a second one exits at once.
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
`

// writeServeHelp writes how to use the serve command: every variable with its default and meaning, as the struct tags of
// config have them.
func writeServeHelp(w io.Writer) {
	rows := [][3]string{{"VARIABLE", "DEFAULT", "MEANING"}}
	for _, v := range variables() {
		rows = append(rows, [3]string{v.Name, shownDefault(v), v.Help})
	}
	var names, defaults int
	for _, row := range rows {
		names, defaults = max(names, len(row[0])), max(defaults, len(row[1]))
	}
	var out bytes.Buffer
	out.WriteString(serveIntroduction)
	for _, row := range rows {
		for i, line := range wrap(row[2], helpWidth) {
			if i > 0 {
				row[0], row[1] = "", ""
			}
			fmt.Fprintf(&out, "%-*s  %-*s  %s\n", names, row[0], defaults, row[1], line)
		}
	}
	out.WriteString(serveExitCodes)
	_, _ = w.Write(out.Bytes()) // Nobody is left to tell when the terminal is gone.
}

// shownDefault is what stands in the column of defaults.
func shownDefault(v variable) string {
	switch {
	case v.Default != "":
		return v.Default
	case v.Unset != "":
		return v.Unset
	}
	return "none"
}

// wrap breaks text at spaces into lines of at most width bytes, one line at least. A longer word has a line of its own.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
