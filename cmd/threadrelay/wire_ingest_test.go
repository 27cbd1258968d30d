package main

import (
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/ingest"
)

func TestPollTrouble(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tt := range map[string]struct {
		status ingest.PollStatus
		want   string
	}{
		"another instance polls": {ingest.PollStatus{}, ""},
		"all is well":            {ingest.PollStatus{Polling: true, Listening: &ingest.ListenStatus{Open: true}}, ""},
		"paused":                 {ingest.PollStatus{Polling: true, PausedUntil: at}, "left alone until 2026-01-02T03:04:05Z"},
		"a source fails": {
			ingest.PollStatus{Polling: true, Failing: 1, Faults: []ingest.SourceFault{{Source: "#a", Since: at, Error: "no"}}}, "#a since 2026-01-02T03:04:05Z: no",
		},
		"listening just failed":  {ingest.PollStatus{Polling: true, Listening: &ingest.ListenStatus{Attempts: 1, Since: at, Error: "no"}}, ""},
		"listening is not to be": {ingest.PollStatus{Polling: true, Listening: &ingest.ListenStatus{Attempts: 2, Since: at, Error: "no"}}, "since 2026-01-02T03:04:05Z: no"},
		"it is tried again":      {ingest.PollStatus{Polling: true, Listening: &ingest.ListenStatus{Attempts: 2, Open: true}}, ""},
	} {
		err := pollTrouble(tt.status)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
