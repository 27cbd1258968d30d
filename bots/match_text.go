package bots

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/threadrelay/threadrelay/bus/event"
)

// errEmpty is the fault of the zero Matcher.
var errEmpty = errors.New("an empty matcher")

func (m Matcher) fault() error {
	if m.err == nil && m.test == nil {
		return errEmpty
	}
	return m.err
}

// Text matches messages whose text matches a regular expression in the syntax of package regexp. Its named groups are found
// in [Message.Groups].
func Text(pattern string) Matcher {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return Matcher{err: fmt.Errorf("text pattern: %w", err)}
	}
	names := re.SubexpNames()
	if !slices.ContainsFunc(names, func(name string) bool { return name != "" }) {
		return matching(func(m *Message) bool { return re.MatchString(m.Text) })
	}
	return matching(func(m *Message) bool {
		found := re.FindStringSubmatchIndex(m.Text)
		if found == nil {
			return false
		}
		m.Groups = make(map[string]string)
		for i, name := range names {
			if name != "" && found[2*i] >= 0 {
				m.Groups[name] = m.Text[found[2*i]:found[2*i+1]]
			}
		}
		return true
	})
}

// Keyword matches messages that hold one of the words, or sequences of words, as a whole and in any case.
func Keyword(words ...string) Matcher {
	if len(words) == 0 {
		return Matcher{err: errors.New("keyword: no word")}
	}
	for i, w := range words {
		if words[i] = folded(w); words[i] == "" {
			return Matcher{err: fmt.Errorf("keyword: %q holds neither a letter nor a digit", w)}
		}
	}
	return matching(func(m *Message) bool {
		text := " " + folded(m.Text) + " "
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, " "+w+" ") })
	})
}

// folded is the words of a text, in lower case, with one space between them.
func folded(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)
	})
	return strings.Join(words, " ")
}

// Mentioned matches messages that mention the bot: the user in whose name it speaks.
func Mentioned() Matcher {
	return matching(func(m *Message) bool {
		self := m.self()
		return self != "" && m.Event.Message != nil && slices.Contains(m.Event.Message.Mentions, self)
	})
}

// HasAttachment matches messages with a file.
func HasAttachment() Matcher {
	return matching(func(m *Message) bool { return m.Event.Message != nil && len(m.Event.Message.Attachments) > 0 })
}

// isEmoji reports a reaction with one of the emoji, or with any if there are none.
func isEmoji(m *Message, emoji []string) bool {
	r := m.Event.Reaction
	return r != nil && (len(emoji) == 0 || slices.ContainsFunc(emoji, func(e string) bool {
		return strings.Trim(e, ":") == strings.Trim(r.Emoji, ":")
	}))
}

// self is the user in whose name the bot answers.
func (m *Message) self() event.UserID {
	if as := m.Thread.out.bot.as; as != "" {
		return as
	}
	return m.Event.Self
}
