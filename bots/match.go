package bots

import (
	"fmt"
	"regexp"
)

// Matcher decides whether a handler is for a message.
type Matcher struct {
	match func(*Message) bool
	err   error
}

// Text matches messages whose text matches a regular expression in the syntax of package regexp.
func Text(pattern string) Matcher {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return Matcher{err: fmt.Errorf("text pattern: %w", err)}
	}
	return Matcher{match: func(m *Message) bool { return re.MatchString(m.Text) }}
}
