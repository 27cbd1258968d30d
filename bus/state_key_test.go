package bus

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestEncodeKey(t *testing.T) {
	for key, want := range map[string]string{
		"plain-1_a": "plain-1_a",
		"_kv":       "=5Fkv",
		"a.b":       "a=2Eb",
		"..":        "=2E=2E",
		"=2E":       "=3D2E",
		"a b*>%/":   "a=20b=2A=3E=25=2F",
		"é\x00":     "=C3=A9=00",
	} {
		if got := encodeKey(key); got != want {
			t.Errorf("%q became %q, want %q", key, got, want)
		}
	}
}

// FuzzEncodeKey: what can be decoded again is different for different keys.
func FuzzEncodeKey(f *testing.F) {
	for _, seed := range []string{"a", "_", "=", "==", "=5F", "_5F", ".", "\xff\xfe", "日本", strings.Repeat("*", 50)} {
		f.Add(seed)
	}
	valid := regexp.MustCompile(`^[-/_=\.a-zA-Z0-9]+$`) // as in nats.go
	f.Fuzz(func(t *testing.T, key string) {
		if key == "" {
			return
		}
		encoded := encodeKey(key)
		if !valid.MatchString(encoded) || strings.Contains(encoded, ".") || strings.HasPrefix(encoded, "_kv") {
			t.Errorf("%q became %q", key, encoded)
		}
		back, err := decodeKey(encoded)
		if err != nil || back != key {
			t.Errorf("%q came back as %q (%v)", key, back, err)
		}
	})
}

func decodeKey(encoded string) (string, error) {
	parts := strings.Split(encoded, "=")
	out := parts[0]
	for _, p := range parts[1:] {
		if len(p) < 2 {
			return "", errors.New("cut off")
		}
		b, err := hex.DecodeString(p[:2])
		if err != nil {
			return "", err
		}
		out += string(b) + p[2:]
	}
	return out, nil
}

func TestRefusal(t *testing.T) {
	api := func(code jetstream.ErrorCode) error { return fmt.Errorf("x: %w", &jetstream.APIError{ErrorCode: code}) }
	for _, err := range []error{
		api(jetstream.JSErrCodeStreamWrongLastSequence), api(jetstream.JSErrCodeStreamWrongLastSequenceConstant),
		jetstream.ErrKeyExists, jetstream.ErrKeyRevisionMismatch,
	} {
		if got := refusal(err); got != ErrConflict { //nolint:errorlint // nothing else may hang on it
			t.Errorf("%v became %v", err, got)
		}
	}
	if err := api(jetstream.JSErrCodeStreamNotFound); !errors.Is(refusal(err), err) || !isRefused(err) {
		t.Error("another refusal is not what it was")
	}
	if isRefused(errors.New("timeout")) {
		t.Error("an error without an answer counts as a refusal")
	}
}

func TestLeasePatience(t *testing.T) {
	for ttl, want := range map[time.Duration]time.Duration{
		time.Second: leastPatience, 5 * time.Second: 500 * time.Millisecond, defaultLeaseTTL: time.Second, time.Minute: swapTimeout,
	} {
		if got := (&LeaseConfig{TTL: ttl}).patience(); got != want || got >= ttl/4 {
			t.Errorf("TTL %s: %s, want %s", ttl, got, want)
		}
	}
}
