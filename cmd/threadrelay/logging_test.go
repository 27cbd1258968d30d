package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestLoggerFormat(t *testing.T) {
	tests := []struct {
		name, format string
		terminal     bool
		json         bool
	}{
		{"terminal", "", true, false},
		{"no terminal", "", false, true},
		{"json on a terminal", "json", true, true},
		{"text elsewhere", "text", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			newLogger(logConfig{Format: tt.format}, &out, tt.terminal).Info("hello", "key", "value")
			if got := json.Valid(out.Bytes()); got != tt.json {
				t.Errorf("JSON = %t, want %t: %s", got, tt.json, out.String())
			}
			if !strings.Contains(out.String(), "hello") || !strings.Contains(out.String(), "value") {
				t.Errorf("the record is not whole: %s", out.String())
			}
		})
	}
}

func TestLoggerLevel(t *testing.T) {
	levels := []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	tests := map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1, "": 3}
	for level, want := range tests {
		var out bytes.Buffer
		logger := newLogger(logConfig{Level: level}, &out, true)
		for _, l := range levels {
			logger.Log(t.Context(), l, "x")
		}
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Errorf("level %q writes %d of 4 records, want %d:\n%s", level, got, want, out.String())
		}
	}
}

func TestLoggerTime(t *testing.T) {
	east := time.FixedZone("east", 2*60*60)
	record := slog.NewRecord(time.Date(2024, 2, 3, 4, 5, 6, 7_890_000, east), slog.LevelInfo, "x", 0)
	//nolint:sloglint // an attribute that is called like the record's own time is the case
	record.AddAttrs(slog.Group("group", slog.Time(slog.TimeKey, time.Date(2024, 1, 1, 0, 0, 0, 0, east))))
	for _, terminal := range []bool{true, false} {
		var out bytes.Buffer
		if err := newLogger(logConfig{}, &out, terminal).Handler().Handle(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		if want := "2024-02-03T02:05:06.007Z"; !strings.Contains(out.String(), want) {
			t.Errorf("terminal %t: no time %s in %s", terminal, want, out.String())
		}
		if !strings.Contains(out.String(), "2024-01-01T00:00:00") {
			t.Errorf("terminal %t: the time in the group was changed: %s", terminal, out.String())
		}
	}
}
