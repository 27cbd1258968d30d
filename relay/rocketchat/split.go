package rocketchat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// utf16Len returns the length of a text in UTF-16 code units, in which the platform counts.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16Size(r)
	}
	return n
}

func utf16Size(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// splitText cuts a text into pieces of at most room UTF-16 code units, and returns one that fits as it is. It cuts at the end
// of a paragraph if one ends in the second half of what fits, else of a line, a sentence, a word, and else between two
// characters as people see them. White space at a cut is dropped; nothing else is. A block of code that is cut is closed before
// the cut and opened again behind it.
func splitText(s string, room int) []string {
	if utf16Len(s) <= room {
		return []string{s}
	}
	fenced := strings.Contains(s, fence)
	if fenced {
		room -= fenceRoom
	}
	var pieces []string
	for s != "" {
		piece, next := s, ""
		if n := cut(s, room); n < len(s) {
			piece, next = trimCut(s, n)
		}
		if strings.TrimSpace(piece) != "" { // which would be refused
			pieces = append(pieces, piece)
		}
		s = next
	}
	if fenced {
		mendFences(pieces)
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

// cut returns how many bytes of a text are the next piece: at least one character of Unicode, whatever the room.
func cut(s string, room int) int {
	var ends [cutKinds]int // the last of each kind
	size, character := 0, 0
	flags := 0 // regional indicators in a row, two of which are one character
	for i, r := range s {
		if i > 0 && !clings(s[:i], r, flags) {
			character = i
		}
		if flags++; !isRegional(r) {
			flags = 0
		}
		if size += utf16Size(r); size > room && i > 0 {
			if character == 0 { // one that is longer than the room
				return i
			}
			return best(ends, character)
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
func best(ends [cutKinds]int, character int) int {
	for kind, end := range ends {
		if end > character/2 || kind == atWord && end > 0 {
			return min(end, character)
		}
	}
	return character
}

// endsAt reports whether something ends behind the white space at a place.
func endsAt(s string, i int, r rune) (int, bool) {
	if !unicode.IsSpace(r) {
		return 0, false
	}
	before := strings.TrimSuffix(s[:i], "\r")
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

// clings reports whether a character belongs to what stands before it: marks, joiners and what they join, skin tones, and the
// second half of a flag. It keeps together what people see as one in nearly all cases (Unicode annex 29 has all).
func clings(before string, r rune, flags int) bool {
	const joiner = '\u200d'
	last, _ := utf8.DecodeLastRuneInString(before)
	switch {
	case unicode.Is(unicode.M, r) || r == joiner || last == joiner:
		return true
	case r >= 0x1f3fb && r <= 0x1f3ff: // skin tones
		return true
	case r >= 0xe0020 && r <= 0xe007f: // tags of regional flags
		return true
	case r == '\n' && last == '\r':
		return true
	}
	return isRegional(r) && flags%2 == 1
}

func isRegional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// fence begins and ends a block of code.
const fence = "```"

// fenceRoom is what closing a block and opening it again takes, with the longest language.
const (
	maxLanguage = 32
	fenceRoom   = 2*(len(fence)+len("\n")) + maxLanguage
)

// mendFences closes each block of code that a cut has left open, and opens it again in the next piece.
func mendFences(pieces []string) {
	open := ""
	for i, piece := range pieces {
		if open != "" {
			piece = open + "\n" + piece
		}
		if open = openFence(piece); open != "" && i < len(pieces)-1 {
			piece += "\n" + fence
		}
		pieces[i] = piece
	}
}

// openFence returns the line that opens the block of code which a text leaves open, or "".
func openFence(s string) string {
	open := ""
	for line := range strings.SplitSeq(s, "\n") {
		switch line = strings.TrimRight(line, " \t\r"); {
		case !strings.HasPrefix(line, fence):
		case open != "":
			open = ""
		case len(line) > len(fence)+maxLanguage || strings.Contains(line[len(fence):], "`"):
			// no block begins with this
		default:
			open = line
		}
	}
	return open
}
