package cometchat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/threadrelay/threadrelay/bus/event"
)

// mentionStart begins a mention in a text: "<@uid:ana>" (document "fundamentals/mentions").
const mentionStart = "<@uid:"

// renderMentions writes each "@uid" of a mentioned user as the platform's mention. It has to stand alone: behind a letter it
// is an address, and before one it is another user's.
func renderMentions(said string, users []event.UserID) string {
	ids := make([]string, 0, len(users))
	for _, u := range users {
		if id, err := uid(string(u)); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || !strings.Contains(said, "@") {
		return said
	}
	slices.SortFunc(ids, func(a, b string) int { return len(b) - len(a) }) // "@ana-maria" before "@ana"
	var b strings.Builder
	for i := 0; i < len(said); {
		id := mentionAt(said, i, ids)
		if id == "" {
			_, size := utf8.DecodeRuneInString(said[i:])
			b.WriteString(said[i : i+size])
			i += size
			continue
		}
		b.WriteString(mentionStart + id + ">")
		i += 1 + len(id)
	}
	return b.String()
}

// mentionAt returns who is mentioned at a place, or "".
func mentionAt(said string, i int, ids []string) string {
	if said[i] != '@' {
		return ""
	}
	if before, _ := utf8.DecodeLastRuneInString(said[:i]); i > 0 && (isUIDRune(before) || before == '<') {
		return ""
	}
	rest := said[i+1:]
	for _, id := range ids {
		if len(rest) < len(id) || !strings.EqualFold(rest[:len(id)], id) {
			continue
		}
		if after, _ := utf8.DecodeRuneInString(rest[len(id):]); len(rest) == len(id) || !isUIDRune(after) {
			return id
		}
	}
	return ""
}

func isUIDRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' }
