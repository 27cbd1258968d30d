package cometchat

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of the platform's values. Ids of users and groups have at most 100 characters and are forced to lower case by the
// server (document "articles/properties-and-constraints"); message ids are decimal numbers that rise app-wide.
const (
	maxMessageID = 20
	maxUID       = 100
)

// messageID returns a message id, or an error if it is none.
func messageID(t text) (string, error) {
	s := string(t)
	switch {
	case s == "":
		return "", errors.New("message id is missing")
	case len(s) > maxMessageID:
		return "", fmt.Errorf("message id has %d digits, at most %d are allowed", len(s), maxMessageID)
	case strings.Trim(s, "0123456789") != "":
		return "", errors.New("message id is not a decimal number")
	case strings.Trim(s, "0") == "":
		return "", errors.New("message id is zero")
	}
	return s, nil
}

// uid returns the id of a user or a group in lower case, or an error if it is none.
func uid(t string) (string, error) {
	s := strings.ToLower(t)
	switch {
	case s == "":
		return "", errors.New("id is missing")
	case len(s) > maxUID:
		return "", fmt.Errorf("id is %d bytes long, at most %d are allowed", len(s), maxUID)
	case s == "." || s == "..":
		return "", errors.New("id would change a path")
	case strings.ContainsFunc(s, unfitForID):
		return "", errors.New("id has white space or control characters")
	}
	return s, nil
}

func unfitForID(r rune) bool {
	return r <= ' ' || r >= 0x7f && r <= 0xa0 || r == '\u2028' || r == '\u2029'
}
