package main

import "testing"

func TestBytesize(t *testing.T) {
	for text, want := range map[string]bytesize{
		"0": 0, "67108864": 64 << 20, "100b": 100, "5KB": 5000, "64MiB": 64 << 20, "64 mib": 64 << 20, "2GiB": 2 << 30, "3gb": 3e9,
		"7MB": 7e6, "9kib": 9 << 10, "9223372036854775807": 1<<63 - 1,
	} {
		var got bytesize
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "+1", "1.5GiB", "1TB", "1GiB2", "1e9", "9223372036854775808", "9007199254740992GiB"} {
		var got bytesize
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken as %d", text, got)
		}
	}
}
