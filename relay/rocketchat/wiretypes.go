package rocketchat

import (
	"encoding/json"
	"strconv"
	"time"
)

// lastMilli is the end of the year 9999, beyond which a time has no JSON form.
const lastMilli = 253402300799999

// loose is a text that is empty when the value is of any other type: an extra, without which the rest tells enough. A number
// is kept digit by digit.
type loose string

// UnmarshalJSON reads anything.
func (l *loose) UnmarshalJSON(b []byte) error {
	*l = ""
	var s string
	switch {
	case json.Unmarshal(b, &s) == nil:
		*l = loose(s) // null leaves it empty
	case len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9'):
		*l = loose(b)
	}
	return nil
}

// lenient is a T that is empty when the value is of any other type.
type lenient[T any] struct{ v T }

// UnmarshalJSON reads anything.
func (l *lenient[T]) UnmarshalJSON(b []byte) error {
	var v T
	if json.Unmarshal(b, &v) != nil {
		var zero T
		v = zero
	}
	l.v = v
	return nil
}

// listOf is a slice of the elements that are a T; it is empty when the value is no array.
type listOf[T any] struct{ v []T }

// UnmarshalJSON reads anything.
func (l *listOf[T]) UnmarshalJSON(b []byte) error {
	l.v = nil
	var rows []json.RawMessage
	_ = json.Unmarshal(b, &rows) // of anything else there are none
	for _, row := range rows {
		var v T
		if string(row) != "null" && json.Unmarshal(row, &v) == nil {
			l.v = append(l.v, v)
		}
	}
	return nil
}

// truth is true for true and for an object, as older servers send "bot", and false for everything else.
type truth bool

// UnmarshalJSON reads anything.
func (f *truth) UnmarshalJSON(b []byte) error {
	*f = truth(string(b) == "true" || len(b) > 0 && b[0] == '{')
	return nil
}

// instant is a time: an ISO 8601 text as REST has it, {"$date": milliseconds} as the realtime stream has it, or milliseconds as
// a number or a text, as single fields have them. Everything else is the zero time.
type instant struct{ time.Time }

// UnmarshalJSON reads anything.
func (i *instant) UnmarshalJSON(b []byte) error {
	i.Time = time.Time{}
	var wrapped struct {
		Date json.RawMessage `json:"$date"`
	}
	if len(b) > 0 && b[0] == '{' && json.Unmarshal(b, &wrapped) == nil {
		b = wrapped.Date
	}
	var s loose
	_ = s.UnmarshalJSON(b) // which takes anything
	if ms, err := strconv.ParseInt(string(s), 10, 64); err == nil {
		if ms > 0 && ms <= lastMilli {
			i.Time = time.UnixMilli(ms).UTC()
		}
		return nil
	}
	if at, err := time.Parse(time.RFC3339Nano, string(s)); err == nil && at.Year() > 1 && at.UnixMilli() <= lastMilli {
		i.Time = at.UTC()
	}
	return nil
}

// formatTime writes a time as the platform wants it: RFC 3339 with milliseconds and Z.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
