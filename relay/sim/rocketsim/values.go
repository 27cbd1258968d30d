package rocketsim

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// text is a value as a string; "" when it is none.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// list is a value as an array; nil when it is none.
func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// object is a value as an object; nil when it is none.
func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// texts is a value as strings: one, or an array of them.
func texts(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	var out []string
	for _, one := range list(v) {
		if s, ok := one.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// parseAny reads a time as JavaScript's Date takes one: a string, or milliseconds since 1970 as a number.
func parseAny(v any) (time.Time, bool) {
	switch v := v.(type) {
	case string:
		return parseDate(v)
	case json.Number:
		ms, err := v.Int64()
		return time.UnixMilli(ms).UTC(), err == nil
	}
	return time.Time{}, false
}

// parseDate reads what Date.parse reads of ISO 8601: a date, or a date and a time after T or a space, with or without seconds, parts
// of seconds and a zone. Without a zone it is UTC, the zone of servers in containers.
func parseDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) > len("2006-01-02") && s[len("2006-01-02")] == ' ' {
		s = s[:len("2006-01-02")] + "T" + s[len("2006-01-02")+1:]
	}
	for _, layout := range []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "2006-01", "2006",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}

// parseMillis reads a cursor: milliseconds since 1970, as parseInt does, which stops at the first character that is no digit.
func parseMillis(s string) (time.Time, bool) {
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && s[end] == '-') {
		end++
	}
	ms, err := strconv.ParseInt(s[:end], 10, 64)
	return time.UnixMilli(ms).UTC(), err == nil
}
