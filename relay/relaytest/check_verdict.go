package relaytest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

func verdictChecks() []check {
	return []check{
		{"verdict/every status", nil, verdictOfStatuses},
		{"verdict/every code", []Interface{Sender}, verdictOfCodes},
		{"verdict/wait", []Interface{Sender}, verdictWait},
		{"verdict/no answer", nil, verdictOfSilence},
	}
}

// unknownCode is a code that no platform has.
const unknownCode = "relaytest-unknown-code"

// refusals are the bodies with which a status is answered.
type refusal struct {
	what, code string
	// readable: it is the documented error answer.
	readable bool
	answer   func(echo string) (contentType string, body []byte)
}

func (s *suite) refusal(status int, code string) refusal {
	return refusal{"error answer", code, true, func(echo string) (string, []byte) {
		return s.p.Verdicts.Refuse(status, code, "Refused: "+echo)
	}}
}

func (s *suite) refusals(status int) []refusal {
	whole := s.refusal(status, unknownCode)
	return []refusal{
		whole,
		{what: "empty body", answer: func(string) (string, []byte) { return "", nil }},
		{what: "page of a proxy", answer: func(echo string) (string, []byte) {
			return "text/html", []byte("<html><body><h1>Oh no</h1>" + echo + "</body></html>")
		}},
		{what: "broken error answer", answer: func(echo string) (string, []byte) {
			kind, body := whole.answer(echo)
			return kind, body[:len(body)/2]
		}},
	}
}

// verdictOfStatuses: every status that HTTP can carry, with every kind of body, has the meaning that the platform's rule says.
func verdictOfStatuses(s *suite) {
	b := s.stand(StageConfig{})
	for _, o := range b.ops() {
		for status := 100; status <= 599; status++ {
			kinds := s.refusals(status)
			if o.name != "post" { // all kinds are tried on one call, and each kind on the others
				kinds = kinds[status%len(kinds) : status%len(kinds)+1]
			}
			for _, r := range kinds {
				b.judge(o, status, r)
			}
		}
	}
}

// verdictOfCodes: what the platform's codes mean counts for something beside what statuses mean.
func verdictOfCodes(s *suite) {
	b := s.stand(StageConfig{})
	codes := append(slices.Clone(s.p.Verdicts.Codes), unknownCode, "")
	for _, o := range b.ops() {
		if o.name != "post" && o.name != "reply" {
			continue
		}
		for _, code := range codes {
			for _, status := range []int{200, 400, 401, 403, 404, 408, 409, 410, 422, 425, 429, 500, 502, 503} {
				b.judge(o, status, s.refusal(status, code))
			}
		}
	}
}

// judge has a call refused and compares what it returns with the rule. The refusal repeats all that the call has sent, as some
// platforms do.
func (b *bench) judge(o op, status int, r refusal) {
	b.t.Helper()
	final := status
	if isInformational(status) { // comes before the answer, and makes no difference to it
		final = http.StatusServiceUnavailable
	}
	b.front.clear()
	b.front.inject(fault{answer: func(w http.ResponseWriter, req *http.Request) {
		if final != status {
			w.WriteHeader(status)
		}
		kind, body := r.answer(fmt.Sprintf("%s %s %v", req.Method, req.URL, req.Header))
		write(w, final, kind, body)
	}})
	before, _ := b.front.count()
	err := o.do(b.ctx)
	if after, _ := b.front.count(); after == before {
		b.t.Fatalf("%s asks nobody", o.name)
	}
	what := fmt.Sprintf("%s answered %d with %s %q", o.name, status, r.what, r.code)
	if err == nil {
		b.t.Errorf("%s returns no error", what)
		return
	}
	b.judgeText(o, what, final, r, err)
	var f *relay.Failure
	switch {
	case errors.As(err, &f):
		if want := b.wanted(o, final, r); !o.plain && f.Kind != want {
			b.t.Errorf("%s is %s, want %s: %s", what, f.Kind, want, clip(err.Error()))
		}
		if f.After != 0 {
			b.t.Errorf("%s asks to wait %s, which the platform did not", what, f.After)
		}
	case !o.plain:
		b.t.Errorf("%s returns no Failure: %s", what, clip(err.Error()))
	}
}

// judgeText looks at what an error says: the platform, what failed, the status and the code.
func (b *bench) judgeText(o op, what string, status int, r refusal, err error) {
	b.t.Helper()
	names := append([]string{b.p.Name}, o.names...)
	if status >= http.StatusMultipleChoices {
		names = append(names, strconv.Itoa(status))
	}
	if r.readable && hasBody(status) {
		names = append(names, r.code)
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			b.t.Errorf("%s: the error does not name %q: %s", what, name, clip(err.Error()))
		}
	}
}

func (b *bench) wanted(o op, status int, r refusal) relay.Kind {
	success := status >= http.StatusOK && status < http.StatusMultipleChoices
	readable := r.readable && hasBody(status)
	if success && !readable { // it may well have been done
		return relay.Temporary
	}
	code := ""
	if readable {
		code = r.code
	}
	return b.p.Verdicts.Want(Refusal{Call: o.name, Status: status, Code: code})
}

func isInformational(status int) bool {
	return status < http.StatusOK && status != http.StatusSwitchingProtocols
}

// hasBody reports whether HTTP lets an answer with the status have a body.
func hasBody(status int) bool {
	return status >= http.StatusOK && status != http.StatusNoContent && status != http.StatusNotModified
}

// verdictWait: a platform that says how long to wait is understood, and a nonsensical wait does no harm.
func verdictWait(s *suite) {
	const day = 24 * time.Hour
	b := s.stand(StageConfig{})
	for _, c := range []struct {
		header      string
		least, most time.Duration
	}{
		{"", 0, 0},
		{"0", 0, 0},
		{"7", 7 * time.Second, 7 * time.Second},
		{" 30 ", 30 * time.Second, 30 * time.Second},
		{"120", 2 * time.Minute, 2 * time.Minute},
		{"1.5", time.Second, 2 * time.Second},
		{time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), 30 * time.Second, time.Minute},
		{time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat), 0, 0},
		{"-5", 0, 0},
		{"soon", 0, 0},
		{"NaN", 0, 0},
		{"1e300", 0, day},
		{"99999999999999999999", 0, day},
	} {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			b.front.clear()
			b.front.inject(fault{answer: func(w http.ResponseWriter, _ *http.Request) {
				if c.header != "" {
					w.Header().Set("Retry-After", c.header)
				}
				kind, body := s.p.Verdicts.Refuse(status, "", "Slow down")
				write(w, status, kind, body)
			}})
			_, err := b.send(s.ctx, b.action(event.Post, b.group(), ""))
			var f *relay.Failure
			if !errors.As(err, &f) {
				s.t.Errorf("%d returns no Failure: %v", status, err)
				continue
			}
			if f.After < c.least || f.After > c.most {
				s.t.Errorf("%d with Retry-After %q asks to wait %s, want %s to %s", status, c.header, f.After, c.least, c.most)
			}
		}
	}
}
