package main

import (
	"io"
	"log/slog"
)

// logTime is RFC 3339 with milliseconds; in UTC it ends in Z.
const logTime = "2006-01-02T15:04:05.000Z07:00"

// newLogger returns the logger of the process. Without a format it writes text to a terminal and JSON otherwise; times are
// UTC with milliseconds in both.
func newLogger(cfg logConfig, w io.Writer, terminal bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: logLevel(cfg.Level), ReplaceAttr: utcTime}
	if cfg.Format == "text" || cfg.Format == "" && terminal {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// logLevel maps the values of LOG_LEVEL; what it does not know is info, the default.
func logLevel(name string) slog.Level {
	switch name {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// utcTime rewrites the time of a record; attributes in groups and values of other kinds stay.
func utcTime(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) == 0 && attr.Key == slog.TimeKey && attr.Value.Kind() == slog.KindTime {
		return slog.String(slog.TimeKey, attr.Value.Time().UTC().Format(logTime))
	}
	return attr
}
