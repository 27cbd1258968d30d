package rocketchat

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Redact returns a call's body without the credentials in it. What is not JSON has no places where they could be looked for:
// of that nothing is left.
func (c *Connection) Redact(body []byte) []byte {
	if !json.Valid(body) {
		return []byte(`"` + removed + `"`)
	}
	return redact(body, c.token.literal())
}

// redact returns a JSON text without credentials: what stands under keys that name one, at any depth, user and password in
// URLs, and the literal secret wherever a string holds it. Keys keep their order and numbers their digits. What is not one
// JSON text comes back as a string that says nothing.
func redact(body []byte, secret string) []byte {
	r := redactor{dec: json.NewDecoder(bytes.NewReader(body)), secret: secret}
	r.dec.UseNumber()
	r.out.Grow(len(body))
	if err := r.value(); err != nil {
		return []byte(`"` + removed + `"`)
	}
	return r.out.Bytes()
}

// redactor copies one JSON text.
type redactor struct {
	dec    *json.Decoder
	out    bytes.Buffer
	secret string
}

// value copies a value.
func (r *redactor) value() error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return r.members()
	case json.Delim('['):
		return r.elements()
	}
	return r.scalar(token)
}

func (r *redactor) elements() error {
	r.out.WriteByte('[')
	for n := 0; r.dec.More(); n++ {
		if n > 0 {
			r.out.WriteByte(',')
		}
		if err := r.value(); err != nil {
			return err
		}
	}
	return r.end(']')
}

func (r *redactor) members() error {
	r.out.WriteByte('{')
	for n := 0; r.dec.More(); n++ {
		if n > 0 {
			r.out.WriteByte(',')
		}
		key, err := r.dec.Token()
		if err != nil {
			return err
		}
		if err := r.scalar(key); err != nil {
			return err
		}
		r.out.WriteByte(':')
		if name, ok := key.(string); ok && isSecretKey(name) {
			err = r.hide()
		} else {
			err = r.value()
		}
		if err != nil {
			return err
		}
	}
	return r.end('}')
}

// hide passes over a value of any kind.
func (r *redactor) hide() error {
	var skipped json.RawMessage
	if err := r.dec.Decode(&skipped); err != nil {
		return err
	}
	return r.scalar(removed)
}

func (r *redactor) end(close byte) error {
	if _, err := r.dec.Token(); err != nil {
		return err
	}
	return r.out.WriteByte(close)
}

// scalar writes a string, a number, true, false or null.
func (r *redactor) scalar(v any) error {
	if s, ok := v.(string); ok {
		v = cleanText(s, r.secret)
	}
	enc := json.NewEncoder(&r.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	r.out.Truncate(r.out.Len() - 1) // the line feed
	return nil
}

// isSecretKey reports whether the value of an object's key is a credential, or may hold some: a whole user document, which
// older servers send with uploads, has digests of passwords and tokens under "services".
func isSecretKey(key string) bool {
	switch strings.ToLower(key) {
	case "token", "authtoken", "auth_token", "accesstoken", "access_token", "refreshtoken", "refresh_token", "authorization",
		"resume", "logintokens", "hashedtoken", "password", "bcrypt", "secret", "services", "x-auth-token", "rc_token", "e2e":
		return true
	}
	return false
}
