package main

import (
	"net/http"
	"strings"
	"testing"
)

// post sends a webhook call with a password and returns its status.
func post(t *testing.T, r *relayProcess, password, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.public+"/hooks/cometchat", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(demoHook, password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
