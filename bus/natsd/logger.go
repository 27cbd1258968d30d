package natsd

import (
	"fmt"
	"log/slog"
	"sync"
)

// logger passes the server's lines on. What the server calls a notice is detail to us.
type logger struct {
	log *slog.Logger

	mu    sync.Mutex
	last  string
	fatal bool
}

func (l *logger) Noticef(format string, v ...any) {
	l.log.Debug("nats", "line", fmt.Sprintf(format, v...))
}
func (l *logger) Debugf(format string, v ...any) {
	l.log.Debug("nats", "line", fmt.Sprintf(format, v...))
}
func (l *logger) Tracef(format string, v ...any) {
	l.log.Debug("nats", "line", fmt.Sprintf(format, v...))
}
func (l *logger) Warnf(format string, v ...any) {
	l.log.Warn("nats", "line", fmt.Sprintf(format, v...))
}
func (l *logger) Errorf(format string, v ...any) { l.problem(fmt.Sprintf(format, v...)) }
func (l *logger) Fatalf(format string, v ...any) {
	l.problem(fmt.Sprintf(format, v...))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = true
}

func (l *logger) problem(line string) {
	l.mu.Lock()
	l.last = line
	l.mu.Unlock()
	l.log.Error("nats", "line", line)
}

// lastProblem is the newest error line, or empty.
func (l *logger) lastProblem() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// isFatal reports whether the server has given up.
func (l *logger) isFatal() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}
