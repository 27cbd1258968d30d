package cometchat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitText cuts a text into pieces, the first of which has at most first bytes as JSON and the others at most rest. It cuts
// at the end of a paragraph if one ends in the second half of what fits, else of a line, a sentence, a word, and else between
// two characters as people see them. White space at a cut is dropped; nothing else is.
func splitText(s string, first, rest int) []string {
	var pieces []string
	room := first
	for s != "" {
		piece, next := s, ""
		if n := cut(s, room); n < len(s) {
			piece, next = trimCut(s, n)
		}
		if strings.TrimSpace(piece) != "" { // which would be refused
			pieces = append(pieces, piece)
			room = rest
		}
		s = next
	}
	return pieces
}

// trimCut cuts at n and drops the white space around, but for what indents the line behind it.
func trimCut(s string, n int) (piece, next string) {
	from := len(strings.TrimRightFunc(s[:n], unicode.IsSpace))
	to := len(s) - len(strings.TrimLeftFunc(s[n:], unicode.IsSpace))
	if line := strings.LastIndex(s[from:to], "\n"); line >= 0 {
		to = from + line + 1
	}
	return s[:from], s[to:]
}

// The kinds of places to cut at, best first.
const (
	atParagraph = iota
	atLine
	atSentence
	atWord
	cutKinds
)

// cut returns how many bytes of a text are the next piece: at least one character, whatever the room.
func cut(s string, room int) int {
	var ends [cutKinds]int // the last of each kind
	size, character := 0, 0
	for i, r := range s {
		if i > 0 && !joined(s, i, r) {
			character = i
		}
		if size += jsonSize(s[i:], r); size > room && character > 0 {
			return best(ends, s, character)
		}
		if kind, ok := endsAt(s, i, r); ok {
			for k := kind; k < cutKinds; k++ { // the end of a line is that of a word as well
				ends[k] = i + utf8.RuneLen(r)
			}
		}
	}
	return len(s)
}

// best returns the best place before the last character that fits. Places in the first half of it are not worth it, except
// between words.
func best(ends [cutKinds]int, s string, character int) int {
	for kind, end := range ends {
		if end > character/2 || kind == atWord && end > 0 {
			return min(end, character)
		}
	}
	open := strings.LastIndex(s[:character], mentionStart[:1])
	if open > 0 && strings.HasPrefix(s[open:], mentionStart) && !strings.Contains(s[open:character], ">") {
		return open // a mention stays whole
	}
	return character
}

// endsAt reports whether something ends behind the white space at a place.
func endsAt(s string, i int, r rune) (int, bool) {
	if !unicode.IsSpace(r) {
		return 0, false
	}
	before := strings.TrimRight(s[:i], "\r")
	switch {
	case r == '\n' && strings.HasSuffix(before, "\n"):
		return atParagraph, true
	case r == '\n':
		return atLine, true
	case strings.HasSuffix(before, ".") || strings.HasSuffix(before, "!") || strings.HasSuffix(before, "?") || strings.HasSuffix(before, "…"):
		return atSentence, true
	}
	return atWord, true
}

// jsonSize returns how many bytes a character has as JSON. What is no UTF-8 is written as U+FFFD.
func jsonSize(s string, r rune) int {
	switch {
	case r == utf8.RuneError:
		if _, size := utf8.DecodeRuneInString(s); size == 1 {
			return len(`\ufffd`)
		}
	case r == '"' || r == '\\' || r == '\n' || r == '\r' || r == '\t' || r == '\b' || r == '\f':
		return len(`\n`)
	case r < ' ' || r == '\u2028' || r == '\u2029':
		return len(`\u0000`)
	}
	return utf8.RuneLen(r)
}

// joined reports whether the character at a place belongs to the one before it: marks, joiners and what they join, skin tones,
// and the second half of a flag. It keeps together what people see as one in nearly all cases (Unicode annex 29 has all).
func joined(s string, i int, r rune) bool {
	before, size := utf8.DecodeLastRuneInString(s[:i])
	const joiner = '\u200d'
	switch {
	case unicode.Is(unicode.M, r) || r == joiner || before == joiner:
		return true
	case r >= 0x1f3fb && r <= 0x1f3ff: // skin tones
		return true
	case r >= 0xe0020 && r <= 0xe007f: // tags of regional flags
		return true
	case r == '\n' && before == '\r':
		return true
	case isRegional(r) && isRegional(before):
		return regionals(s[:i-size])%2 == 0
	}
	return false
}

// regionals counts the regional indicators at the end of a text.
func regionals(s string) int {
	n := 0
	for {
		r, size := utf8.DecodeLastRuneInString(s)
		if !isRegional(r) {
			return n
		}
		n, s = n+1, s[:len(s)-size]
	}
}

func isRegional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }
