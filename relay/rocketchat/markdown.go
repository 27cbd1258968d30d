package rocketchat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// guard is a space without width. It keeps apart what would mean something together.
const guard = "\u200b"

// EscapeText writes plain text so that the platform's Markdown shows it as it is (package "message-parser" of the server). It
// escapes with a backslash what takes one (* _ ~ ` and, where they mean something, # and .), and only where it could mean
// something: notifications show backslashes. What takes no backslash (links, quotes, spoilers, rulers, times) gets a space
// without width. Addresses of the web stay as they are; so do lists, which look the same, and names of emojis.
func EscapeText(plain string) string {
	lines := strings.SplitAfter(plain, "\n")
	for i, line := range lines {
		lines[i] = escapeLine(line)
	}
	return strings.Join(lines, "")
}

// line is a line of a text, and what of it counts for its characters. No emphasis goes beyond a line.
type line struct {
	text                         string
	stars, tildes, ticks, unders int // how many there are
	lastPipe                     int
}

func newLine(s string) line {
	return line{
		text: s, stars: strings.Count(s, "*"), tildes: strings.Count(s, "~"), ticks: strings.Count(s, "`"), unders: strings.Count(s, "_"),
		lastPipe: strings.LastIndexByte(s, '|'),
	}
}

func escapeLine(s string) string {
	l := newLine(s)
	var b strings.Builder
	switch {
	case strings.HasPrefix(s, ">"), isRuler(s):
		b.WriteString(guard)
	case isHeading(s):
		b.WriteString(`\`)
	}
	for at := 0; at < len(s); {
		if n := urlLength(s, at); n > 0 {
			b.WriteString(s[at : at+n])
			at += n
			continue
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		b.WriteString(l.escape(at, size))
		at += size
	}
	return b.String()
}

// escape returns how the character at a place is written.
func (l *line) escape(at, size int) string {
	char, after := l.text[at:at+size], l.text[at+size:]
	special := false
	switch char {
	case "*":
		special = l.stars > 1
	case "~":
		special = l.tildes > 1
	case "`":
		special = l.ticks > 1
	case "_":
		special = l.unders > 1 && !betweenWords(l.text, at)
	case `\`:
		if after != "" && strings.ContainsRune("*_~`#.", rune(after[0])) { // which it would escape
			return char + guard
		}
	case "]":
		if strings.HasPrefix(after, "(") {
			return char + guard
		}
	case "|":
		if strings.HasPrefix(after, "|") {
			return char + guard
		}
	case "<":
		if l.lastPipe > at || strings.HasPrefix(after, "t:") {
			return char + guard
		}
	}
	if special {
		return `\` + char
	}
	return char
}

// betweenWords reports whether a letter or a digit stands on either side: snake_case is no emphasis.
func betweenWords(line string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(line[:at])
	after, _ := utf8.DecodeRuneInString(line[at+1:])
	return isAlphanumeric(before) && isAlphanumeric(after)
}

func isAlphanumeric(r rune) bool { return r <= unicode.MaxASCII && strings.ContainsRune(base62, r) }

// isHeading reports a line of 1 to 4 "#" and what they are the heading of.
func isHeading(line string) bool {
	rest := strings.TrimLeft(line, "#")
	n := len(line) - len(rest)
	return n >= 1 && n <= 4 && (strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "\t"))
}

// isRuler reports a line that is a ruler, or the one between the head of a table and its rows.
func isRuler(line string) bool {
	line = strings.TrimSpace(line)
	return strings.Contains(line, "---") && strings.Trim(line, "-|: \t") == ""
}

// urlLength returns how long the address is that begins at a place of a line; 0 if none does.
func urlLength(line string, at int) int {
	rest := line[at:]
	if rest[0] != 'h' && rest[0] != 'H' || !hasPrefixFold(rest, "http://") && !hasPrefixFold(rest, "https://") {
		return 0
	}
	if before, _ := utf8.DecodeLastRuneInString(line[:at]); at > 0 && isAlphanumeric(before) {
		return 0
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || r == '<' || r == '>' || r == '|' })
	if end < 0 {
		end = len(rest)
	}
	if label := strings.Index(rest[:end], "]("); label >= 0 {
		end = label
	}
	return len(strings.TrimRight(rest[:end], ".,!%~*\"':;()=")) // which the server's parser leaves out as well
}

// DefuseMentions writes a text so that it mentions nobody: behind the "@" of each name it puts a space without width. Names
// in except, without "@", stay as they are. It goes by the server's own rule (setting UTF8_User_Names_Validation), and takes in
// what newer parsers may take for a mention. The server's rule looks into code as well, so that this does.
func DefuseMentions(text string, except ...string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		b.WriteRune(r)
		if r != '@' || !opensMention(text[:i]) {
			continue
		}
		name := mentionedName(text[i+1:])
		if name != "" && !slices.ContainsFunc(except, func(e string) bool { return strings.EqualFold(e, name) }) {
			b.WriteString(guard)
		}
	}
	return b.String()
}

// opensMention reports whether an "@" behind a text can begin a mention: at the beginning, behind white space and what ends a
// tag by the server's rule; behind what opens something, and another "@", by that of parsers.
func opensMention(before string) bool {
	r, size := utf8.DecodeLastRuneInString(before)
	if size == 0 {
		return true
	}
	return unicode.IsSpace(r) || r == '\ufeff' || strings.ContainsRune(">([{)]}*_~^|\\\"'`@", r)
}

// mentionedName returns the name at the beginning of a text, without what ends a sentence; "" if there is none.
func mentionedName(s string) string {
	s = s[:min(len(s), 2*maxID)] // of more, the beginning says enough
	end := strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' && r != '.' && r != '@' && r != ':'
	})
	if end < 0 {
		end = len(s)
	}
	if name := strings.TrimRight(s[:end], ".:@"); name != "" {
		return name
	}
	return s[:end]
}
