package main

import (
	"slices"
	"testing"
)

func TestUnknownVariables(t *testing.T) {
	tests := []struct {
		name, value string
		want        string
	}{
		{"THREADRELAY_LISTEN", "x", ""},
		{"THREADRELAY_LISTEN_FILE", "x", ""},
		{"COMETCHAT_ANYTHING", "x", ""},
		{"PATH", "x", ""},
		{"THREADRELAY_LISTN", "x", "THREADRELAY_LISTN is not a known variable and has no effect; did you mean THREADRELAY_LISTEN?"},
		{"THREADRELAY_BOT", "x", "THREADRELAY_BOT is not a known variable and has no effect; did you mean THREADRELAY_BOTS?"},
		{"THREADRELAY_ADMIN_TOKEN_FLE", "x", "THREADRELAY_ADMIN_TOKEN_FLE is not a known variable and has no effect; did you mean THREADRELAY_ADMIN_TOKEN_FILE?"},
		{"THREADRELAY_WHATEVER_THIS_IS", "x", "THREADRELAY_WHATEVER_THIS_IS is not a known variable and has no effect"},
		{"THREADRELAY_PORT", "8080", "THREADRELAY_PORT is not a known variable and has no effect; did you mean THREADRELAY_BOTS?"},
		{"THREADRELAY_PORT", "tcp://10.0.0.1:8080", ""},
		{"THREADRELAY_SERVICE_HOST", "10.0.0.1", ""},
		{"THREADRELAY_ADMIN_SERVICE_PORT_HTTP", "8080", ""},
		{"THREADRELAY_PORT_8080_TCP_ADDR", "10.0.0.1", ""},
		{"THREADRELAY_PORT_NUMBER_TO_USE", "1", "THREADRELAY_PORT_NUMBER_TO_USE is not a known variable and has no effect"},
		{"THREADRELAY_PORT_8080", "1", "THREADRELAY_PORT_8080 is not a known variable and has no effect"},
	}
	for _, tt := range tests {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			if got := unknownVariables(map[string]string{tt.name: tt.value}); !slices.Equal(got, want) {
				t.Errorf("warnings = %q, want %q", got, want)
			}
		})
	}
}

func TestUnknownVariablesAreSorted(t *testing.T) {
	got := unknownVariables(map[string]string{"THREADRELAY_ZZZZZZZZZ": "1", "THREADRELAY_AAAAAAAAA": "1"})
	if len(got) != 2 || !slices.IsSorted(got) {
		t.Errorf("warnings = %q, want two in order", got)
	}
}

func TestUnknownVariableComesWithAnError(t *testing.T) {
	_, warnings, err := loadConfig([]string{"THREADRELAY_LISTEN=x", "THREADRELAY_FSINC=always"})
	if err == nil || len(warnings) != 1 {
		t.Errorf("err = %v, warnings = %q; want an error and one warning", err, warnings)
	}
}

func TestEditDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "ac", 1},
		{"kitten", "sitting", 3}, {"sunday", "saturday", 3}, {"ab", "ba", 2},
	}
	for _, tt := range tests {
		if got := editDistance(tt.a, tt.b); got != tt.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"ABCDE", "ABCDF", "XYZ"}
	tests := map[string]string{"ABCDF": "ABCDF", "ABCD": "ABCDE", "XYZZZZ": "XYZ", "XYZZZZZ": "", "": "XYZ"}
	for name, want := range tests {
		if got := nearest(name, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
