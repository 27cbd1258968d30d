package cometchat

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"time"
)

// lastSecond is the end of the year 9999, beyond which a time has no JSON form. firstMillis is where a number is taken for
// milliseconds, as in user_connection_status_changed; in seconds it would be the year 5138.
const (
	lastSecond  = 253402300799
	firstMillis = 100_000_000_000
)

// object is a JSON object that may also be null, absent or, as PHP writes an empty one, an empty array.
type object[T any] struct{ v T }

// UnmarshalJSON reads an object, null or an empty array.
func (o *object[T]) UnmarshalJSON(b []byte) error {
	*o = object[T]{}
	switch {
	case string(b) == "null", isEmptyArray(b):
		return nil
	case b[0] != '{':
		return wrongType[T](b)
	}
	return json.Unmarshal(b, &o.v)
}

// text is an id: a JSON string, or a number that is kept digit by digit.
type text string

// UnmarshalJSON reads a string, a number or null.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch c := b[0]; {
	case string(b) == "null":
		return nil
	case c == '"':
		return json.Unmarshal(b, (*string)(t))
	case c == '-' || c >= '0' && c <= '9':
		*t = text(b)
		return nil
	}
	return wrongType[text](b)
}

// loose is a text that is empty when the value is of any other type.
type loose string

// UnmarshalJSON reads anything.
func (l *loose) UnmarshalJSON(b []byte) error {
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		t = "" // the value is an extra: without it there is a default
	}
	*l = loose(t)
	return nil
}

// size is a number of bytes, as a number or as a string; a string that is no number means unknown.
type size int64

// UnmarshalJSON reads a number, a string or null.
func (s *size) UnmarshalJSON(b []byte) error {
	*s = 0
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return wrongType[size](b)
	}
	n, err := strconv.ParseInt(string(t), 10, 64)
	switch {
	case err == nil && n >= 0:
		*s = size(n)
	case b[0] != '"' && string(b) != "null":
		return wrongType[size](b)
	}
	return nil
}

// instant is a time in unix seconds, or milliseconds where the number is too large for seconds. The zero time means that
// the payload does not tell.
type instant struct{ time.Time }

// UnmarshalJSON reads a whole number, as a number or as a string, or null. 0 and the empty string tell nothing.
func (i *instant) UnmarshalJSON(b []byte) error {
	i.Time = time.Time{}
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return wrongType[instant](b)
	}
	if t == "" {
		return nil
	}
	n, err := strconv.ParseInt(string(t), 10, 64)
	switch {
	case err != nil || n < 0 || n > lastSecond*1000:
		return wrongType[instant](b)
	case n >= firstMillis:
		i.Time = time.UnixMilli(n).UTC()
	case n > 0:
		i.Time = time.Unix(n, 0).UTC()
	}
	return nil
}

// first returns the first time that is told.
func first(times ...instant) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t.Time
		}
	}
	return time.Time{}
}

func isEmptyArray(b []byte) bool {
	return b[0] == '[' && len(bytes.TrimSpace(b[1:len(b)-1])) == 0
}

// wrongType returns the error for a value that is no T. It names the kind of the value and never the value; the decoder
// adds the field.
func wrongType[T any](b []byte) error {
	kind := "number"
	switch b[0] {
	case '{':
		kind = "object"
	case '[':
		kind = "array"
	case '"':
		kind = "string"
	case 't', 'f':
		kind = "bool"
	}
	return &json.UnmarshalTypeError{Value: kind, Type: reflect.TypeFor[T]()}
}
