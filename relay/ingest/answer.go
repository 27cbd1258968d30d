package ingest

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// answer is what a webhook's sender gets to hear. It always has a body: Rocket.Chat takes one without for a failure, whatever
// the status, and looks into it for a "text" to post, which ours never has. A 410 would have it disable the webhook for good.
type answer struct {
	status  int
	outcome string // for the metric
	problem string // for the sender; empty when all is well
	retry   bool
}

func answerStored() answer    { return answer{status: http.StatusOK, outcome: "stored"} }
func answerDuplicate() answer { return answer{status: http.StatusOK, outcome: "duplicate"} }
func answerKept() answer      { return answer{status: http.StatusOK, outcome: "kept_as_dead_letter"} }

func answerNotFound() answer {
	return answer{status: http.StatusNotFound, outcome: "unknown_connection", problem: "no such connection"}
}

func answerNotStored() answer {
	return answer{status: http.StatusServiceUnavailable, outcome: "not_stored", problem: "the event could not be stored, please repeat", retry: true}
}

// refuse answers a call that nothing is kept of.
func (w *Webhook) refuse(id event.ConnectionID, err error) answer {
	a := refusal(err)
	w.cfg.Log.Warn("webhook refused", "connection", id, "status", a.status, "error", err)
	return a
}

func refusal(err error) answer {
	switch {
	case errors.Is(err, relay.ErrHookClosed):
		return answer{http.StatusForbidden, "closed", "this hook has no credentials configured and takes nothing", false}
	case errors.Is(err, relay.ErrUnauthorized):
		return answer{http.StatusUnauthorized, "unauthorized", "wrong or missing credentials", false}
	case errors.Is(err, relay.ErrNotJSON):
		return answer{http.StatusBadRequest, "not_json", "the body is not JSON", false}
	case errors.Is(err, errTooLarge):
		return answer{http.StatusRequestEntityTooLarge, "too_large", "the body exceeds 512 KiB", false}
	case errors.Is(err, errEncoding):
		return answer{http.StatusUnsupportedMediaType, "encoding", "Content-Encoding must be gzip or absent", false}
	case errors.Is(err, errBody):
		return answer{http.StatusBadRequest, "unreadable", "the body could not be read to its end", false}
	}
	// Rocket.Chat repeats a call that was answered with 503, and never one that was answered with 500.
	return answer{http.StatusServiceUnavailable, "failed", "the call could not be decoded", true}
}

func (a answer) write(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/json")
	if a.status == http.StatusUnauthorized {
		rw.Header().Set("WWW-Authenticate", `Basic realm="threadrelay"`)
	}
	if a.retry {
		rw.Header().Set("Retry-After", "5")
	}
	body := []byte("{}")
	if a.problem != "" {
		body, _ = json.Marshal(map[string]string{"error": a.problem}) // strings always encode
	}
	rw.WriteHeader(a.status)
	_, _ = rw.Write(append(body, '\n')) // a sender that has gone repeats the call
}
