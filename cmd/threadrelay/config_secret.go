package main

import (
	"log/slog"
	"strings"
)

// removed stands in print for what must not be printed.
const removed = "[removed]"

// secret is a value that must appear in no log line, error or page. Only Reveal gives it out.
type secret string

// Reveal returns the value itself, for the call that needs it.
func (s secret) Reveal() string { return string(s) }

// String tells no more than whether there is a value.
func (s secret) String() string {
	if s == "" {
		return ""
	}
	return removed
}

// GoString is String in quotes; it serves the verb %#v.
func (s secret) GoString() string { return `"` + s.String() + `"` }

// LogValue keeps the value out of structured logs.
func (s secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the value out of JSON and YAML.
func (s secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes text as the value.
func (s *secret) UnmarshalText(text []byte) error {
	*s = secret(text)
	return nil
}

// natsURL is a comma list of NATS addresses. An address may carry a password or a token, so in print it is reduced to
// scheme and host; Reveal gives the whole.
type natsURL string

// Reveal returns the addresses as they were given, for the call that connects.
func (u natsURL) Reveal() string { return string(u) }

// String returns the addresses without their credentials. Of a list that is not valid it shows nothing, as there is no
// telling where in it a password stands.
func (u natsURL) String() string {
	if u == "" {
		return ""
	}
	if checkNATS(u.addresses()) != nil {
		return removed
	}
	var shown []string
	for _, address := range u.addresses() {
		parsed, err := parseNATS(address)
		if err != nil {
			return removed
		}
		scheme := parsed.Scheme
		if scheme != "" {
			scheme += "://"
		}
		shown = append(shown, scheme+parsed.Host)
	}
	return strings.Join(shown, ",")
}

// GoString is String in quotes; it serves the verb %#v.
func (u natsURL) GoString() string { return `"` + u.String() + `"` }

// LogValue keeps credentials out of structured logs.
func (u natsURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText keeps credentials out of JSON and YAML.
func (u natsURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText takes text as the addresses.
func (u *natsURL) UnmarshalText(text []byte) error {
	*u = natsURL(text)
	return nil
}

// addresses returns the single addresses, without white space around them.
func (u natsURL) addresses() []string {
	parts := strings.Split(string(u), ",")
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
	}
	return parts
}
