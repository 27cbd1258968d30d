package relaytest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// silences are the ways in which a server can leave a call without an answer.
func (s *suite) silences() map[string]fault {
	return map[string]fault{
		"the connection is cut": {cut: true},
		"the answer breaks off": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"data":{`))
			panic(http.ErrAbortHandler)
		}},
	}
}

// floods are the ways in which it can have far too much of one.
func (s *suite) floods() map[string]fault {
	return map[string]fault{
		"the answer has no end":              s.endless(`{"data":["`, "x"),
		"the answer is white space for ever": s.endless(`{"data":[`, " "),
	}
}

// verdictOfSilence: what has no answer, or half of one, or one without an end, is Temporary, and is so before long.
func verdictOfSilence(s *suite) {
	b := s.stand(StageConfig{})
	ops := b.ops()
	for what, x := range s.silences() {
		b.front.clear()
		b.front.inject(x)
		for _, o := range ops {
			b.unanswered(o, what)
		}
	}
	for what, x := range s.floods() {
		b.front.clear()
		b.front.inject(x)
		for _, o := range ops { // one of each interface: it takes long
			if slices.Contains([]string{"post", "poll", "complete", "thread", "member"}, o.name) {
				b.unanswered(o, what)
			}
		}
	}
	b.close()
	for _, o := range ops {
		b.unanswered(o, "there is no server")
	}
}

func (b *bench) unanswered(o op, what string) {
	b.t.Helper()
	began := time.Now()
	err := o.do(b.ctx)
	const calls = 6 // that it may take, should it ask for less each time
	if took := time.Since(began); took > calls*b.patience {
		b.t.Errorf("%s: %s takes %s", what, o.name, took)
	}
	var f *relay.Failure
	switch {
	case err == nil:
		b.t.Errorf("%s: %s returns no error", what, o.name)
	case errors.As(err, &f):
		if f.Kind != relay.Temporary && !o.plain {
			b.t.Errorf("%s: %s is %s, want %s: %v", what, o.name, f.Kind, relay.Temporary, err)
		}
	case !o.plain:
		b.t.Errorf("%s: %s returns no Failure: %v", what, o.name, err)
	}
	for _, name := range append([]string{b.p.Name}, o.names...) {
		if err != nil && !strings.Contains(err.Error(), name) {
			b.t.Errorf("%s: %s: the error does not name %q: %v", what, o.name, name, err)
		}
	}
}

// poured is far more than any answer has.
const poured = 64 << 20

// endless is a fault that answers for as long as anybody reads it.
func (s *suite) endless(begin, filling string) fault {
	return fault{answer: func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(begin + strings.Repeat(filling, 1<<16))
		for sent := 0; sent < poured; sent += len(chunk) {
			if _, err := w.Write(chunk); err != nil || r.Context().Err() != nil {
				return
			}
			chunk = chunk[len(chunk)-1<<16:]
		}
		s.t.Errorf("an answer of %d bytes is read to its end", poured)
	}}
}
