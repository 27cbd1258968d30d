package bus

import (
	"errors"
	"fmt"
	"strings"
)

// maxStateKey bounds a key, in bytes. Encoded it is three times as long at most, which fits with the rest of a publication's
// protocol line into the 4096 bytes that a server takes by default.
const maxStateKey = 1200

// subject is where a key is stored.
func (s *State) subject(key string) (string, error) {
	if key == "" {
		return "", fmt.Errorf("bus: state %s: %w", s.name, errors.New("the key is empty"))
	}
	if len(key) > maxStateKey {
		return "", fmt.Errorf("bus: state %s: key %.40q…: it is %d bytes long, at most %d are allowed", s.name, key, len(key), maxStateKey)
	}
	return statePrefix(s.name) + encodeKey(key), nil
}

// encodeKey makes any string a valid key of a NATS bucket (-/_=.a-zA-Z0-9), different ones for different strings: letters,
// digits, "_" and "-" stand for themselves, and every other byte is "=" and two hexadecimal digits. So does a "_" at the
// start, since NATS reserves keys that begin with "_kv".
func encodeKey(key string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' && i > 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('=')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}
