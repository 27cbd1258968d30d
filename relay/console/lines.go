package console

import (
	"encoding/json"
	"net/http"
	"time"
)

// linePause is how long an answer may stand still because its reader does not read.
const linePause = 10 * time.Second

// lines is an answer of any length: one JSON object per line.
type lines struct {
	w     http.ResponseWriter
	pace  *http.ResponseController
	begun bool
}

func newLines(w http.ResponseWriter) *lines {
	l := &lines{w: w, pace: http.NewResponseController(w)}
	// The server's deadlines are meant for short answers. At the one for reading it would take a reader that listens quietly
	// for one that has gone. A writer that has no deadlines needs none moved.
	_ = l.pace.SetReadDeadline(time.Time{})
	return l
}

// begin sends the header, unless that is done.
func (l *lines) begin() {
	_ = l.pace.SetWriteDeadline(time.Now().Add(linePause))
	if !l.begun {
		jsonHeader(l.w, "application/x-ndjson")
		l.begun = true
	}
}

func (l *lines) write(v any) error {
	l.begin()
	return encode(l.w, v)
}

// fail ends the answer with an error: with its status if nothing was written before, and otherwise as the last line.
func (l *lines) fail(err error) {
	if l.begun {
		_ = l.write(Problem{err.Error()}) // the reader has gone if this fails
		return
	}
	_ = l.pace.SetWriteDeadline(time.Now().Add(linePause))
	writeJSON(l.w, deadStatus(err, http.StatusBadGateway), Problem{err.Error()})
}

func jsonHeader(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store") // messages are nobody's business but the asker's
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	jsonHeader(w, "application/json")
	w.WriteHeader(status)
	_ = encode(w, v) // the caller has gone if this fails
}

func encode(w http.ResponseWriter, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
