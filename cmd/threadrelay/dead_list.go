package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// deadRow is a row of the listing up to the reason, whose column it leaves to the rest of the line.
	deadRow = "%-6s  %-20s  %-7s  %-16s  %-12s  %8s  "
	// defaultWidth is how wide a listing is where COLUMNS does not tell.
	defaultWidth = 120
	// minReason is the least of a reason that is shown, however narrow the terminal is.
	minReason = 20
)

// listDead prints the letters that fit, as a table or as JSON.
func listDead(ctx context.Context, inv invocation, client *deadClient, call deadCall) error {
	width, n := columns(inv.environ), 0
	for l, err := range client.list(ctx, call.filter) {
		if err != nil {
			return err
		}
		n++
		if call.json {
			if err := writeJSONLine(inv.stdout, l); err != nil {
				return err
			}
			continue
		}
		if n == 1 {
			fmt.Fprintf(inv.stdout, deadRow+"%s\n", "ID", "STORED", "STAGE", "CONSUMER", "CONNECTION", "ATTEMPTS", "REASON")
		}
		start := fmt.Sprintf(deadRow, l.ID, moment(l.Stored), printable(l.Stage), printable(l.Consumer), dash(printable(l.Connection)), strconv.Itoa(l.Attempts))
		fmt.Fprintln(inv.stdout, start+cut(printable(l.Reason), max(width-utf8.RuneCountInString(start), minReason)))
	}
	if !call.json {
		fmt.Fprintln(inv.stdout, counted(n, call.chosen))
	}
	return nil
}

// counted says how many letters there are.
func counted(n int, chosen bool) string {
	switch {
	case n == 0 && chosen:
		return "no dead letter fits"
	case n == 0:
		return "no dead letters"
	case n == 1:
		return "1 dead letter"
	}
	return strconv.Itoa(n) + " dead letters"
}

// columns is the width of the terminal in characters, as far as the shell tells it.
func columns(environ []string) int {
	if n, err := strconv.Atoi(parseEnviron(environ)["COLUMNS"]); err == nil && n > 0 {
		return n
	}
	return defaultWidth
}

// cut shortens s to width characters.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// moment prints a time in UTC to the second, and none as a dash.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// printable shows as an escape what a terminal might obey, or not show: whoever writes to a platform writes what is printed
// here. Line breaks and tabs stay.
func printable(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// field prints one line of a description.
func field(w io.Writer, name, value string) {
	if value != "" {
		fmt.Fprintf(w, "%-11s %s\n", name, printable(value))
	}
}
