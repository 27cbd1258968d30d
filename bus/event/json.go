package event

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Version is the version of the JSON form. Fields may be added within a version; a reader ignores those that it does not
// know, and refuses a version above its own.
const Version = 1

// Encode returns the event's JSON form. The platform's payload in it is kept byte for byte, save for white space.
func (e Event) Encode() ([]byte, error) {
	e.Version = Version
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return encode(e)
}

// Encode returns the action's JSON form.
func (a Action) Encode() ([]byte, error) {
	a.Version = Version
	if err := a.Validate(); err != nil {
		return nil, err
	}
	return encode(a)
}

// DecodeEvent reads an event's JSON form and validates it.
func DecodeEvent(data []byte) (Event, error) {
	var e Event
	if err := decode(data, &e, &e.Version); err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	return e, e.Validate()
}

// DecodeAction reads an action's JSON form and validates it.
func DecodeAction(data []byte) (Action, error) {
	var a Action
	if err := decode(data, &a, &a.Version); err != nil {
		return Action{}, fmt.Errorf("action: %w", err)
	}
	return a, a.Validate()
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("event: encode %T: %w", v, err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func decode(data []byte, into any, version *int) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if *version < 1 || *version > Version {
		return fmt.Errorf("decode: version %d, this program reads 1 to %d", *version, Version)
	}
	return nil
}
